"""One form in which texts are compared: a test text in any guise is found, and never trained on."""

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.config.data import CorpusItem, Language, Lines, PairTable, Split, Table
from semalign.data.corpus import contrastive_rows, held_out_texts, pretraining_documents, texts_of_tests
from semalign.data.preparation import prepare_pairs
from semalign.data.sources import read_pairs
from semalign.data.splits import split_pairs
from semalign.encoder.exam import examine
from semalign.runtime.files import write_jsonl
from semalign.text.matching import cleaned, comparable

few = settings(max_examples=60, deadline=None)
ANY = Language(script="Latin", excluded_scripts=[], latin_share=1, bleu_tokens="13a")

# Format characters, marks that a renderer may leave out, controls: one of each kind that Unicode has.
INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u200f\u061c\u202a\u202e\u2066\u2069\u034f\u180e\u180b\ufe0f"
INVISIBLE += "\U000e0100\U000e0041\u115f\u3164\uffa0\u17b4\u2063\ufff9\x01\x7f\x9f"
SPACES = " \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2003\u2009\u2028\u2029\u202f\u205f\u3000\u2800"
TEXTS = ["éa straße ı 12 Ǆ", "བོད་ཡིག གྷ་རྟགས། a", "西藏 的語言，a", "می\u200cخواهم a", "क्\u200dष a", "ฉันทำ a ﬁ½"]


@st.composite
def disguised(draw: st.DrawFn, text: str) -> str:
    """The text in another normal form and case, with other white space, and invisible characters among it."""
    order = draw(st.randoms(use_true_random=False))
    text = unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"])), text)
    cases: list[Callable[[str], str]] = [str, str.upper, str.lower, str.title, str.swapcase]
    text = draw(st.sampled_from(cases))(text)
    text = text.replace("་", draw(st.sampled_from("་༌")))

    def blanks() -> str:
        return "".join(order.choices(SPACES, k=order.randint(1, 3)))

    words = blanks().join(text.split())
    inserted = [character + order.choice(INVISIBLE) * (order.random() < 0.3) for character in words]
    return order.choice(["", "\ufeff", blanks()]) + "".join(inserted) + order.choice(["", "\ufeff", blanks()])


DISGUISED = st.sampled_from(TEXTS).flatmap(lambda text: st.tuples(st.just(text), disguised(text)))


@settings(max_examples=300, deadline=None)
@given(DISGUISED)
def test_a_text_in_disguise_is_the_same(case: tuple[str, str]) -> None:
    text, guise = case
    assert comparable(guise) == comparable(text)
    assert {comparable(other) for other in TEXTS if other != text}.isdisjoint([comparable(guise)])


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_comparing_and_cleaning_twice_is_comparing_and_cleaning(text: str) -> None:
    assert comparable(comparable(text)) == comparable(text) == comparable(cleaned(text))
    assert cleaned(cleaned(text)) == cleaned(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("西藏 ", "西藏", True),
        ("གྷ", "\u0f43", True),
        ("他来 了 。", "他来了。", True),
        ("hello , World", "Hello, world", True),
        ("ＡＢ，１", "ab,1", True),
        ("now here", "nowhere", False),
        ("1 11", "11 1", False),
        ("བོད", "བོདི", False),
        ("a.", "a", False),
        ("\u200b \ufeff\u3164", "", True),
        ("བོད་ཡིག་ ་", "བོད་ཡིག", True),
        ("ꦗꦮ ꦧꦱ", "ꦗꦮꦧꦱ", True),
        ("ᨽᩣ ᩈᩣ", "ᨽᩣᩈᩣ", True),
        ("\ufffea", "a", True),
    ],
)
def test_what_is_the_same(one: str, other: str, same: bool) -> None:
    assert (comparable(one) == comparable(other)) is same


def test_a_text_is_cleaned_at_its_ends_and_keeps_what_has_meaning_within() -> None:
    assert cleaned("\ufeff\u200b \u202aa\u200cb\ufeffe\u0301\u200d c\u3000\u00ad\x1a") == "a\u200cbé\u200d c"
    flag = "\U0001f3f4\U000e0067\U000e0062\U000e007f"  # its tags are format characters too
    assert cleaned(f" {flag} ") == flag
    assert cleaned("❤\ufe0f") == "❤\ufe0f"


# Nothing that is trained on holds it


@few
@given(DISGUISED, st.integers(0, 9))
def test_no_guise_of_a_test_text_stays_in_a_training_file(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[str, str], seed: int
) -> None:
    text, guise = case
    folder = tmp_path_factory.mktemp("files")
    test = [{"id": "t", "group": "t", "source": text, "target": f"{text} t"}]
    pool = [
        {"id": f"r{n}", "group": f"g{n}", "source": f"some text {n}", "target": f"its answer {n}"} for n in range(9)
    ]
    pool.insert(seed, {"id": "leak", "group": "leak", "source": guise, "target": "another"})
    ready, _ = prepare_pairs(pool, ANY, ANY, origin="here").all()
    parts, report = split_pairs(ready, test, Split(seed=seed, cold=3, dev=2, rl=None, test=None), key="split")
    assert report["dropped"]["test"] == {"same_group": 0, "same_pair": 0, "same_source": 1}
    assert sum(len(parts[name]) for name in ("cold", "rl", "dev")) == 9

    write_jsonl(folder / "test.jsonl", test)
    held_out = held_out_texts([folder / "test.jsonl"])
    for name in ("anchor", "positive", "negative"):
        row = {"anchor": "x", "positive": "y", "negative": "z"}
        write_jsonl(folder / "rows.jsonl", [row, row | {name: guise}])
        table = PairTable(format="jsonl", path=folder / "rows.jsonl")
        assert contrastive_rows([table], held_out, "key")[1]["held_out"] == 1

    write_jsonl(folder / "text.jsonl", [{"text": guise}, {"text": "fine"}])
    write_jsonl(folder / "pairs.jsonl", [{"source": "s", "target": guise}, {"source": "s", "target": "fine"}])
    items = [
        CorpusItem(kind="text", source=PairTable(format="jsonl", path=folder / "text.jsonl")),
        CorpusItem(kind="pairs", task="mt", source=PairTable(format="jsonl", path=folder / "pairs.jsonl")),
    ]
    documents, found = pretraining_documents(items, {"mt": "{source}"}, "", held_out)
    assert documents == [{"text": "fine"}, {"prompt": "s", "completion": "fine"}]
    assert [(item["read"], item["kept"], item["held_out"]) for item in found["items"]] == [(2, 1, 1)] * 2


@few
@given(DISGUISED, st.integers(0, 3))
def test_no_guise_of_a_trained_text_stays_in_an_exam(case: tuple[str, str], place: int) -> None:
    text, guise = case
    pairs: list[dict[str, Any]] = [
        {"id": str(n), "group": str((n - 1) // 2), "source": f"一{n}", "target": "ཀ" * n} for n in range(1, 7)
    ]
    pairs[place]["target"] = guise
    probe = {"kind": "paraphrase", "reference": "ང", "candidate": guise}
    report = examine(lambda texts: np.ones((len(texts), 2)), pairs, [probe, probe | {"candidate": "ཅ"}], [text])
    assert (report["pairs"]["trained_on"], report["pairs"]["used"]) == (2, 4)
    assert report["probes"] == {"offered": 2, "trained_on": 1, "used": 1}


def test_two_files_with_marks_joined_leave_none(tmp_path: Path) -> None:
    lines = tmp_path / "joined.txt"
    lines.write_bytes("\ufeffone\ntwo\n\ufeffthree\nfour\ufefffive\n".encode())
    item = CorpusItem(kind="text", source=Lines(format="lines", path=lines))
    documents, _ = pretraining_documents([item], {}, "", ["THREE"])
    assert [row["text"] for row in documents] == ["one", "two", "fourfive"]


def test_the_texts_of_test_sets_are_read_from_their_sources(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "pairs.jsonl", [{"id": "1", "source": "a", "target": "b"}, {"id": "2", "source": "x", "target": "y"}]
    )
    write_jsonl(tmp_path / "others.jsonl", [{"id": "2"}])
    rows = [{"id": "q", "context": "e", "question": "f", "answers": {"text": ["g"]}}]
    write_jsonl(tmp_path / "questions.jsonl", rows)
    others, questions = (Table(format="jsonl", path=tmp_path / f"{name}.jsonl") for name in ("others", "questions"))
    pairs = PairTable(format="jsonl", path=tmp_path / "pairs.jsonl", exclude_ids_from=[others])
    assert texts_of_tests({"tasks.mt.test": [pairs]}, {"q": [questions]}) == {"a", "b", "e"}


def test_groups_and_excluded_ids_are_compared_as_texts_are(tmp_path: Path) -> None:
    rows = [{"id": f"r{n}", "group": f"g{n}", "source": f"s{n}", "target": f"t{n}"} for n in range(9)]
    test = [{"id": "t", "group": "\ufeffG4 ", "source": "x", "target": "y"}]
    _, report = split_pairs(rows, test, Split(cold=3, dev=2, rl=None, test=None), key="split")
    assert report["dropped"]["test"]["same_group"] == 1
    write_jsonl(tmp_path / "all.jsonl", rows)
    write_jsonl(tmp_path / "others.jsonl", [{"id": "\u200bR7\xa0"}])
    others = Table(format="jsonl", path=tmp_path / "others.jsonl")
    left = [
        row["id"]
        for row in read_pairs(PairTable(format="jsonl", path=tmp_path / "all.jsonl", exclude_ids_from=[others]))
        if "left_out" in row
    ]
    assert left == ["r7"]


def test_ids_and_groups_are_cleaned_and_an_invisible_group_is_none(tmp_path: Path) -> None:
    rows = [{"id": f"{n}\u200b", "group": "\u3164", "source": "a", "target": "b"} for n in range(2)]
    write_jsonl(tmp_path / "a.jsonl", rows)
    found = list(read_pairs(PairTable(format="jsonl", path=tmp_path / "a.jsonl")))
    assert [row["id"] for row in found] == ["0", "1"]
    assert len({row["group"] for row in found}) == 2
