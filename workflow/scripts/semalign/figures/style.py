"""How every figure looks: column widths, sizes, colours that colour-blind readers tell apart, files that repeat."""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semalign.runtime.errors import InputError
from semalign.runtime.files import replacing, replacing_binary

SINGLE, DOUBLE = 3.3, 6.9  # inches: one column of text, two columns
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"  # the palette of Okabe and Ito
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#777777"
WHITE, BAND, GRID = "#FFFFFF", "#EFEFEF", "#E2E2E2"
MINUTE, THIN, THICK = 0.5, 0.6, 1.5  # lines, in points

_RC: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": MINUTE,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "savefig.dpi": 300,
    "svg.fonttype": "path",  # a viewer needs no font, and the words stay in the file as comments
    "svg.hashsalt": "semalign",
}


DARK = {
    BLACK: "#E4E3DF",
    WHITE: "#1B1F23",
    GRID: "#363C43",
    BAND: "#2A3138",
    GREY: "#A0A7AE",
    BLUE: "#4C9BE8",
    SKY: "#9AD7F8",
    VERMILLION: "#FF8A4C",
    GREEN: "#35C79D",
    PURPLE: "#E29BC3",
}
"""What a colour becomes where a reader's screen is dark; the others are light enough."""


Line = str | tuple[float, tuple[float, ...]]  # as matplotlib has it


class Look(NamedTuple):
    """How something is drawn in all figures: told apart by colour, by marker and by line."""

    label: str
    colour: str
    marker: str
    line: Line


MODELS = {
    "base": Look("base", BLACK, "o", ":"),
    "cold_sft": Look("cold start", PURPLE, "D", "-."),
    "strong_sft": Look("strong SFT", VERMILLION, "s", "--"),
    "rl": Look("RL", BLUE, "^", "-"),
}


# Of one colour, marker and line each: their numbers share no divisor, so that many are told apart.
_COLOURS, _MARKERS, _LINES = (GREEN, ORANGE, SKY, GREY), ("v", "P", "X", "*", "h"), ("-", "--", ":")


def look_of(name: str, number: int) -> Look:
    """The look of a model, or of the `number`th thing in a figure when it is none that all figures show."""
    label = name.removeprefix("models/").replace("rl-", "RL: ").replace("_", " ")
    spare = Look(label, _COLOURS[number % 4], _MARKERS[number % 5], _LINES[number % 3])
    return MODELS.get(name, spare)


@contextmanager
def picture(png: str, svg: str, width: float, height: float) -> Iterator[Figure]:
    """A figure of that many inches, written as PNG (300 dpi) and SVG when the block ends without an error.

    Both files have the same bytes whenever the same is drawn by the same libraries. Raises InputError where a text has
    a character that its fonts lack: a box is never drawn.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # whatever a user's matplotlibrc says
        matplotlib.rcParams.update(_RC)  # type: ignore[arg-type]  # its stub wants each key spelt out
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Glyph .* missing from font")
            try:
                with replacing_binary(png) as file:
                    figure.savefig(file, format="png", metadata={"Software": None})
                drawn = io.StringIO()
                figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
            except UserWarning as warning:
                raise InputError(f"{png}: {warning} Rename what the label shows, in letters of that font") from warning
        with replacing(svg) as text:
            text.write(drawn.getvalue().replace("</style>", f"{for_dark_screens()}</style>", 1))


def for_dark_screens() -> str:
    """Style for an SVG of matplotlib's: in a browser its colours follow the reader's scheme."""
    rules = [f"svg {{ fill: {DARK[BLACK]} }}"]  # letters in black have no colour of their own
    for colour, dark in DARK.items():
        for what in ("fill", "stroke"):
            rules.append(f'[style*="{what}: {colour.lower()}"] {{ {what}: {dark} !important }}')
    return f"@media (prefers-color-scheme: dark) {{ {' '.join(rules)} }}"


def width_for(panels: int) -> float:
    """One panel stands in one column, more go across two."""
    return SINGLE if panels == 1 else DOUBLE


def grid(figure: Figure, rows: int, titles: Sequence[str], **sharing: Any) -> list[list[Axes]]:
    """Axes by row and task, a column a task under its title."""
    axes = figure.subplots(rows, len(titles), squeeze=False, **sharing)
    for column, title in enumerate(titles):
        axes[0, column].set_title(title)
    return [list(row) for row in axes]


def legend_above(figure: Figure, axes: Axes, columns: int) -> None:
    """One legend over all panels, of what `axes` shows: it hides no data."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=min(columns, len(handles)))


def window(points: int) -> int:
    """Points of the centred moving mean over a curve of so many points: about a twenty-fifth, odd."""
    return points // 25 // 2 * 2 + 1


def curves(axes: Axes, by_seed: list[pd.Series], look: Look) -> None:
    """A thin line a seed and a thick one of their mean over the steps that all have; all smoothed by `window`."""
    together = pd.concat(by_seed, axis=1, join="inner")
    smooth = together.rolling(window(len(together)), center=True, min_periods=1).mean()
    if len(by_seed) > 1:
        for _, line in smooth.items():
            axes.plot(line.index, line.to_numpy(), color=look.colour, lw=THIN, alpha=0.45)
    mean = smooth.mean(axis=1)
    axes.plot(mean.index, mean.to_numpy(), color=look.colour, lw=THICK, ls=look.line, label=look.label)


def smoothing(points: int) -> str:
    """How curves over so many points were smoothed, in words."""
    size = window(points)
    return f"centred mean of {size} points" if size > 1 else "not smoothed"


def note(figure: Figure, *parts: str) -> None:
    """What a reader must know of the marks, in small letters below the panels."""
    separator = "; " if figure.get_figwidth() > SINGLE else "\n"
    figure.supxlabel(separator.join(part for part in parts if part), fontsize=7)
