"""The encoders' exam: similarity by grade with an example of each, and the hard negatives."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from semalign.figures.fonts import Written, written
from semalign.figures.style import BLUE, DOUBLE, GREY, VERMILLION, Look, legend_above, picture
from semalign.runtime.files import read_json

ENCODERS = {
    "reward": Look("reward encoder", BLUE, "o", "-"),
    "independent": Look("independent encoder", VERMILLION, "s", "-"),
}
OFFSET = 0.17  # of the two encoders from the middle of their row
TEXT = 8  # points


def encoder(results: Path, png: str, svg: str) -> None:
    """Similarity of each grade (mean, 10th to 90th percentile) and of each kind of hard negative, by both encoders.

    Reads results/encoders/<encoder>/exam.json. Beside each grade stands the reward encoder's example.
    """
    exams = {name: read_json(results / "encoders" / name / "exam.json") for name in ENCODERS}
    reward = exams["reward"]
    grades = [grade for grade, entry in reward["grades"].items() if entry["n"]]
    kinds = [kind for kind, entry in reward["inequalities"].items() if entry["n"]]
    with picture(png, svg, DOUBLE, 1.5 + 0.42 * len(grades) + 0.22 * len(kinds)) as figure:
        (top, texts), (bottom, shares) = figure.subplots(
            2, 2, height_ratios=[0.42 * len(grades), 0.22 * len(kinds)], width_ratios=[1, 1.1]
        )
        _grades(top, grades, exams)
        _negatives(bottom, kinds, exams, "mean", 1)
        _negatives(shares, kinds, exams, "share", 100)
        for axes in (top, bottom):
            axes.set_xlim(_lowest(exams, grades, kinds) - 0.05, 1.03)
        bottom.set_xlabel("similarity to the reference (cosine)\nmean; bars: 10th to 90th percentile")
        shares.set_xlabel("less similar than a paraphrase\n(or than a near-identical text; % of items)")
        shares.set_xlim(-4, 104)
        shares.tick_params(labelleft=False)
        legend_above(figure, top, 2)
        _examples(figure, texts, [reward["examples"][grade] for grade in grades])


def _lowest(exams: dict[str, dict[str, Any]], grades: list[str], kinds: list[str]) -> float:
    values = [exams[name]["grades"][grade]["p10"] for name in ENCODERS for grade in grades]
    values += [exams[name]["inequalities"][kind]["mean"] for name in ENCODERS for kind in kinds]
    return min(value for value in values if value is not None)


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def _grades(axes: Axes, grades: list[str], exams: dict[str, dict[str, Any]]) -> None:
    for number, (name, look) in enumerate(ENCODERS.items()):
        for row, grade in enumerate(grades):
            entry, y = exams[name]["grades"][grade], row + (2 * number - 1) * OFFSET
            if entry["n"]:
                axes.plot([entry["p10"], entry["p90"]], [y, y], color=look.colour, lw=2.2, alpha=0.45)
                axes.plot(
                    entry["mean"], y, look.marker, color=look.colour, ms=4.5, label=look.label if row == 0 else None
                )
    _rows(axes, grades)
    axes.set_title("grades of relatedness", loc="left")


def _negatives(axes: Axes, kinds: list[str], exams: dict[str, dict[str, Any]], figure: str, scale: float) -> None:
    for number, (name, look) in enumerate(ENCODERS.items()):
        entries = [exams[name]["inequalities"][kind] for kind in kinds]
        points = [(e[figure] * scale, row + (2 * number - 1) * OFFSET) for row, e in enumerate(entries) if e["n"]]
        if points:
            axes.plot(*zip(*points, strict=True), look.marker, color=look.colour, ms=4)
    _rows(axes, kinds)
    axes.set_title("hard negatives" if figure == "mean" else "hard negatives told from good texts", loc="left")


def _examples(figure: Figure, axes: Axes, examples: list[dict[str, Any]]) -> None:
    """A reference and its candidate in the row of each grade, cut to the width of the axes."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(len(examples) - 0.5, -0.5)
    axes.set_title("an example of each: reference in grey, candidate", loc="left")
    figure.draw_without_rendering()  # lays the axes out, so that their width is known
    for row, example in enumerate(examples):
        for side, offset, colour in (("reference", -0.21, GREY), ("candidate", 0.21, "black")):
            _line(axes, written(example[side]), row + offset, colour)


def _line(axes: Axes, line: Written, y: float, colour: str) -> None:
    text = axes.text(0, y, line.text, family=line.families, size=TEXT, color=colour, va="center", in_layout=False)
    room = 0.97 * axes.get_window_extent().width  # letters are a little wider or narrower at another resolution
    kept = len(line.text)
    while kept > 1 and text.get_window_extent().width > room:
        kept = min(kept - 1, int(kept * room / text.get_window_extent().width))
        text.set_text(line.text[:kept] + "…")
