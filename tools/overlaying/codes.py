"""What a language's code tells: its name and script by Unicode's CLDR, and what the config needs of them."""

from dataclasses import dataclass
from difflib import get_close_matches

from babel import Locale
from babel.core import get_global
from fontTools.unicodedata import script_code, script_name

from semalign.runtime.errors import InputError

# Scripts into which models fall back; of them those are excluded that are not the language's own.
COMMON = ["Han", "Hiragana", "Katakana", "Hangul", "Cyrillic", "Arabic", "Tibetan"]
# CLDR's names of several scripts together: the one that tells the language, and those that it is written with.
TOGETHER = {"Hans": ["Han"], "Hant": ["Han"], "Kore": ["Hangul", "Han"], "Jpan": ["Hiragana", "Katakana", "Han"]}
UNSPACED = {"Tibetan", "Thai", "Lao", "Khmer", "Myanmar"}
EUROPEAN = {"Latin", "Cyrillic", "Greek", "Hangul", "Armenian", "Georgian"}  # of their punctuation, too


@dataclass(frozen=True)
class Known:
    """A language: its code, its name in English, and the scripts that it is written with, the telling one first."""

    code: str
    name: str
    scripts: list[str]

    @property
    def bleu_tokens(self) -> str:
        """A tokenizer of BLEU that needs no further package (docs/languages.md)."""
        if self.scripts == ["Han"]:
            return "zh"
        if self.scripts[0] in UNSPACED:
            return "tibetan"
        if self.scripts[0] == "Hiragana":
            return "char"
        return "13a" if self.scripts[0] in EUROPEAN else "intl"


def language_of(code: str, script: str | None = None) -> Known:
    """The language of an ISO 639 code (sw, brx). script: in place of CLDR's, by Unicode's name.

    Raises InputError, with the nearest codes, for one that CLDR does not know.
    """
    likely, names = get_global("likely_subtags"), dict(Locale.parse("en").languages)
    name = names.get(code.lower())
    if script is not None:
        return Known(code.lower(), name or code, [_of_unicode(script)])
    if code.lower() not in likely or name is None:
        raise InputError(
            f"{code!r} is no language code that Unicode's CLDR knows{_nearest(code, names)}; codes are those of ISO "
            f"639, such as {_listed(names)}. For a language without one give any code and its script: "
            f"SCRIPTS={code}=Latin"
        )
    written = likely[code.lower()].split("_")[1]
    return Known(code.lower(), name, TOGETHER.get(written) or [script_name(written)])


def _of_unicode(script: str) -> str:
    try:
        script_code(script)
    except KeyError as error:
        raise InputError(
            f"SCRIPTS: {script!r} is no script of Unicode; write it as in Unicode: Latin, Han, Tibetan, Devanagari …"
        ) from error
    return script


def _nearest(code: str, names: dict[str, str]) -> str:
    by_name = {name.lower(): known for known, name in names.items()}
    close = get_close_matches(code.lower(), [*names, *by_name], n=1)
    if not close:
        return ""
    found = by_name.get(close[0], close[0])
    return f"; did you mean {found} ({names[found]})?"


def _listed(names: dict[str, str]) -> str:
    """The codes of two letters, with their names."""
    return ", ".join(f"{code} ({name})" for code, name in sorted(names.items()) if len(code) == 2)
