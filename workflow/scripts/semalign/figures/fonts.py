"""Fonts for text of any script: the shipped Tibetan one, matplotlib's own, or one that the system has."""

import unicodedata
from collections import defaultdict
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

from fontTools.unicodedata import script, script_name
from matplotlib.font_manager import FontEntry, findfont, fontManager, ttfFontProperty
from matplotlib.ft2font import FT2Font

TIBETAN = Path(__file__).resolve().parents[3] / "fonts" / "NotoSerifTibetan-Regular.ttf"
DEFAULT = "DejaVu Sans"  # comes with matplotlib
_PLACEHOLDERS = ("last resort", "adobe blank", "fallback")  # fonts that draw a box, or nothing, for every character


class Written(NamedTuple):
    """A text as a figure can show it, and the font families that it takes."""

    text: str
    families: list[str]


def installed() -> list[Path]:
    """The system's fonts, upright and regular ones first, in an order that does not change."""

    def order(entry: FontEntry) -> tuple[bool, bool, str, str]:
        return entry.style != "normal", entry.weight not in (400, "normal", "regular", "book"), entry.name, entry.fname

    usable = [e for e in fontManager.ttflist if not any(word in e.name.lower() for word in _PLACEHOLDERS)]
    return [Path(entry.fname) for entry in sorted(usable, key=order)]


def written(text: str, candidates: list[Path] | None = None) -> Written:
    """The text on one line with fonts that have all its letters; else `(no font for <script>)` in its place.

    `candidates` are font files in order of preference: the shipped one, then the installed ones, unless given.
    Invisible characters that no font draws are left out.
    """
    text = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)
    default = _characters(Path(findfont(DEFAULT)))
    wanted: dict[str, set[str]] = defaultdict(set)
    for character in set(text) - default:
        if unicodedata.category(character) != "Zs":
            wanted[script(character)].add(character)
    fonts: list[Path] = []
    missing = []
    for name in sorted(wanted, key=lambda name: (name in ("Zyyy", "Zinh"), name)):  # shared punctuation last
        fitting = _first_with(wanted[name], fonts, candidates)
        if fitting is None:
            missing.append(script_name(name))
        elif fitting not in fonts:
            fonts.append(fitting)
    if missing:
        return Written(f"(no font for {', '.join(missing)})", [DEFAULT])
    return Written(text, [*(_family(font) for font in fonts), DEFAULT])


def _first_with(characters: set[str], chosen: list[Path], candidates: list[Path] | None) -> Path | None:
    for fonts in (chosen, candidates) if candidates is not None else (chosen, [TIBETAN], installed()):
        for font in fonts:
            if characters <= _characters(font):
                return font
    return None


@cache
def _characters(font: Path) -> frozenset[str]:
    return frozenset(map(chr, FT2Font(str(font)).get_charmap()))


@cache
def _family(font: Path) -> str:
    """Register one file under a name of its own: another font of the same name never stands in for it."""
    entry = ttfFontProperty(FT2Font(str(font)))
    name = f"{entry.name} of {font}"
    fontManager.ttflist.append(replace(entry, name=name))
    return name
