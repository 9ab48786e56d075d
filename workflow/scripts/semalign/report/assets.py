"""What the page embeds: the Tibetan font, figures, its own style and script."""

import base64
import hashlib
import io
import re
from functools import cache
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from semalign.report.asset_hashes import FONT

PIXELS = 4 / 3 * 4 / 3  # of the page to a point
HEAD = 2000  # characters of an SVG within which its size stands


def font(text: str) -> str:
    """The shipped Tibetan font as a data URI (WOFF), with the letters of a text and all that shaping them needs.

    The same letters give the same bytes. Empty where the text has no Tibetan.
    """
    letters = sorted(character for character in set(text) if "\u0f00" <= character <= "\u0fff")
    return _subset("".join(letters)) if letters else ""


@cache
def _subset(letters: str) -> str:
    options = Options(layout_features=["*"], notdef_outline=True, recalc_timestamp=False)
    with TTFont(FONT, recalcTimestamp=False) as whole:
        subset = Subsetter(options)
        subset.populate(text=letters)
        subset.subset(whole)
        whole.flavor = "woff"
        buffer = io.BytesIO()
        whole.save(buffer)
    return uri("font/woff", buffer.getvalue())


def uri(kind: str, content: bytes) -> str:
    """A file as a data URI."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def svg(path: Path) -> str:
    """A figure as a data URI; as an image it can run nothing and fetch nothing."""
    return uri("image/svg+xml", path.read_bytes())


def size(path: Path) -> tuple[int, int]:
    """Width and height of a figure in pixels, a third larger than in print, where its letters are small."""
    with open(path, encoding="utf-8") as file:
        head = file.read(HEAD)
    width, height = (float(found) for found in re.findall(r'(?:width|height)="([\d.]+)pt"', head)[:2])
    return round(width * PIXELS), round(height * PIXELS)


def policy(script: str) -> str:
    """A content security policy: nothing is fetched, and no script runs but the page's own."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
