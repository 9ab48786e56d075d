"""What a model gains in its task against what it keeps of reading comprehension: one marker a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from semalign.figures.style import Look, grid, legend_above, look_of, note, picture, width_for
from semalign.statistics import runs
from semalign.statistics.retained import Retained, described

SIMILARITY = "similarity to the reference\n(cosine, independent encoder)"
SEED, MEAN = 9, 40  # areas of markers, in square points


def tick_similarities(axes: Axes) -> None:
    """Tick the x axis, once all is drawn, where similarities can be: none exceeds 1."""
    left, right = axes.get_xlim()
    axes.set_xticks([tick for tick in axes.get_xticks() if left <= tick <= min(right, 1)])


def points(axes: Axes, seeds: pd.DataFrame, y: str, look: Look, label: str | None) -> tuple[float, float]:
    """Small open markers of the seeds and a filled one of their mean, which is returned."""
    x, mean = "similarity_independent", seeds[["similarity_independent", y]].mean()
    seeds = seeds[[x, y]].drop_duplicates()  # the base is one for all seeds
    if len(seeds) > 1:
        axes.scatter(
            seeds[x], seeds[y], SEED, facecolors="white", edgecolors=look.colour, marker=look.marker, lw=0.6, zorder=4
        )
    axes.scatter(mean[x], mean[y], MEAN, color=look.colour, marker=look.marker, label=label, zorder=3)
    return float(mean[x]), float(mean[y])


def before(axes: Axes, base: pd.Series, y: str, look: Look) -> None:
    """A line across the panel at what the base has of y, and its similarity in words, below the line where that lies
    above all that was drawn before, else above it."""
    highest = base[y] >= axes.dataLim.ymax
    axes.axhline(base[y], color=look.colour, lw=0.9, ls=(0, (4, 3)), zorder=2)
    said = f"{look.label}, similarity {base['similarity_independent']:.2f}"
    axes.annotate(
        said,
        (0.02, base[y]),
        xytext=(0, -3 if highest else 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="top" if highest else "bottom",
        fontsize="small",
    )


def tradeoff(
    results: Path,
    png: str,
    svg: str,
    *,
    tasks: Mapping[str, str],
    models: Sequence[str],
    seeds: Sequence[int],
    primary: Retained,
    given: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Similarity by the independent encoder against the primary benchmark (CMRC AVG) of the models, a panel a task.

    The base is a line at what it has, with its similarity in words, since it may lie far from all others; alone it
    is a point. given: the tasks of each model that was trained elsewhere. Reads the runs' scores.
    """
    legend_columns = 4 if len(tasks) > 1 else 2
    height = 2.3 + 0.16 * -(-len(models) // legend_columns)
    with picture(png, svg, width_for(len(tasks)), height) as figure:
        panels = grid(figure, 1, list(tasks.values()), sharex=False, sharey=True)[0]
        for axes, task in zip(panels, tasks, strict=True):
            axes.margins(0.08, 0.12)
            for number, model in sorted(enumerate(models), key=lambda item: item[1] == "base"):  # beside the others
                if task not in (given or {}).get(model, [task]):
                    continue
                look = look_of(model, number)
                names = dict.fromkeys(runs.name(task, model, seed) for seed in seeds)
                figures = pd.DataFrame([runs.figures(results, name, task, [primary]) for name in names])
                if model == "base" and len(models) > 1:
                    before(axes, figures.iloc[0], primary.main, look)
                else:
                    points(axes, figures, primary.main, look, look.label)
            tick_similarities(axes)
            axes.set_xlabel(SIMILARITY)
        panels[0].set_ylabel(described(primary.main))
        note(figure, "small: seeds, large: their mean" if len(seeds) > 1 else "one seed")
        legend_above(figure, panels[0], legend_columns)
