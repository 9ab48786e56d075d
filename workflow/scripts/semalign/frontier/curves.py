"""The curves of the frontier: what each method reaches and costs along its strength, and its tax at a given adequacy.

A curve is walked from its weakest point to its strongest and is linear between points. At an adequacy it stands where
it first reaches it; below its weakest point it costs what that one costs; what it never reaches costs without bound.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import numpy as np
import pandas as pd

from semalign.runtime.files import read_json
from semalign.statistics import runs
from semalign.statistics.retained import Retained, lost, measure_of
from semalign.statistics.spread import mean_sd

KEYS = ["task", "method", "place", "strength", "model", "seed"]
ADEQUACY = ["similarity_independent", "similarity", "content"]
PRIMARY = "similarity_independent"
"""The measure of adequacy that was declared beforehand; what the others show is exploratory."""
KL = "kl_mean"
LIKELIHOOD = ["nll_mean", KL]
REACHED = ["metric", "similarity", "similarity_independent", "content"]
PAPERS = ("sft", "rl")
"""The paper's own methods, shown before all others."""
COUNTED = {"pairs": "examples", "steps": "steps"}  # what a training's report calls them


class Curve(TypedDict):
    """What a method's strength counts, and its points (strength, model) from weak to strong.

    A strength of None is read from the run's own report; where that does not count it, the point has none. tasks: those
    that it has points of; without, all.
    """

    unit: str
    points: list[tuple[float | None, str]]
    tasks: NotRequired[list[str]]


def in_order(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """The paper's methods, then the others by name."""
    names = [*(name for name in PAPERS if name in curves), *sorted(curves.keys() - set(PAPERS))]
    return {name: curves[name] for name in names}


def given(models: Mapping[str, list[str]]) -> dict[str, Curve]:
    """Models that were trained elsewhere, and their tasks, as curves of one point, which no tax is read from."""
    return {
        runs.label(model): Curve(unit="none", points=[(None, model)], tasks=tasks) for model, tasks in models.items()
    }


def cost_of(column: str) -> str:
    """In what a cost is counted: points of the primary benchmark, nats."""
    return "nats of KL to the base" if column == KL else lost(column)


def figures_of(columns: Iterable[str]) -> list[str]:
    """The figures among the columns of the frontier's table."""
    return [column for column in columns if column not in KEYS]


def collect(
    results: Path,
    tasks: list[str],
    seeds: list[int],
    curves: Mapping[str, Curve],
    forgetting: bool,
    retention: list[Retained],
) -> pd.DataFrame:
    """One row a task, method, point and seed; a model of several curves stands in each, one run in every seed.

    retention: the benchmarks, first that whose loss is a tax.
    """
    rows, figures = [], dict[tuple[str, str], runs.Figures]()
    for keys, run in points_of(tasks, seeds, curves):
        of = keys["task"], run
        if of not in figures:
            figures[of] = _figures(results, run, keys["task"], forgetting, retention)
        if keys["strength"] is None:
            keys["strength"] = _counted(results, run, curves[keys["method"]]["unit"])
        rows.append(keys | figures[of])
    return pd.DataFrame(rows, columns=[*KEYS, *_names(retention)])


def points_of(tasks: list[str], seeds: list[int], curves: Mapping[str, Curve]) -> Iterator[tuple[dict[str, Any], str]]:
    """KEYS and run of each point that a task and a seed have of the curves; a model of several stands in each."""
    for task, seed, (method, curve) in product(tasks, seeds, curves.items()):
        for place, (strength, model) in enumerate(curve["points"] if task in curve.get("tasks", [task]) else ()):
            keys = (task, method, place, strength, runs.label(model), seed)
            yield dict(zip(KEYS, keys, strict=True)), runs.name(task, model, seed)


def _names(retention: list[Retained]) -> list[str]:
    return [*REACHED, *(benchmark.main for benchmark in retention), *LIKELIHOOD]


def _counted(results: Path, run: str, unit: str) -> float | None:
    """How many pairs a run learnt, or steps it made."""
    if unit not in COUNTED:
        return None
    return read_json(results / run / "training.json").get(COUNTED[unit])


def _figures(results: Path, run: str, task: str, forgetting: bool, retention: list[Retained]) -> runs.Figures:
    figures = runs.figures(results, run, task, retention)
    if forgetting:
        likelihood = runs.likelihood(results, run)
        figures["nll_mean"] = likelihood["nll"]["mean"]
        figures["kl_mean"] = likelihood["kl"]["mean"] if likelihood["kl"] else 0.0 if run == "base" else None
    return {name: figures.get(name) for name in _names(retention)}


def tax_at(adequacy: Any, tax: Any, target: Any) -> np.ndarray:
    """The tax where a curve first reaches the target adequacy; inf where it never does.

    adequacy, tax: (…, points), from weak to strong; target: (…).
    """
    adequacy, tax, target = (np.asarray(values, dtype=float) for values in (adequacy, tax, target))
    reached = adequacy[..., 0] >= target
    found = np.where(reached, tax[..., 0], np.inf)
    for place in range(1, adequacy.shape[-1]):
        before, after = adequacy[..., place - 1], adequacy[..., place]
        here = ~reached & (after >= target)
        share = (target - before) / np.where(here, after - before, 1.0)
        found = np.where(here, tax[..., place - 1] + share * (tax[..., place] - tax[..., place - 1]), found)
        reached |= here
    return found


def mean_tax(adequacy: Any, tax: Any, low: Any, high: Any) -> np.ndarray:
    """The area under a curve over the adequacies from low to high, by their distance: the mean of `tax_at` there.

    adequacy, tax: (…, points), from weak to strong; low, high: (…). Exact, since `tax_at` is linear in pieces. inf
    where the curve does not reach high; nan where high is not above low.
    """
    adequacy, tax, low, high = (np.asarray(values, dtype=float) for values in (adequacy, tax, low, high))
    best = adequacy[..., 0]
    area = tax[..., 0] * (np.clip(best, low, np.maximum(low, high)) - low)
    for place in range(1, adequacy.shape[-1]):
        before, after = adequacy[..., place - 1], adequacy[..., place]
        start, end = (np.clip(ends, low, np.maximum(low, high)) for ends in (best, np.maximum(best, after)))
        rises = after > best  # so it lies above the point before it, too
        slope = (tax[..., place] - tax[..., place - 1]) / np.where(rises, after - before, 1.0)
        middle = tax[..., place - 1] + slope * ((start + end) / 2 - before)
        area = area + np.where(rises, (end - start) * middle, 0.0)
        best = np.maximum(best, after)
    width = np.where(high > low, high - low, np.nan)
    return np.where((best >= high) | np.isnan(width), area / width, np.inf)


def reach(adequacy: Any, low: Any, high: Any) -> np.ndarray:
    """How much of the way from low to high a curve goes, 0..1; nan where high is not above low. As in `mean_tax`."""
    adequacy, low, high = (np.asarray(values, dtype=float) for values in (adequacy, low, high))
    width = np.where(high > low, high - low, np.nan)
    return np.clip((adequacy.max(axis=-1) - low) / width, 0.0, 1.0)


def shown(frame: pd.DataFrame, alone: Collection[str] = ("base",)) -> pd.DataFrame:
    """Means ± standard deviation over seeds of each point, as texts. alone: models that are one run in every seed."""
    lines = []
    for (task, method, _, model), group in frame.groupby(["task", "method", "place", "model"], sort=False):
        strength = group["strength"].iloc[0]
        keys = {"task": task, "method": method, "strength": "" if pd.isna(strength) else f"{strength:g}"}
        cells = {name: _cell(group[name].astype(float), name, model in alone) for name in figures_of(frame.columns)}
        lines.append(keys | {"model": model} | cells)
    return pd.DataFrame(lines)


def _cell(values: pd.Series, name: str, alone: bool) -> str:
    measure = measure_of(name)
    return mean_sd(values, measure.digits if measure else 4, alone=alone)


def strengths(curves: Mapping[str, Curve]) -> str:
    """What each method's strength counts, in words."""
    return "; ".join(f"{name}: {curve['unit']}, from {curve['points'][0][1]}" for name, curve in curves.items())
