import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semalign.text.tokens import bleu_tokens, rouge_tokens
from tests.unit.inputs import DATA, needs_data

# one of each kind that the rule tells apart, and the neighbours that tempt a tokeniser to err
ALPHABET = (
    "བོདཡིགསྒྲུརྒྱལཀྵྃཿ༹༘ༀ\u0f43\u0f73\u0fc6"  # letters, vowel signs, subjoined letters, marks, two that NFC takes apart
    "་༌།༎༑༄༅༔༼༽྅༓༁࿒"  # both tsheg, shads, heads, brackets, paluta, signs
    "༠༡༩༪༳0189aZéßЖңقىابकีगि한一漢々〇𠀀ʻـ"
    "กิขខេမိꆈかカ"
    " \t\n\u00a0\u3000\u200b\u200c\u200d\ufeff\u00ad\u0301\ufe0f"
    ".,_-'’%$+，。《》…—❤😀½²Ａ１"
)
TEXT = st.text(alphabet=st.sampled_from(sorted(ALPHABET)), max_size=30)
CLUSTERED = ("THAI", "KHMER", "MYANMAR", "YI", "HIRAGANA", "KATAKANA")


def kind(character: str) -> str:
    """What the rule says of one character, from Unicode's categories and names rather than from ranges."""
    category, name = unicodedata.category(character), unicodedata.name(character, "")
    if name.startswith("TIBETAN"):
        if "DIGIT" in name:
            return "tibetan digit"
        return "tibetan" if category[0] in "LM" else "tsheg" if character in "་༌" else "mark"
    if name.startswith("CJK UNIFIED") or character in "々〇":
        return "han"
    if category[0] == "N":
        return "ascii digit" if character.isascii() else "other digit"
    if category[0] == "L":
        if name.startswith(CLUSTERED):
            return "cluster"
        # the okina and the tatweel are of no one script
        return "any script" if character in "ʻـ" else "LATIN" if "LATIN" in name else name.split()[0]
    if character in "\u200c\u200d":
        return "joiner"
    if character == "\u00ad":
        return "hidden"
    return {"M": "combining", "P": "mark", "S": "mark"}.get(category[0], "space")


def is_apostrophe(character: str, script: str, pending: str) -> bool:
    """Whether a mark can belong to the word before it."""
    return character in "'’" and script != "HANGUL" and not set(pending) & set("'’")


LETTERS = ("LATIN", "CYRILLIC", "ARABIC", "DEVANAGARI", "HANGUL", "any script")


def by_the_rule(text: str, *, punctuation: bool) -> list[str]:
    """The rule once more, character by character."""
    text = unicodedata.normalize("NFC", text)
    tokens: list[str] = []
    held, script, pending = "", "", ""  # the token that may go on, its kind, what belongs to it if a letter follows

    def end() -> None:
        nonlocal held, pending
        rest = [c for c in pending if kind(c) == "mark"] if punctuation else []
        tokens.extend([held] * bool(held) + rest)
        held = pending = ""

    for character in text:
        now = kind(character)
        if now == "any script" and script in LETTERS and held:
            now = script
        if now in LETTERS and script in (now, "any script") and held:
            held, pending, script = held + pending.replace("\u00ad", "") + character, "", now
        elif now == "combining" and held and script in (*LETTERS, "cluster", "other digit"):
            if not (pending and script in LETTERS and set(pending) & set("'’")):
                held, pending = held + pending.replace("\u00ad", "") + character, ""
            else:
                end()
        elif now == "joiner" and held and script == "cluster":
            held += character
        elif held and script in LETTERS and (now in ("joiner", "hidden") or is_apostrophe(character, script, pending)):
            pending += character
        elif held and now == script and now in ("tibetan", "tibetan digit", "ascii digit", "other digit"):
            held += character
        else:
            end()
            if now in ("han", "tibetan", "tibetan digit", "ascii digit", "other digit", "cluster", *LETTERS):
                held, script = character, now
            elif now == "mark" and punctuation:
                tokens.append(character)
    end()
    return [unicodedata.normalize("NFC", token) for token in tokens]


def without_case(tokens: list[str]) -> list[str]:
    return [token.casefold().replace("’", "'").replace("ʻ", "'") for token in tokens]


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
        ("Müller", ["Müller"]),
        ("cafe\u0301", ["café"]),  # NFC
        ("Tiếng Việt", ["Tiếng", "Việt"]),
        ("bẹ̀rẹ̀", ["bẹ̀rẹ̀"]),  # no composed form
        ("NATOның Covidтан iPhoneが의", ["NATO", "ның", "Covid", "тан", "iPhone", "が", "의"]),  # a script a token
        ("αβγabc", ["αβγ", "abc"]),
        ("كـتاب oʻzbek µm", ["كـتاب", "oʻzbek", "µm"]),  # letters of no one script
        ("don’t l'eau ‘so’ dogs'", ["don’t", "l'eau", "‘", "so", "’", "dogs", "'"]),
        ("NATO'ның", ["NATO", "'", "ның"]),  # of two scripts, so of two words
        ("‘것’을", ["‘", "것", "’", "을"]),
        ("col·lecció ג׳ירפה צה״ל ինչո՞ւ", ["col·lecció", "ג׳ירפה", "צה״ל", "ինչո՞ւ"]),
        ("می\u200cخواهم ශ්\u200dරී ᠬᠠᠷ\u180eᠠ", ["می\u200cخواهم", "ශ්\u200dරී", "ᠬᠠᠷ\u180eᠠ"]),  # joiners spell
        ("می\u200c co\u00adop", ["می", "coop"]),  # at an end one does not, and a soft hyphen never does
        ("กำลังจะ ๑๒", ["กำ", "ลั", "ง", "จ", "ะ", "๑๒"]),
        ("ខ្ញុំស្ត្រី", ["ខ្ញុំ", "ស្ត្រី"]),  # coeng joins letters
        ("မန္တလေးမြန်", ["မ", "န္တ", "လေး", "မြ", "န်"]),  # a stacked consonant; a killed one
        ("ພາສາລາວ", ["ພ", "າ", "ສ", "າ", "ລ", "າ", "ວ"]),
        ("ᦟᦲᧅ ᥖᥭᥰ ᨾᩮᩬᩥᨦ ꦧꦱꦤ꧀ꦝꦶ", ["ᦟ", "ᦲ", "ᧅ", "ᥖ", "ᥭ", "ᥰ", "ᨾᩮᩬᩥ", "ᨦ", "ꦧ", "ꦱ", "ꦤ꧀ꦝꦶ"]),
        ("ꆈꌠꉙ 猫がｶﾞー", ["ꆈ", "ꌠ", "ꉙ", "猫", "が", "ｶﾞ", "ー"]),
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
    assert rouge_tokens("“NATO” ཡི་ཚོགས་འདུ། ❤ 30%ЖÉ༠") == ["nato", "ཡི", "ཚོགས", "འདུ", "30", "ж", "é", "༠"]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("İSTANBUL", "istanbul"),
        ("ΟΔΟΣ ΑΣ’ΤΟ", "οδος ας’το"),  # the final sigma is a matter of place
        ("STRASSE", "Straße"),
        ("О'ЗБЕК O‘ZBEK DON'T", "о’збек oʻzbek don’t"),
        ("TIẾNG VIỆT", unicodedata.normalize("NFD", "tiếng việt")),
    ],
)
def test_rouge_tokens_do_not_depend_on_case_or_on_the_form_of_apostrophes(one: str, two: str) -> None:
    assert rouge_tokens(one) == rouge_tokens(two)


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
    assert rouge_tokens(text) == without_case(by_the_rule(text, punctuation=False))


@given(st.one_of(TEXT, st.text(max_size=20)))
def test_tokens_of_tokens_are_the_tokens(text: str) -> None:
    assert bleu_tokens(" ".join(bleu_tokens(text))) == bleu_tokens(text)


@needs_data
def test_real_tibetan_news_agrees_with_the_rule() -> None:
    for line in (DATA / "ntrex128" / "newstest2019-ref.bod.txt").read_text(encoding="utf-8").splitlines():
        assert bleu_tokens(line) == by_the_rule(line, punctuation=True)
        assert rouge_tokens(line) == without_case(by_the_rule(line, punctuation=False))
