"""Languages of one script: what an identifier adds to the script."""

from pathlib import Path

import pytest

from semalign.config.data import Language
from semalign.data.preparation import prepare_pairs
from semalign.rewards.builtin import language_reward
from semalign.runtime.errors import InputError
from semalign.text.identification import confidence, identifier
from semalign.text.languages import identified, language_consistency, script_consistency

OWN = """
def by_word(text, code):
    assert code == "sw"
    return 0.75 if "watoto" in text.lower() else 0.25

def unsure(text, code):
    return "yes"

def fails(text, code):
    raise KeyError(code)
"""
SWAHILI = "Watoto wanacheza mpira kwenye uwanja wa shule."
ENGLISH = "The children are playing football in the school yard."


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "own_identifier.py").write_text(OWN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    identifier.cache_clear()
    return tmp_path


def language(identify: str, **changes: object) -> Language:
    given = {"script": "Latin", "excluded_scripts": ["Cyrillic"], "latin_share": 1.0, "bleu_tokens": "13a"}
    code = {} if identify == "script" else {"code": "sw"}
    return Language.model_validate(given | {"identify": identify} | code | changes)


def test_the_script_alone_takes_one_language_for_another() -> None:
    assert language_consistency(ENGLISH, language("script")) == 1.0


def test_an_identifier_is_asked_beside_the_script(folder: Path) -> None:
    own = language("own_identifier:by_word")
    assert [language_consistency(text, own) for text in (SWAHILI, ENGLISH)] == [1.0, 0.0]
    assert language_consistency(f"{SWAHILI} дети", own) == 0.0  # its script is excluded, whatever the identifier says
    assert confidence(SWAHILI, own) == 0.75
    assert language_reward(own)([SWAHILI, ENGLISH, ""], [SWAHILI] * 3, [ENGLISH] * 3) == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(("threshold", "expected"), [(0.75, True), (0.76, False), (0.25, True)])
def test_the_threshold_is_the_least_confidence(folder: Path, threshold: float, expected: bool) -> None:
    assert identified(SWAHILI, language("own_identifier:by_word", threshold=threshold)) is expected


def test_short_texts_are_left_to_the_script(folder: Path) -> None:
    own = language("own_identifier:by_word", least_letters=5)
    assert [language_consistency(text, own) for text in ("Good", "Goods", "Good 12345")] == [1.0, 0.0, 1.0]


def test_rows_in_another_language_are_dropped_and_counted(folder: Path) -> None:
    english, swahili = language("script"), language("own_identifier:by_word")
    texts = [(ENGLISH, SWAHILI), (ENGLISH, ENGLISH), (ENGLISH, "Дети играют в мяч."), ("Мяч", SWAHILI)]
    rows = [{"id": str(number), "source": one, "target": two} for number, (one, two) in enumerate(texts)]
    kept, report = prepare_pairs(rows, english, swahili, origin="a test").all()
    assert [row["id"] for row in kept] == ["0"]
    assert report["dropped"] == {"wrong_language_target": 1, "wrong_script_target": 1, "wrong_script_source": 1}
    _, report = prepare_pairs(
        [*rows[:1], rows[0] | {"id": "9", "source": SWAHILI, "target": ENGLISH}], swahili, english, origin="a test"
    ).all()
    assert report["dropped"] == {"wrong_language_source": 1}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("own_identifier:unsure", "returned 'yes' for"),
        ("own_identifier:fails", "own_identifier.py:10: KeyError: 'sw'"),
        ("own_identifier:none", "defines no none; it defines by_word, fails, unsure"),
    ],
)
def test_what_is_no_identifier_is_said(folder: Path, name: str, said: str) -> None:
    with pytest.raises(InputError) as raised:
        confidence(SWAHILI, language(name))
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"identify": "lingua", "code": None}, "code: is given with identify: lingua or module:function, and needed"),
        ({"identify": "script", "code": "sw"}, "code: is given with identify"),
        ({"identify": "own:f", "among": ["en"]}, "among: is for identify: lingua alone"),
        ({"identify": "fasttext"}, "'fasttext' is no module:function"),
        ({"identify": "lingua", "threshold": 0}, "greater than 0"),
    ],
)
def test_keys_that_do_not_fit_are_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        language(str(changes.pop("identify")), **changes)


class TestLingua:
    """Skipped where the extra is not installed."""

    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("lingua", reason="lingua is an extra: envs/requirements-lingua.txt")
        identifier.cache_clear()

    @pytest.mark.parametrize("among", [["en", "sw"], ["eng", "swa", "zu", "so"], None])
    def test_english_copied_as_swahili_scores_nothing(self, among: list[str] | None) -> None:
        swahili = language("lingua", among=among)
        assert script_consistency(ENGLISH, swahili) == 1.0
        assert language_reward(swahili)([SWAHILI, ENGLISH], [SWAHILI] * 2, [ENGLISH] * 2) == [1.0, 0.0]

    @pytest.mark.parametrize("code", ["SW", "swa", "Swahili"])
    def test_a_language_has_three_names(self, code: str) -> None:
        assert confidence(SWAHILI, language("lingua", code=code, among=["en"])) > 0.9

    def test_an_unknown_language_is_answered_with_the_known_ones(self) -> None:
        with pytest.raises(InputError) as raised:
            identifier("lingua", "swahilli", ())
        assert "code: lingua does not know 'swahilli'; did you mean swahili? It knows af (Afrikaans), " in str(
            raised.value
        )
        with pytest.raises(InputError, match=r"among: lingua does not know 'bo'.*sw \(Swahili\)"):
            identifier("lingua", "sw", ("en", "bo"))

    def test_a_language_alone_is_told_from_nothing(self) -> None:
        with pytest.raises(InputError, match="among: sw is the language itself; name those that it is told from"):
            identifier("lingua", "sw", ("sw",))


def test_without_lingua_the_message_says_what_to_install() -> None:
    try:
        import lingua  # noqa: F401
    except ImportError:
        identifier.cache_clear()
        with pytest.raises(InputError, match=r"identify: lingua cannot be imported .*envs/requirements-lingua\.txt"):
            identifier("lingua", "sw", ())
    else:
        pytest.skip("lingua is installed here")
