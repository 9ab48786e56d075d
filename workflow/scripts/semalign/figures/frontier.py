"""The frontier: what each method reaches and costs along its strength, as a whole and where they are compared."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from semalign.figures.points import MEAN, SIMILARITY, points
from semalign.figures.style import MODELS, THICK, Look, grid, legend_above, look_of, note, picture, width_for
from semalign.frontier.curves import KL, PAPERS, PRIMARY
from semalign.statistics.retained import described
from semalign.tables.spreadsheets import read_csv

LOOKS = {"sft": MODELS["strong_sft"]._replace(label="SFT"), "rl": MODELS["rl"]}
AROUND = [(-6, 0), (0, 6), (6, 0), (0, -6), (-6, 6), (6, 6), (6, -6), (-6, -6)]  # points from a marker to its label
BAND = "#EFEFEF"
MARGIN = 0.6  # of the band's width, to each side of a close-up


class Label(NamedTuple):
    """A text, and the points beside which it may stand, the best first."""

    axes: Axes
    text: Annotation
    at: list[tuple[float, float]]


def frontier(table: Path, titles: Mapping[str, str], primary: str, png: str, svg: str) -> None:
    """Similarity against the primary benchmark (a column) and, where it was measured, the KL to the base, along the
    strength of each method.

    A band reaches from the cold start's similarity to that which RL ends with. Where there are methods beside SFT and
    RL, a second row for each cost shows what lies around it. Reads the frontier's table: a row a task, method, place
    and seed, with similarity_independent and both costs.
    """
    rows = read_csv(table)
    tasks, methods = list(rows["task"].unique()), list(rows["method"].unique())
    named = {primary: described(primary), KL: "mean KL to the base\n(nats per token)"}
    costs = [cost for cost in named if rows[cost].notna().any()]
    panels = [(cost, close) for close in ([False, True] if set(methods) - set(PAPERS) else [False]) for cost in costs]
    legend_columns = 5 if len(tasks) > 1 else 2
    height = 0.7 + 2.1 * len(panels) + 0.16 * -(-len(methods) // legend_columns)
    with picture(png, svg, width_for(len(tasks)), height) as figure:
        grids = grid(figure, len(panels), [titles[task] for task in tasks])
        labels = []
        for line, (cost, close) in zip(grids, panels, strict=True):
            line[0].set_ylabel(named[cost] + ("\naround the band" if close else ""))
            for axes, task in zip(line, tasks, strict=True):
                labels += _panel(axes, rows[rows["task"] == task], methods, cost, close)
        for axes in grids[-1]:
            axes.set_xlabel(SIMILARITY)
        note(
            figure,
            "small: seeds, large: their mean" if rows["seed"].nunique() > 1 else "one seed",
            "band: from the cold start to RL's end",
            "numbers: pairs (SFT), steps (RL)",
        )
        legend_above(figure, grids[0][0], legend_columns)
        _place(figure, labels)


def _panel(axes: Axes, rows: pd.DataFrame, methods: Sequence[str], cost: str, close: bool) -> list[Label]:
    """All methods of a task by one cost; the labels that are to be placed."""
    low, high = _band(rows)
    axes.axvspan(low, high, color=BAND, zorder=0)
    labels = []
    for number, method in enumerate(methods):
        curve = rows[rows["method"] == method]
        look = LOOKS.get(method) or look_of(method, number)
        labels += _curve(axes, curve, cost, look, named=close, numbered=method in PAPERS and not close)
    axes.margins(0.08, 0.16)
    if close:
        _close_up(axes, rows, cost, (low, high))
    if cost == KL:  # never below 0, whatever room the labels take there
        axes.set_ylim(bottom=max(axes.get_ylim()[0], -0.1 * axes.get_ylim()[1]))
        axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= axes.get_ylim()[1]])
    return labels


def _band(rows: pd.DataFrame) -> tuple[float, float]:
    """Mean adequacies of the cold start and of RL's end."""
    ends = rows[rows["method"] == "rl"].groupby("place")[PRIMARY].mean()
    return float(ends.iloc[0]), float(ends.iloc[-1])


def _close_up(axes: Axes, rows: pd.DataFrame, cost: str, band: tuple[float, float]) -> None:
    """Limits around the band, with room for the means of all points within."""
    width = abs(band[1] - band[0]) or 0.1
    left, right = min(band) - MARGIN * width, max(band) + MARGIN * width
    means = rows.groupby(["method", "place"])[[PRIMARY, cost]].mean()
    inside = means[means[PRIMARY].between(left, right)][cost]
    room = 0.15 * (inside.max() - inside.min()) or 0.1
    axes.set_xlim(left, right)
    axes.set_ylim(inside.min() - room, inside.max() + room)


def _curve(axes: Axes, rows: pd.DataFrame, y: str, look: Look, *, named: bool, numbered: bool) -> list[Label]:
    """One method: its points from weak to strong, joined, and its labels: a name at one of them, or their strengths."""
    means, labels = [], []
    for _, seeds in rows.groupby("place", sort=True):
        means.append(points(axes, seeds, y, look, None))
        strength = seeds["strength"].iloc[0]
        if numbered and pd.notna(strength):
            labels.append(Label(axes, _written(axes, f"{strength:g}", look), means[-1:]))
    line = {"ls": look.line, "lw": THICK if look in LOOKS.values() else 1.0, "marker": look.marker, "ms": MEAN**0.5}
    axes.plot(*zip(*means, strict=True), color=look.colour, label=look.label, **line)
    return [*labels, Label(axes, _written(axes, look.label, look), means[::-1])] if named else labels


def _written(axes: Axes, text: str, look: Look) -> Annotation:
    """On white, so that no line goes through it, but under the markers."""
    label = axes.annotate(text, (0, 0), AROUND[0], textcoords="offset points", size=7)
    label.set(color=look.colour, zorder=2.5, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3})
    return label


def _place(figure: Figure, labels: list[Label]) -> None:
    """Put each label beside one of its points, where it lies on no mean's marker and no other label.

    Names go first, then strengths, the strongest before the others. What finds no room is left out; the legend has it.
    """
    figure.draw_without_rendering()
    radius = MEAN**0.5 / 2 / 72 * figure.dpi
    taken: dict[Axes, list[Bbox]] = {}
    for axes in figure.axes:
        centres = [centre for line in axes.lines for centre in axes.transData.transform(line.get_xydata())]
        taken[axes] = [Bbox([centre - radius, centre + radius]) for centre in centres]
    names = [label for label in labels if len(label.at) > 1]
    strengths = [label for label in labels if len(label.at) == 1]
    for label in [*names, *reversed(strengths)]:
        if place := _free(label, taken[label.axes]):
            taken[label.axes].append(place)
        else:
            label.text.remove()


def _free(label: Label, taken: Sequence[Bbox]) -> Bbox | None:
    """Move a label to the first place within its panel that is free; None where none is."""
    panel = label.axes.get_window_extent()
    for at in label.at:
        if not panel.contains(*label.axes.transData.transform(at)):
            continue
        for across, up in AROUND:
            sides = {"ha": ("center", "left", "right")[(across > 0) - (across < 0)]}
            sides |= {"va": ("center", "bottom", "top")[(up > 0) - (up < 0)]}
            label.text.set(position=(across, up), **sides)
            label.text.xy = at
            place = label.text.get_window_extent()
            within = panel.contains(place.x0, place.y0) and panel.contains(place.x1, place.y1)
            if within and not place.count_overlaps(taken):
                return place
    return None
