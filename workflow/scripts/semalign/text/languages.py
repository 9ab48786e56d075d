"""Whether a text is in its language: its script decides, and an identifier where the config names one."""

from functools import cache

import regex

from semalign.config.data import Language
from semalign.runtime.errors import InputError
from semalign.text.identification import confidence

_LETTERS = regex.compile(r"\p{L}+")
_LATIN = regex.compile(r"[\p{Script=Latin}&&\p{L}]+", regex.V1)
_THINK = regex.compile("</?think>")


def language_consistency(text: str, language: Language) -> float:
    """R_lang: 1.0 for a text in its language, else 0.0: in its script, and identified as it.

    A text of fewer letters than `language.least_letters` is not identified: its script decides.
    """
    return float(script_consistency(text, language) and identified(text, language))


def in_another_language(text: str, language: Language) -> bool:
    """Whether most letters of a text are of other scripts, or the identifier does not find it in its language.

    Milder than `language_consistency`: a name in another script makes no other language, and neither do no letters.
    """
    letters = sum(map(len, _LETTERS.findall(text)))
    own = len(_letters_of(language.script, "script").findall(text))
    return bool(letters) and (2 * own < letters or not identified(text, language))


def identified(text: str, language: Language) -> bool:
    """Whether the identifier finds a text in its language with enough confidence; true where it is not asked."""
    if language.identify == "script" or sum(map(len, _LETTERS.findall(text))) < language.least_letters:
        return True
    return confidence(text, language) >= language.threshold


def script_consistency(text: str, language: Language) -> float:
    """1.0 for a text in its language's script, else 0.0.

    It is when it holds at least one letter of `language.script`, no letter of an excluded script, and
    Latin letters are at most `language.latin_share` of all its letters. Letters are the characters of general category
    L; digits, punctuation, white space, symbols and emoji do not count, and neither do combining marks, so that a
    Tibetan syllable counts its base letters and not its vowel signs or subjoined letters. A text without letters scores
    0, and so does one with a `<think>` or `</think>` tag anywhere.

    Raises InputError where the config names a script that Unicode does not know.
    """
    own = _letters_of(language.script, "script")
    excluded = [_letters_of(script, "excluded_scripts") for script in language.excluded_scripts]
    if _THINK.search(text) or not own.search(text) or any(letters.search(text) for letters in excluded):
        return 0.0
    latin = sum(map(len, _LATIN.findall(text)))
    return float(not latin or latin / sum(map(len, _LETTERS.findall(text))) <= language.latin_share)


def check_scripts(language: Language) -> None:
    """Raise InputError where one of a language's scripts is not one of Unicode's."""
    _letters_of(language.script, "script")
    for script in language.excluded_scripts:
        _letters_of(script, "excluded_scripts")


@cache
def _letters_of(script: str, key: str) -> regex.Pattern[str]:
    try:
        if not regex.fullmatch(r"[A-Za-z_ ]+", script):  # it is pasted into a pattern
            raise regex.error("not a name")
        return regex.compile(rf"[\p{{Script={script}}}&&\p{{L}}]", regex.V1)
    except regex.error as error:
        raise InputError(
            f"{key}: {script!r} is not the name of a Unicode script; write it as in Unicode: "
            "Tibetan, Han, Hiragana, Katakana, Hangul, Arabic, Cyrillic, Mongolian …"
        ) from error
