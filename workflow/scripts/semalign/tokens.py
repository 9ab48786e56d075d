"""The tokens of BLEU and ROUGE-L: Tibetan syllables, Han characters, and runs of everything else.

A token is a maximal run of Tibetan letters, vowel signs, subjoined letters and marks (a syllable); a maximal run of
Tibetan digits, of ASCII digits, or of ASCII letters; one Han character; or a maximal run of other letters and digits,
with the combining marks that follow them. Tsheg, white space, control and format characters (zero-width ones among
them) only separate. Text is brought to NFC, never NFKC, which would rewrite Chinese punctuation.
"""

import unicodedata

import regex

VERSION = "semalign-1"
"""Goes into the signature of every score that rests on these tokens; raise it when any token changes."""

# `\w` and `isalpha` do not know Tibetan vowel signs, so the block is spelt out. Left out: signs and symbols, tsheg
# (U+0F0B, its non-breaking form U+0F0C), shads, brackets and the paluta, all of which end a syllable.
TIBETAN = (
    r"\u0F00"  # the syllable om
    r"\u0F18\u0F19\u0F35\u0F37\u0F39\u0F3E\u0F3F\u0FC6"  # marks set above, below or beside a letter
    r"\u0F40-\u0F47\u0F49-\u0F6C"  # letters
    r"\u0F71-\u0F84\u0F86\u0F87"  # vowel signs, anusvara, visarga, virama
    r"\u0F88-\u0F8C"  # head letters of transliterated Sanskrit
    r"\u0F8D-\u0F97\u0F99-\u0FBC"  # subjoined letters
)
TIBETAN_DIGITS = r"\u0F20-\u0F33"  # with the half digits, U+0F2A on
_NAMED = rf"[{TIBETAN}{TIBETAN_DIGITS}0-9A-Za-z\p{{Script=Han}}]"

_TOKENS = "|".join(
    (
        rf"[{TIBETAN}]+",
        rf"[{TIBETAN_DIGITS}]+",
        r"[0-9]+",
        r"[A-Za-z]+",
        r"\p{Script=Han}",
        rf"[[\p{{L}}\p{{N}}]--{_NAMED}][[\p{{L}}\p{{N}}\p{{M}}]--{_NAMED}]*",
    )
)
_WORDS = regex.compile(_TOKENS, regex.V1)
_WORDS_AND_PUNCTUATION = regex.compile(rf"{_TOKENS}|[[\p{{P}}\p{{S}}]--[\u0F0B\u0F0C]]", regex.V1)


def bleu_tokens(text: str) -> list[str]:
    """The tokens of BLEU: case is kept, and so is each punctuation mark or symbol but tsheg, one token each.

    >>> bleu_tokens("བོད་ཡིག།")
    ['བོད', 'ཡིག', '།']
    """
    return _WORDS_AND_PUNCTUATION.findall(unicodedata.normalize("NFC", text))


def rouge_tokens(text: str) -> list[str]:
    """The tokens of ROUGE: lower case, punctuation and symbols dropped.

    >>> rouge_tokens("བོད་ཡིག། NATO")
    ['བོད', 'ཡིག', 'nato']
    """
    return [token.lower() for token in _WORDS.findall(unicodedata.normalize("NFC", text))]
