"""Every run's figures on the test sets as they are and on resamples of their units, the same for all runs.

Units are the task's test items, the passages of the reading-comprehension questions, and the passages of the KL; each
of the three is drawn by itself. A difference between runs is paired by item, and an area follows from both its axes.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from semalign.config.statistics import Statistics
from semalign.frontier.curves import ADEQUACY, KL
from semalign.runtime.errors import InputError
from semalign.statistics import runs as read
from semalign.statistics.retained import Retained

Drawn = dict[str, dict[str, np.ndarray]]
"""{figure: {run: (1 + resamples,)}}; the first is the whole test set's."""
ITEMS, QUESTIONS, PASSAGES = range(3)  # each drawn by a generator of its own


def drawn(
    results: Path, task: str, runs: Sequence[str], forgetting: bool, statistics: Statistics, primary: Retained
) -> Drawn:
    """Figures of adequacy and cost, those that the runs have; `primary` is the benchmark whose loss is a tax.

    Raises InputError where the runs were not measured on the same items.
    """
    found = _of_items(results, task, runs, statistics)
    groups, marks, measure, weights = [], [], primary.measures[0], None
    for run in runs:
        questions = read.questions(results, run, primary)
        groups.append(questions["group"].tolist())
        marks.append(questions[measure].to_numpy(dtype=float))
        if weight := primary.weight(measure):
            weights = questions[weight].to_numpy(dtype=float)
    found[primary.main] = _of_clusters(_same(runs, groups), runs, marks, QUESTIONS, statistics, weights)
    if forgetting:
        arrays = [read.tokens(results, run) for run in runs]
        passages = _same(runs, [of["passage"].tolist() for of in arrays])
        values = [
            of["kl"].astype(float) if "kl" in of else np.zeros(len(passages)) for of in arrays
        ]  # the base has none
        found[KL] = _of_clusters(passages, runs, values, PASSAGES, statistics)
    return found


def _of_items(results: Path, task: str, runs: Sequence[str], statistics: Statistics) -> Drawn:
    frames = [read.items(results, run, task) for run in runs]
    keys = _same(runs, [frame.index.tolist() for frame in frames])
    names = [name for name in ADEQUACY if all(name in frame and frame[name].notna().all() for frame in frames)]
    return {
        name: _of_clusters(keys, runs, [frame[name].to_numpy(dtype=float) for frame in frames], ITEMS, statistics)
        for name in names
    }


def _same(runs: Sequence[str], keys: list[list[str]]) -> list[str]:
    for run, found in zip(runs, keys, strict=True):
        if found != keys[0]:
            raise InputError(
                f"{run} and {runs[0]} were not measured on the same items: delete their scores and run again"
            )
    return keys[0]


def _of_clusters(
    clusters: list[str],
    runs: Sequence[str],
    values: list[np.ndarray],
    of: int,
    statistics: Statistics,
    weights: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Means over items, whole clusters being drawn: a ratio of sums. weights: how much each item counts."""
    keys, place = np.unique(np.asarray(clusters), return_inverse=True)
    weighted = values if weights is None else [own * weights for own in values]
    sums = np.stack([np.bincount(place, weights=own) for own in weighted], axis=1)
    times = _times(len(keys), of, statistics)
    means = (times @ sums) / (times @ np.bincount(place, weights=weights))[:, None]
    return {run: means[:, number] for number, run in enumerate(runs)}


def _times(units: int, of: int, statistics: Statistics) -> np.ndarray:
    """(1 + resamples, units): how often each unit is drawn; in the first row, once."""
    generator = np.random.default_rng((statistics.seed, of))
    draws = generator.multinomial(units, np.full(units, 1 / units), size=statistics.resamples)
    return np.concatenate([np.ones((1, units)), draws.astype(float)])


def interval(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """Percentile interval of resampled values, which may be inf; its ends are values drawn, the outer ones."""
    ordered = np.sort(values)
    inner, last = round((1 - confidence) / 2 * (len(ordered) - 1), 9), len(ordered) - 1
    return float(ordered[int(np.floor(inner))]), float(ordered[int(np.ceil(last - inner))])
