import pytest

from semalign.config.data import Language
from semalign.runtime.errors import InputError
from semalign.text.languages import in_another_language, language_consistency
from tests.unit.inputs import DATA, needs_data

NEWS = DATA / "ntrex128"
FOREIGN_TO_TIBETAN = ["Han", "Hiragana", "Katakana", "Hangul", "Cyrillic", "Arabic"]
TIBETAN = Language(script="Tibetan", excluded_scripts=FOREIGN_TO_TIBETAN, latin_share=0.1, bleu_tokens="tibetan")
CHINESE = Language(
    script="Han", excluded_scripts=["Tibetan", "Hiragana", "Katakana", "Hangul"], latin_share=0.5, bleu_tokens="zh"
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("བོད་ཡིག", 1.0),
        ("ཀ", 1.0),
        ("༢༠༡༩ལོའི་ 2019 ❤ …（！）", 1.0),  # digits, punctuation and emoji are ignored
        ("བོད་ཡིག 中", 0.0),
        ("བོད་ཡིག の", 0.0),
        ("བོད་ཡིག カ", 0.0),
        ("བོད་ཡིག 한", 0.0),
        ("བོད་ཡིག Ж", 0.0),
        ("བོད་ཡིག ع", 0.0),
        ("བོད་ཡིག α", 1.0),  # Greek is not excluded
        ("ཀཀཀཀཀཀཀཀཀx", 1.0),  # a tenth is at most a tenth
        ("ཀཀཀཀཀཀཀཀx", 0.0),
        ("ཀིཀིཀིཀིཀིཀིཀིཀིx", 0.0),  # vowel signs are no letters
        ("ཀཀཀཀཀཀཀཀཀé", 1.0),
        ("ཀཀཀཀཀཀཀཀཀe\u0301", 1.0),  # composed or not
        ("ཀ" * 9 + "ｘ", 1.0),  # a wide x is Latin like any
        ("ཀ" * 8 + "ｘ", 0.0),
        ("Tibet", 0.0),
        ("", 0.0),
        (" \n", 0.0),
        ("།་༎!", 0.0),
        ("༡༢ 12", 0.0),
        ("\u200b\u200d\ufeff", 0.0),
        ("ི", 0.0),
        ("<think>བསམ་བློ</think>བོད་ཡིག" + "ཀ" * 200, 0.0),
        ("<think>" + "ཀ" * 200, 0.0),
        ("ཀ" * 200 + "</think>བོད", 0.0),
        ("ཀ" * 200 + "<think></think>", 0.0),
        ("ཀ" * 200 + "々", 0.0),  # one letter is enough
        ("ཀ" * 200 + "𠀀", 0.0),
    ],
)
def test_tibetan(text: str, value: float) -> None:
    assert language_consistency(text, TIBETAN) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("北京", 1.0),
        ("北京2022年冬奥会。", 1.0),
        ("北京AB", 1.0),  # a half is at most a half
        ("北京ABC", 0.0),
        ("北京 བོད", 0.0),
        ("北京の", 0.0),
        ("北京カ", 0.0),
        ("北京한", 0.0),
        ("北京Ж", 1.0),
        ("𠀀", 1.0),
        ("，。！", 0.0),
        ("１２", 0.0),
        ("<think>想</think>北京是中国的首都，是全国的政治中心和文化中心", 0.0),
    ],
)
def test_chinese(text: str, value: float) -> None:
    assert language_consistency(text, CHINESE) == value


def test_a_third_language_needs_only_its_config() -> None:
    kazakh = Language(script="Cyrillic", excluded_scripts=["Arabic"], latin_share=0.2, bleu_tokens="13a")
    assert language_consistency("Қазақ тілі", kazakh) == 1.0
    assert language_consistency("قازاق تىلى", kazakh) == 0.0


@pytest.mark.parametrize("script", ["Tibetish", "", "Han}", "L"])
def test_unknown_script_names_the_key(script: str) -> None:
    with pytest.raises(InputError, match=r"^script: "):
        language_consistency("བོད", TIBETAN.model_copy(update={"script": script}))
    with pytest.raises(InputError, match=r"^excluded_scripts: "):
        language_consistency("བོད", TIBETAN.model_copy(update={"excluded_scripts": [script]}))


@needs_data
@pytest.mark.parametrize(
    ("file", "language", "least"),
    [
        ("bod", TIBETAN, 0.74),  # this news is full of English names
        ("bod", TIBETAN.model_copy(update={"latin_share": 0.3}), 0.95),
        ("dzo", TIBETAN, 1.0),
        ("zho-CN", CHINESE, 0.98),
        ("zho-TW", CHINESE, 0.95),
    ],
)
def test_genuine_news_passes(file: str, language: Language, least: float) -> None:
    lines = (NEWS / f"newstest2019-ref.{file}.txt").read_text(encoding="utf-8").splitlines()
    assert sum(language_consistency(line, language) for line in lines) / len(lines) >= least


@needs_data
@pytest.mark.parametrize(("file", "language"), [("bod", CHINESE), ("uig", TIBETAN), ("kaz", TIBETAN), ("kor", CHINESE)])
def test_news_of_another_script_fails(file: str, language: Language) -> None:
    lines = (NEWS / f"newstest2019-ref.{file}.txt").read_text(encoding="utf-8").splitlines()
    assert not any(language_consistency(line, language) for line in lines)


@pytest.mark.parametrize(
    ("text", "another"),
    [
        ("བོད་ཡིག", False),
        ("བོད་ཡིག 中", False),  # a name in another script makes no other language
        ("ཀཀab", False),  # half is not more than half
        ("ཀཀabc", True),
        ("A man in an orange hat", True),
        ("中文", True),
        ("12 !", False),  # no letters: no language
        ("", False),
    ],
)
def test_most_letters_of_other_scripts_are_another_language(text: str, another: bool) -> None:
    assert in_another_language(text, TIBETAN) is another
