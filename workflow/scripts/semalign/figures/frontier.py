"""The frontier: what each method reaches and costs along its strength, around where they are compared."""

from collections.abc import Mapping, Sequence
from math import cos, pi, sin
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from semalign.figures.points import MEAN, SIMILARITY, tick_similarities
from semalign.figures.style import (
    BAND,
    GREY,
    MODELS,
    THICK,
    THIN,
    WHITE,
    Look,
    grid,
    look_of,
    note,
    picture,
    width_for,
)
from semalign.frontier.curves import KL, PAPERS, PRIMARY
from semalign.statistics.retained import Retained, described
from semalign.tables.spreadsheets import read_csv

LOOKS = {"sft": MODELS["strong_sft"]._replace(label="SFT"), "rl": MODELS["rl"]}
SEED = 5  # area of a seed's marker, in square points
MARGIN, LEAST = 0.6, 0.12  # beside the band, of its width; its least width, of all that is drawn
INSET = (0.38, 0.32)  # width and height of the inset, of a panel's
FREE = 0.6  # of the height of the points: left free for the inset, and for the labels
RINGS = (7, 13, 20, 28, 38, 50)  # points from a marker to its label
NEAR = 8  # points beyond which a line leads from a marker to its label


class Label(NamedTuple):
    """A text, the points beside which it may stand, the best first, and how far from them it may be."""

    axes: Axes
    text: Annotation
    at: list[tuple[float, float]]
    rings: Sequence[float]
    look: Look


def frontier(results: Path, png: str, svg: str, *, tasks: Mapping[str, str], primary: Retained) -> None:
    """Similarity against the primary benchmark and, where it was measured, the KL to the base: a row each, a column a
    task, a line a method along its strength.

    A band reaches from the cold start's similarity to that which RL ends with, and a panel shows what lies around it.
    What lies beyond stands in an inset, where there is any. Reads results/frontier.csv: a row a task, method, place and
    seed, with similarity_independent and both costs.
    """
    rows = read_csv(results / "frontier.csv")
    named, methods = list(rows["task"].unique()), list(rows["method"].unique())
    costs = {primary.main: described(primary.main), KL: "mean KL to the base\n(nats per token)"}
    shown = [cost for cost in costs if rows[cost].notna().any()]
    with picture(png, svg, width_for(len(named)), 0.8 + 2.7 * len(shown)) as figure:
        grids = grid(figure, len(shown), [tasks[task] for task in named])
        labels = []
        for line, cost in zip(grids, shown, strict=True):
            line[0].set_ylabel(costs[cost])
            upwards = cost == KL or primary.loss > 0
            for axes, task in zip(line, named, strict=True):
                labels += _panel(axes, rows[rows["task"] == task], methods, cost, upwards)
        for axes in grids[-1]:
            axes.set_xlabel(SIMILARITY)
        note(
            figure,
            "small: seeds, large: their mean" if rows["seed"].nunique() > 1 else "one seed",
            "band: from the cold start to RL's end",
            "numbers: pairs (SFT), steps (RL)",
            "inset: all points, its frame this panel" if any(axes.child_axes for axes in figure.axes) else "",
        )
        if without := _place(figure, labels):
            lines = [Line2D([], [], color=of.colour, marker=of.marker, ls=of.line, label=of.label) for of in without]
            figure.legend(handles=lines, loc="outside upper center", ncols=5 if len(named) > 1 else 2)


def _panel(axes: Axes, rows: pd.DataFrame, methods: Sequence[str], cost: str, upwards: bool) -> list[Label]:
    """All methods of a task by one cost, around the band; the labels that are to be placed. `upwards`: a larger figure
    costs more."""
    means = rows.groupby(["method", "place"])[[PRIMARY, cost]].mean().reset_index()
    low, high = _band(means)
    left, right = _around((low, high), means[PRIMARY])
    axes.axvspan(low, high, color=BAND, zorder=0)
    labels = []
    for number, method in enumerate(methods):
        look = LOOKS.get(method) or look_of(method, number)
        own = rows[rows["method"] == method]
        alone = _alone_first(means, method, cost, (left, right))
        labels += _curve(axes, own, means[means["method"] == method], cost, look, (left, right), alone)
    inside = means[means[PRIMARY].between(left, right)][cost]
    height = (inside.max() - inside.min()) or 0.1
    bottom, top = inside.min() - 0.12 * height, inside.max() + 0.12 * height
    axes.set_xlim(left, right)
    tick_similarities(axes)
    if len(inside) < len(means):
        bottom, top = (bottom, top + FREE * height) if upwards else (bottom - FREE * height, top)
        axes.set_ylim(bottom, top)
        _inset(axes, means, methods, cost, upwards)
    else:
        axes.set_ylim(bottom - 0.1 * height, top + 0.2 * height)
    return labels


def _band(means: pd.DataFrame) -> tuple[float, float]:
    """Mean adequacies of the cold start and of RL's end."""
    ends = means[means["method"] == "rl"][PRIMARY]
    return float(ends.iloc[0]), float(ends.iloc[-1])


def _around(band: tuple[float, float], adequacies: pd.Series) -> tuple[float, float]:
    """What a panel shows: the band with its margins, or all where no more than that is to be shown."""
    whole = float(adequacies.max() - adequacies.min()) or 0.1
    width = max(abs(band[1] - band[0]), LEAST * whole)
    middle = sum(band) / 2
    left, right = middle - (0.5 + MARGIN) * width, middle + (0.5 + MARGIN) * width
    if adequacies.between(left, right).all():
        return float(adequacies.min()) - 0.06 * whole, float(adequacies.max()) + 0.12 * whole
    return left, right


def _curve(
    axes: Axes,
    rows: pd.DataFrame,
    means: pd.DataFrame,
    cost: str,
    look: Look,
    view: tuple[float, float],
    alone: list[tuple[float, float]],
) -> list[Label]:
    """One method: its points from weak to strong, joined; its name and, of the paper's methods, strengths as labels.

    alone: the points beside which the name may stand, the best first.
    """
    papers = look in LOOKS.values()
    if rows["seed"].nunique() > 1:
        axes.scatter(rows[PRIMARY], rows[cost], SEED, color=look.colour, marker=look.marker, lw=0, alpha=0.3, zorder=2)
    at = list(zip(means[PRIMARY], means[cost], strict=True))
    width, size = (THICK, MEAN**0.5) if papers else (0.9, 0.75 * MEAN**0.5)
    axes.plot(*zip(*at, strict=True), color=look.colour, ls=look.line, lw=width, marker=look.marker, ms=size)
    name = Label(axes, _written(axes, look.label, look, bold=papers), alone, RINGS, look)
    strengths = rows.groupby("place")["strength"].first() if papers else pd.Series()
    numbers = [
        Label(axes, _written(axes, f"{strength:g}", look), _in_view([at[place]], view), RINGS[:2], look)
        for place, strength in enumerate(strengths)
        if pd.notna(strength)
    ]
    return [name, *numbers]


def _alone_first(means: pd.DataFrame, method: str, cost: str, view: tuple[float, float]) -> list[tuple[float, float]]:
    """A method's points that a panel shows, those first that lie farthest from the points of all others."""
    shown = means[means[PRIMARY].between(*view)]
    spans = (shown[[PRIMARY, cost]].max() - shown[[PRIMARY, cost]].min()).replace(0, 1)
    own, others = (
        shown.loc[which, [PRIMARY, cost]] for which in (shown["method"] == method, shown["method"] != method)
    )

    def distance(point: tuple[float, float]) -> float:
        return float((((others - point) / spans) ** 2).sum(axis=1).min()) if len(others) else 0.0

    return sorted(own.iloc[::-1].itertuples(index=False, name=None), key=distance, reverse=True)


def _in_view(points: list[tuple[float, float]], view: tuple[float, float]) -> list[tuple[float, float]]:
    """Those that a panel shows, the strongest first."""
    return [point for point in reversed(points) if view[0] <= point[0] <= view[1]]


def _written(axes: Axes, text: str, look: Look, bold: bool = False) -> Annotation:
    """A label that still has to find its place; a line leads to it where it stands far from its marker."""
    line = {"arrowstyle": "-", "lw": THIN, "color": look.colour, "alpha": 0.6, "shrinkA": 0, "shrinkB": 1}
    label = axes.annotate(text, (0, 0), (0, 0), textcoords="offset points", size=7, arrowprops=line)
    label.set(color=look.colour, zorder=5, fontweight="bold" if bold else "normal", in_layout=False)
    label.set_bbox({"facecolor": WHITE, "edgecolor": "none", "pad": 0.4, "alpha": 0.8})
    return label


def _inset(axes: Axes, means: pd.DataFrame, methods: Sequence[str], cost: str, upwards: bool) -> None:
    """All points, small, where the panel was left free: at the left, above or below its points."""
    width, height = INSET
    inset = axes.inset_axes((0.06, 0.97 - height if upwards else 0.07, width, height), zorder=3)
    for number, method in enumerate(methods):
        look, own = LOOKS.get(method) or look_of(method, number), means[means["method"] == method]
        line = THICK if method in PAPERS else THIN
        inset.plot(own[PRIMARY], own[cost], color=look.colour, lw=line, ls=look.line, marker=look.marker, ms=1.8)
    inset.margins(0.08, 0.12)
    inset.tick_params(labelsize=5.5, length=1.5, pad=1)
    inset.grid(visible=False)
    inset.locator_params(nbins=3)
    inset.set_facecolor(WHITE)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    inset.add_patch(Rectangle((left, bottom), right - left, top - bottom, fill=False, edgecolor=GREY, lw=THIN))


def _place(figure: Figure, labels: list[Label]) -> list[Look]:
    """Put each label beside one of its points, where it lies on no marker, no other label and no inset.

    Names go first, the paper's before the others, then strengths. A strength that finds no room is left out; the
    methods whose name finds none in any panel are returned.
    """
    figure.draw_without_rendering()
    taken: dict[Axes, list[Bbox]] = {}
    for axes in {label.axes: None for label in labels}:
        means = [line for line in axes.lines if line.get_marker() not in (None, "None", "")]
        taken[axes] = [box for inset in axes.child_axes if (box := inset.get_tightbbox())]
        for line in means:
            radius = line.get_markersize() / 2 / 72 * figure.dpi
            centres = axes.transData.transform(line.get_xydata())
            taken[axes] += [Bbox([centre - radius, centre + radius]) for centre in centres]
    names = [label for label in labels if label.rings is RINGS]
    named, without = set[Look](), dict.fromkeys(label.look for label in names)
    for label in [*names, *(label for label in labels if label.rings is not RINGS)]:
        if place := _free(label, taken[label.axes]):
            taken[label.axes].append(place)
            named.add(label.look)
        else:
            label.text.remove()
    return [look for look in without if look not in named]


def _free(label: Label, taken: Sequence[Bbox]) -> Bbox | None:
    """Move a label to the first free place within its panel, its best point first; None where there is none."""
    panel = label.axes.get_window_extent()
    for at in label.at:
        for radius in label.rings:
            for turn in range(12):
                across, up = radius * cos(turn * pi / 6), radius * sin(turn * pi / 6)
                sides = {"ha": "center" if abs(across) < 0.6 * radius else "left" if across > 0 else "right"}
                sides |= {"va": "center" if abs(up) < 0.6 * radius else "bottom" if up > 0 else "top"}
                label.text.set(position=(across, up), **sides)
                label.text.xy = at
                label.text.get_window_extent()  # moves it; without its line:
                place = Text.get_window_extent(label.text)
                within = panel.contains(place.x0, place.y0) and panel.contains(place.x1, place.y1)
                if within and not place.count_overlaps(taken):
                    if label.text.arrow_patch:
                        label.text.arrow_patch.set_visible(radius > NEAR)
                    return place
    return None
