"""The tokens of BLEU, ROUGE-L, the audit and the rewards, in every script.

A token is

- a Tibetan syllable: a maximal run of Tibetan letters, vowel signs, subjoined letters and marks;
- one Han character;
- a letter cluster of a script that is written without spaces: of Unicode's Line_Break classes SA (Thai, Lao, Khmer,
  Myanmar and the like) and AK, AP, AS (Javanese, Balinese and the like), kana, Yi and a few more. A cluster is a letter
  with its marks, and with the letters that a virama stacks below it;
- a word of any other script: a maximal run of its letters and their marks. An apostrophe or another mark of `_INNER`, a
  zero-width joiner or non-joiner between two letters belongs to the word, as in UAX #29; other format characters
  there, such as the soft hyphen, are dropped. A word ends where the script changes; letters that are common to scripts,
  such as the Arabic tatweel, go with those before them;
- a maximal run of ASCII digits, of Tibetan digits, or of other digits.

Tsheg, white space, control characters and the zero-width space only separate. Text is brought to NFC, never NFKC, which
would rewrite Chinese punctuation.
"""

import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache

import regex
from fontTools import unicodedata as font_unicodedata

VERSION = "semalign-2"
"""Raise it when any token changes."""
SIGNATURE = f"tokens:{VERSION}|unspaced:clusters"
"""Goes into the signature of every score that rests on these tokens."""

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
_NAMED = rf"[{TIBETAN}{TIBETAN_DIGITS}0-9\p{{Script=Han}}]"

UNSPACED = (
    r"\p{LB=SA}\p{LB=AK}\p{LB=AP}\p{LB=AS}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Yi}\p{Tangut}\p{Nushu}"
    r"\p{Khitan_Small_Script}"
)
"""What stands in a set for the scripts without spaces between words; Han and Tibetan are not among them."""
_WITHOUT_SPACES = rf"[\p{{L}}&&[{UNSPACED}]]"
_MARK = rf"[\p{{M}}--{_NAMED}]"
_JOINERS = r"\u200C\u200D\u180E"  # part of the spelling; the last is Mongolian's vowel separator
# letters by category that Unicode calls extenders of the cluster before them: Thai and Lao am, halfwidth voicing marks
_EXTENDER = rf"[{_MARK}\u200C\u200D\u0E33\u0EB3\uFF9E\uFF9F]"
_STACKER = r"[\p{InSC=Invisible_Stacker}\p{InSC=Virama}]"
_CLUSTER = rf"{_WITHOUT_SPACES}{_EXTENDER}*(?:(?<={_STACKER}\u200D?){_WITHOUT_SPACES}{_EXTENDER}*)*"

_LETTER = rf"[\p{{L}}--[{_NAMED}{_WITHOUT_SPACES}]]"
_FORMAT = r"[\p{WB=Format}--[\uFEFF\u180E]]"
_HIDDEN = rf"[{_FORMAT}{_JOINERS}]"
_APOSTROPHES = "'\u2018\u2019\uff07\u02bb\u02bc"  # the last two are letters by category
# between two letters: apostrophes; Hebrew geresh and gershayim; Armenian marks, which stand on a word's stressed vowel;
# Catalan's dot and the hyphenation point; not in Korean, which has no apostrophe and sets particles after a quotation
_INNER = rf"(?<!\p{{Hangul}})[{_APOSTROPHES}\u05F3\u05F4\u055A-\u055C\u055E\u055F\u00B7\u0387\u2027]"
_WORD = rf"{_LETTER}(?:[{_LETTER}{_MARK}]|{_HIDDEN}+(?=[{_LETTER}{_MARK}])|{_HIDDEN}*{_INNER}{_HIDDEN}*(?={_LETTER}))*"

_TOKENS = "|".join(
    (
        rf"[{TIBETAN}]+",
        rf"[{TIBETAN_DIGITS}]+",
        r"[0-9]+",
        r"\p{Script=Han}",
        _CLUSTER,
        _WORD,
        rf"[\p{{N}}--{_NAMED}][[\p{{N}}\p{{M}}]--{_NAMED}]*",
    )
)
WORDS = regex.compile(_TOKENS, regex.V1)
"""Matches each token that is no punctuation; a word may hold several scripts."""
_WORDS_AND_PUNCTUATION = regex.compile(rf"{_TOKENS}|[[\p{{P}}\p{{S}}]--[\u0F0B\u0F0C]]", regex.V1)
_DROPPED = regex.compile(_FORMAT, regex.V1)
KNOWN = 1 << 16
"""Tokens that are kept in mind: most of a text are repetitions."""
_ONE_APOSTROPHE = str.maketrans(dict.fromkeys(_APOSTROPHES, "'"))


def bleu_tokens(text: str) -> list[str]:
    """The tokens of BLEU: case is kept, and so is each punctuation mark or symbol but tsheg, one token each.

    >>> bleu_tokens("བོད་ཡིག།")
    ['བོད', 'ཡིག', '།']
    >>> bleu_tokens("L’été, กำลัง")
    ['L’été', ',', 'กำ', 'ลั', 'ง']
    """
    return list(_found(_WORDS_AND_PUNCTUATION, text))


def rouge_tokens(text: str) -> list[str]:
    """The tokens of ROUGE: without punctuation and symbols, and without case (Unicode's case folding, and İ is i), so
    that a word has one form however it is written; every apostrophe is `'`.

    >>> rouge_tokens("བོད་ཡིག། NATO")
    ['བོད', 'ཡིག', 'nato']
    """
    return [_folded(token) for token in _found(WORDS, text)]


def _found(pattern: regex.Pattern[str], text: str) -> Iterator[str]:
    for token in pattern.findall(unicodedata.normalize("NFC", text)):
        if token.isascii() or len(token) == 1:
            yield token
        elif len(pieces := _pieces(token)) > 1:  # what stood inside the word may now stand at an end
            yield from _found(pattern, " ".join(pieces))
        else:
            yield pieces[0]


@lru_cache(KNOWN)
def _pieces(token: str) -> tuple[str, ...]:
    """What is found again in a token of several scripts; one of a single script as it is counted."""
    pieces = _by_script(token)
    if len(pieces) > 1:
        return tuple(pieces)
    bare = _DROPPED.sub("", token)
    return (token if bare == token else unicodedata.normalize("NFC", bare),)


@lru_cache(KNOWN)
def _folded(token: str) -> str:
    return token.casefold().replace("i\u0307", "i").translate(_ONE_APOSTROPHE)


def _by_script(word: str) -> list[str]:
    """The word cut before each letter of another script than the letter before it."""
    starts, last = [0], None
    for place, character in enumerate(word):
        script = _script(character)
        if script and last and script != last:
            starts.append(place)
        last = script or last
    return [word[start:end] for start, end in zip(starts, [*starts[1:], len(word)], strict=True)]


@cache
def _script(character: str) -> str | None:
    """A letter's script; None for marks and what is common to several scripts."""
    script: str = font_unicodedata.script(character)
    return script if regex.match(r"\p{L}", character) and script not in ("Zyyy", "Zinh") else None
