"""What a model gains in its task against what it keeps of reading comprehension: one marker a model or strength."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from semalign import runs
from semalign.figures.style import MODELS, THICK, Look, grid, legend_above, look_of, note, picture, width_for

SIMILARITY = "similarity to the reference\n(cosine, independent encoder)"
COMPREHENSION = "reading comprehension\n(CMRC AVG, %)"
STRENGTHS = ("SFT: number of pairs (0: base)", "RL: update steps (0: cold SFT)")
COSTS = {"cmrc_avg": COMPREHENSION, "kl_mean": "mean KL to the base\n(nats a token)"}
METHODS = {"sft": MODELS["strong_sft"]._replace(label="SFT"), "rl": MODELS["rl"]}
LEFT, ABOVE, BELOW = (-6, 0), (0, 6), (0, -6)
BESIDE = {("sft", "cmrc_avg"): LEFT, ("sft", "kl_mean"): LEFT, ("rl", "cmrc_avg"): ABOVE, ("rl", "kl_mean"): BELOW}
SEED, MEAN = 9, 40  # areas of markers, in square points


def _points(axes: Axes, seeds: pd.DataFrame, y: str, look: Look, label: str | None) -> tuple[float, float]:
    """Small open markers of the seeds and a filled one of their mean, which is returned."""
    x, mean = "similarity_independent", seeds[["similarity_independent", y]].mean()
    seeds = seeds[[x, y]].drop_duplicates()  # the base is one for all seeds
    if len(seeds) > 1:
        axes.scatter(
            seeds[x], seeds[y], SEED, facecolors="white", edgecolors=look.colour, marker=look.marker, lw=0.6, zorder=4
        )
    axes.scatter(mean[x], mean[y], MEAN, color=look.colour, marker=look.marker, label=label, zorder=3)
    return float(mean[x]), float(mean[y])


def tradeoff(
    results: Path, tasks: Sequence[str], models: Sequence[str], seeds: Sequence[int], png: str, svg: str
) -> None:
    """Similarity by the independent encoder against CMRC AVG of the models, a panel a task.

    Reads results/<run>/scores/{text,similarity}.json.
    """
    legend_columns = 4 if len(tasks) > 1 else 2
    height = 2.3 + 0.16 * -(-len(models) // legend_columns)
    with picture(png, svg, width_for(len(tasks)), height) as figure:
        panels = grid(figure, 1, tasks, sharex=True, sharey=True)[0]
        for axes, task in zip(panels, tasks, strict=True):
            axes.margins(0.08)
            for number, model in enumerate(models):
                look = look_of(model, number)
                names = dict.fromkeys(runs.name(task, model, seed) for seed in seeds)
                figures = pd.DataFrame([runs.figures(results, name, task) for name in names])
                _points(axes, figures, "cmrc_avg", look, look.label)
            axes.set_xlabel(SIMILARITY)
        panels[0].set_ylabel(COMPREHENSION)
        note(figure, "small: seeds, large: their mean" if len(seeds) > 1 else "one seed")
        legend_above(figure, panels[0], legend_columns)


def frontier(table: Path, png: str, svg: str) -> None:
    """Similarity against CMRC AVG and, where it was measured, the KL to the base, along the strength of each method.

    Reads the frontier's table: one row a task, method, strength and seed, with similarity_independent and COSTS.
    """
    rows = pd.read_csv(table)
    tasks = list(rows["task"].unique())
    costs = [cost for cost in COSTS if rows[cost].notna().any()]
    with picture(png, svg, width_for(len(tasks)), 0.9 + 2.1 * len(costs)) as figure:
        panels = grid(figure, len(costs), tasks, sharex="col", sharey="row")
        labels = []
        for row, cost in zip(panels, costs, strict=True):
            row[0].set_ylabel(COSTS[cost])
            for axes, task in zip(row, tasks, strict=True):
                axes.margins(0.08, 0.16)
                for method, look in METHODS.items():
                    chosen = rows[(rows["task"] == task) & (rows["method"] == method)]
                    labels += _curve(axes, chosen, cost, look, BESIDE[method, cost])
            if cost == "kl_mean":  # never below 0, whatever room the labels take there
                top = row[0].get_ylim()[1]
                row[0].set_yticks([tick for tick in row[0].get_yticks() if 0 <= tick <= top])
        for axes in panels[-1]:
            axes.set_xlabel(SIMILARITY)
        note(figure, *STRENGTHS, "small: seeds, large: their mean" if rows["seed"].nunique() > 1 else "one seed")
        legend_above(figure, panels[0][0], len(METHODS))
        _thin_out(figure, labels)


def _curve(axes: Axes, rows: pd.DataFrame, y: str, look: Look, beside: tuple[int, int]) -> list[Annotation]:
    """One method: its points from weak to strong, joined; returns the strengths, written `beside` (in points) them."""
    means, labels = [], []
    ha = "right" if beside[0] else "center"
    va = "center" if beside[0] else "bottom" if beside[1] > 0 else "top"
    for number, (strength, seeds) in enumerate(rows.groupby("strength", sort=True)):
        means.append(_points(axes, seeds, y, look, look.label if number == 0 else None))
        label = axes.annotate(f"{strength:g}", means[-1], beside, textcoords="offset points", size=7, ha=ha, va=va)
        # On white, so that no line goes through it, but under the markers.
        label.set(color=look.colour, zorder=2.5, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3})
        labels.append(label)
    axes.plot(*zip(*means, strict=True), color=look.colour, ls=look.line, lw=THICK)
    return labels


def _thin_out(figure: Figure, labels: list[Annotation]) -> None:
    """Leave out labels that would lie on a mean's marker or another label, the weaker strength of each two."""
    figure.draw_without_rendering()
    radius = MEAN**0.5 / 2 / 72 * figure.dpi
    centres = [label.axes.transData.transform(label.xy) for label in labels if label.axes]
    taken = [Bbox([centre - radius, centre + radius]) for centre in centres]
    for label in reversed(labels):
        place = label.get_window_extent()
        if place.count_overlaps(taken):
            label.remove()
        else:
            taken.append(place)
