"""When two texts are the same, and what is taken off a text before anything is trained on it.

Whatever asks "is this the same text?" compares `comparable`: duplicates, the overlap of training and test, the
encoders' training, the corpus, the exam. It is coarse on purpose: a training row dropped too many costs nothing, a test
text in the training data spoils a figure.
"""

import unicodedata

import regex

from semalign.text.tokens import UNSPACED

# What shows no mark of its own: controls, format characters (zero-width ones, marks of direction, U+FEFF, soft
# hyphens, tags), what else a renderer may leave out (variation selectors, U+034F, Mongolian and Hangul fillers), and
# code points that are no characters, as U+FEFF is with its bytes swapped.
_WITHOUT_A_MARK = regex.compile(
    r"[[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]--[\s\x1c-\x1f]]+", regex.V1
)
_WORD = rf"[[\p{{L}}\p{{M}}\p{{N}}]--[\p{{Han}}\p{{Tibetan}}\p{{Thai}}\p{{Lao}}\p{{Khmer}}\p{{Myanmar}}{UNSPACED}]]"
_NO_WORDS_APART = regex.compile(rf" (?:(?!{_WORD})|(?<!{_WORD} ))", regex.V1)  # spaces that do not part two words
_BLANK_BRAILLE = "\u2800"  # a symbol to Unicode, a space to readers

# What is stray at the ends of a text: white space, controls, and invisible format characters but tags, which end flags.
_STRAY = "".join(
    chr(code)
    for first, last in (
        *((0x00, 0x20), (0x7F, 0xA0), (0xAD, 0xAD), (0x061C, 0x061C), (0x1680, 0x1680), (0x180E, 0x180E)),
        *((0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
        *((0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A)),
    )
    for code in range(first, last + 1)
)


def comparable(text: str) -> str:
    """The text as it is compared with others; empty where it shows nothing. Applied twice, it changes nothing more.

    NFKC and case folded, as Unicode's NFKC_Casefold: so a tsheg is one whether a line may break after it or not
    (U+0F0C, U+0F0B), and wide, narrow and presentation forms are their usual ones. Capitals come first, since ı has
    that of i. Characters without a mark of their own are taken out. Each run of white space is one space between words,
    and none at the ends, beside punctuation, and in scripts that are written without spaces. At the ends there is no
    tsheg either.
    """
    if text.isascii() and text.isprintable() and " " not in text:  # as most ids are
        return text.lower()
    text = _WITHOUT_A_MARK.sub("", text.replace(_BLANK_BRAILLE, " "))
    folded = _without_spaces(_folded(unicodedata.normalize("NFKC", text)))
    while (again := _folded(folded)) != folded:
        folded = _without_spaces(again)
    return folded


def is_blank(text: str) -> bool:
    """Whether a text shows nothing, so that it counts as none."""
    return not comparable(text)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text.upper().casefold()).split()).strip("\u0f0b")


def _without_spaces(text: str) -> str:
    """The text without spaces that part no words. Slow beside `_folded`; on its own result it changes nothing."""
    return _NO_WORDS_APART.sub("", text) if " " in text else text


def cleaned(text: str) -> str:
    """The text as it is trained on: NFC, without U+FEFF, and without white space and stray characters at its ends.

    Within a text, joiners and marks of direction stay: they carry meaning in many scripts.
    """
    return unicodedata.normalize("NFC", text.replace("\ufeff", "")).strip(_STRAY)
