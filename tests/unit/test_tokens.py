import unicodedata
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semalign.tokens import bleu_tokens, rouge_tokens

NEWS = Path(__file__).parents[3] / "shared/data/ntrex128/newstest2019-ref.bod.txt"

# one of each kind that the rule tells apart, and the neighbours that tempt a tokeniser to err
ALPHABET = (
    "བོདཡིགསྒྲུརྒྱལཀྵྃཿ༹༘ༀ\u0f43\u0f73\u0fc6"  # letters, vowel signs, subjoined letters, marks, two that NFC takes apart
    "་༌།༎༑༄༅༔༼༽྅༓༁࿒"  # both tsheg, shads, heads, brackets, paluta, signs
    "༠༡༩༪༳0189aZéßЖңقىابकीगิก한一漢々〇𠀀"
    " \t\n\u00a0\u3000\u200b\u200d\ufeff\u0301\ufe0f"
    ".,_-'%$+，。《》…—❤😀½²Ａ１"
)
TEXT = st.text(alphabet=st.sampled_from(sorted(ALPHABET)), max_size=30)


def kind(character: str) -> str:
    """What the rule says of one character, from Unicode's categories rather than from ranges."""
    category, name = unicodedata.category(character), unicodedata.name(character, "")
    if name.startswith("TIBETAN"):
        if "DIGIT" in name:
            return "tibetan digit"
        return "tibetan" if category[0] in "LM" else "tsheg" if character in "་༌" else "mark"
    if name.startswith("CJK UNIFIED") or character in "々〇":
        return "han"
    if character.isascii() and character.isalnum():
        return "ascii digit" if character.isdigit() else "ascii letter"
    return {"L": "other", "N": "other", "M": "combining", "P": "mark", "S": "mark"}.get(category[0], "space")


def by_the_rule(text: str, *, punctuation: bool) -> list[str]:
    """The rule once more, character by character."""
    kinds: list[tuple[str, str]] = []
    for character in unicodedata.normalize("NFC", text):
        now = kind(character)
        if now == "combining":
            now = "other" if kinds and kinds[-1][0] == "other" else "space"
        kinds.append((now, character))
    tokens = []
    for now, run in groupby(kinds, key=lambda pair: pair[0]):
        word = "".join(character for _, character in run)
        if now == "han" or (now == "mark" and punctuation):
            tokens += list(word)
        elif now not in ("mark", "tsheg", "space"):
            tokens.append(word)
    return tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("བོད་ཡིག་སྒྲུབ།", ["བོད", "ཡིག", "སྒྲུབ", "།"]),
        ("བོད༌ཡིག", ["བོད", "ཡིག"]),  # U+0F0C is a tsheg too
        ("ལགས།།  ༎", ["ལགས", "།", "།", "༎"]),
        ("༄༅།", ["༄", "༅", "།"]),
        ("༢༠༡༩ལོ", ["༢༠༡༩", "ལོ"]),
        ("2019ལོའི་NATOཡི", ["2019", "ལོའི", "NATO", "ཡི"]),
        ("abc123", ["abc", "123"]),
        ("北京大学2018年", ["北", "京", "大", "学", "2018", "年"]),
        ("Россия, қазақ", ["Россия", ",", "қазақ"]),
        ("سىياسىي", ["سىياسىي"]),
        ("हिन्दी กี่", ["हिन्दी", "กี่"]),  # combining marks stay with their letters
        ("café", ["caf", "é"]),  # é is no ASCII letter
        ("cafe\u0301", ["caf", "é"]),  # NFC
        ("，１", ["，", "１"]),  # not NFKC: the comma and the digit stay as wide as they are
        ("½", ["½"]),
        ("a_b $5 +", ["a", "_", "b", "$", "5", "+"]),
        ("❤\ufe0f\u200b", ["❤"]),
        ("ཀ\u200bཁ", ["ཀ", "ཁ"]),
        ("ཀཿ ཀྃ ང༹", ["ཀཿ", "ཀྃ", "ང༹"]),
        ("", []),
        (" ་ \u200b", []),
    ],
)
def test_bleu_tokens(text: str, tokens: list[str]) -> None:
    assert bleu_tokens(text) == tokens


def test_rouge_tokens_are_lower_case_without_punctuation() -> None:
    assert rouge_tokens("“NATO” ཡི་ཚོགས་འདུ། ❤ 30%ЖÉ༠") == ["nato", "ཡི", "ཚོགས", "འདུ", "30", "жé", "༠"]


def test_every_tibetan_letter_and_mark_makes_a_syllable() -> None:
    block = [chr(point) for point in range(0x0F00, 0x1000)]
    in_words = [character for character in block if unicodedata.category(character)[0] in "LM"]
    for character in block:
        expected = [unicodedata.normalize("NFC", character)] if character in in_words else []
        assert [token for token in rouge_tokens(character) if not unicodedata.category(token[0]).startswith("N")] == (
            expected
        ), f"U+{ord(character):04X}"


@given(TEXT)
def test_agrees_with_the_rule_by_category(text: str) -> None:
    assert bleu_tokens(text) == by_the_rule(text, punctuation=True)
    assert rouge_tokens(text) == [token.lower() for token in by_the_rule(text, punctuation=False)]


@given(st.one_of(TEXT, st.text(max_size=20)))
def test_tokens_of_tokens_are_the_tokens(text: str) -> None:
    assert bleu_tokens(" ".join(bleu_tokens(text))) == bleu_tokens(text)


@given(st.one_of(TEXT, st.text(alphabet=st.characters(min_codepoint=0x0F00, max_codepoint=0x0FFF))))
def test_no_tibetan_letter_is_lost(text: str) -> None:
    def letters(characters: str) -> list[str]:
        return [c for c in characters if 0x0F00 <= ord(c) <= 0x0FFF and unicodedata.category(c)[0] in "LMN"]

    assert letters("".join(rouge_tokens(text))) == letters(unicodedata.normalize("NFC", text))


@given(TEXT)
def test_either_tsheg_gives_the_same_tokens(text: str) -> None:
    assert bleu_tokens(text.replace("\u0f0c", "\u0f0b")) == bleu_tokens(text)


@pytest.mark.skipif(not NEWS.exists(), reason=f"{NEWS} is absent")
def test_real_tibetan_news_agrees_with_the_rule() -> None:
    for line in NEWS.read_text(encoding="utf-8").splitlines():
        assert bleu_tokens(line) == by_the_rule(line, punctuation=True)
        assert rouge_tokens(line) == [token.lower() for token in by_the_rule(line, punctuation=False)]
