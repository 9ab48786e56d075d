"""Distributions of token NLL and of token KL to the base: what of its language modelling a model has kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from semalign.figures.style import DOUBLE, THICK, THIN, Look, grid, legend_above, look_of, note, picture, width_for
from semalign.runtime.errors import InputError
from semalign.statistics import runs

GRID = 400  # points of a curve
NLL_SHOWN = 95  # percentile at which the axis of NLL ends: a few tokens are very unlikely


def _tokens(results: Path, task: str, model: str, seeds: Sequence[int], name: str) -> list[np.ndarray]:
    """One array a run: the base is one run, and has no KL, as a model with another vocabulary has none."""
    arrays = []
    for run in dict.fromkeys(runs.name(task, model, seed) for seed in seeds):
        path = results / run / "likelihood.npz"
        with np.load(path) as file:
            if name not in file and name == "kl" and runs.is_alone(model):
                return []
            if name not in file:
                raise InputError(f"{path}: has no array {name!r}; remove the file to make it again")
            arrays.append(np.sort(file[name]))
    return arrays


def _shares(axes: Axes, by_seed: list[np.ndarray], at: np.ndarray, look: Look) -> None:
    """Share of tokens at or below each point of `at`: a thin line a seed, a thick one of their mean."""
    shares = np.array([np.searchsorted(values, at, side="right") / len(values) for values in by_seed]) * 100
    if len(by_seed) > 1:
        axes.plot(at, shares.T, color=look.colour, lw=THIN, alpha=0.45)
    axes.plot(at, shares.mean(axis=0), color=look.colour, lw=THICK, ls=look.line, label=look.label)


def likelihood(
    results: Path,
    png: str,
    svg: str,
    *,
    tasks: Mapping[str, str],
    models: Sequence[str],
    seeds: Sequence[int],
    given: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Share of tokens at or below each NLL and each KL, of the models, a column a task; the base has no KL.

    The lines of the grid stand at the 10th, 50th and 90th percentile. given: the tasks of each model that was trained
    elsewhere. Reads results/<run>/likelihood.npz.
    """
    noise = _tokens(results, next(iter(tasks)), "base", seeds, "noise")[0].max()
    shown = {name: _of_models(results, tasks, models, seeds, name, given or {}) for name in ("nll", "kl")}
    shown = {name: tokens for name, tokens in shown.items() if tokens}  # nobody may have a KL
    with picture(png, svg, width_for(len(tasks)), 2.2 * len(shown)) as figure:
        rows = grid(figure, len(shown), list(tasks.values()), sharex="row", sharey=True)
        for (name, tokens), panels in zip(shown.items(), rows, strict=True):
            at = _points(name, np.concatenate([array for arrays in tokens.values() for array in arrays]))
            for axes, task in zip(panels, tasks, strict=True):
                for (token_task, model), by_seed in tokens.items():
                    if token_task == task:
                        _shares(axes, by_seed, at, look_of(model, models.index(model)))
                axes.set_yticks([0, 10, 50, 90, 100])
                axes.set_xlim(at[0], at[-1])
                axes.set_xlabel(
                    "NLL (nats per token)" if name == "nll" else "KL to the base (nats per token, log scale)"
                )
            panels[0].set_ylabel("tokens at or below (%)")
        if "kl" in shown:
            for axes in rows[1]:
                axes.set_xscale("log")
            rows[1][0].annotate(f"base to base: at most {noise:.0e}", (0.03, 0.93), xycoords="axes fraction", size=7)
        note(
            figure,
            f"NLL shown up to its {NLL_SHOWN}th percentile",
            "thin: seeds, thick: their mean" if len(seeds) > 1 else "",
        )
        legend_above(figure, rows[0][0], 4 if width_for(len(tasks)) == DOUBLE else 2)


def _of_models(
    results: Path,
    tasks: Mapping[str, str],
    models: Sequence[str],
    seeds: Sequence[int],
    name: str,
    given: Mapping[str, Sequence[str]],
) -> dict[tuple[str, str], list[np.ndarray]]:
    """{(task, model): one array a run} of those that have this quantity."""
    tokens = {
        (task, model): _tokens(results, task, model, seeds, name)
        for task in tasks
        for model in runs.answering(models, task, given)
        if name == "nll" or model != "base"
    }
    return {key: arrays for key, arrays in tokens.items() if arrays}


def _points(name: str, values: np.ndarray) -> np.ndarray:
    """Where the curves are drawn: evenly for NLL, evenly in the logarithm for KL."""
    if name == "nll":
        return np.linspace(0, np.percentile(values, NLL_SHOWN), GRID)
    positive = values[values > 0]
    if not len(positive):
        raise InputError("likelihood.npz: every KL to the base is 0: the adapters have changed nothing")
    return np.geomspace(np.percentile(positive, 1), positive.max(), GRID)
