"""Percentile bootstrap over the test set: over its items, or over whole passages where several items share one.

A figure is written as a function of which units are drawn; each resample draws the same units for all systems and
seeds, so differences are paired.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from semalign.config.statistics import Statistics
from semalign.metrics.bleu import bleu_of_sums, chrf_of_sums
from semalign.runtime.errors import InputError

MOST_VALUES = 20_000_000
"""Drawn values held at once."""

Draw = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Estimator:
    """A figure, mean over seeds, of drawn units: `value` maps indices (…, units) to (…); `n` items in `units` units."""

    keys: tuple[str, ...]
    n: int
    value: Draw

    def __sub__(self, other: "Estimator") -> "Estimator":
        """The difference, paired by unit."""
        if self.keys != other.keys:
            raise InputError("two systems were not measured on the same items: delete their scores and run again")
        return Estimator(self.keys, self.n, lambda drawn: self.value(drawn) - other.value(drawn))

    def whole(self) -> float:
        """The figure of the test set as it is."""
        return float(self.value(np.arange(len(self.keys))[None, :])[0])


@dataclass(frozen=True)
class Interval:
    """Percentile interval, the two-sided p of a figure of 0, the number of items and of resampled units."""

    low: float
    high: float
    p: float
    n: int
    units: int


def bootstrap(estimator: Estimator, settings: Statistics) -> Interval:
    """The interval of a figure under resampling of the test set's units.

    p = min(1, 2·(min(#{d ≤ 0}, #{d ≥ 0}) + 1)/(B + 1)) over the B resampled figures d.
    """
    units = len(estimator.keys)
    if units < 2:
        return Interval(float("nan"), float("nan"), float("nan"), estimator.n, units)
    values = resampled(estimator, settings)
    tail = min(int((values <= 0).sum()), int((values >= 0).sum()))
    p = min(1.0, 2 * (tail + 1) / (len(values) + 1))
    return Interval(*ends(values, settings.confidence), p, estimator.n, units)


def resampled(estimator: Estimator, settings: Statistics, stream: int = 0) -> np.ndarray:
    """(resamples,): the figure on resamples of its two units or more, by scipy.

    Estimators of equally many units and items are resampled alike; of another `stream`, independently.
    """
    result = stats.bootstrap(
        (np.arange(len(estimator.keys)),),
        lambda drawn, axis: estimator.value(drawn),
        n_resamples=settings.resamples,
        batch=max(1, min(250, MOST_VALUES // estimator.n)),
        vectorized=True,
        confidence_level=settings.confidence,
        method="percentile",
        rng=np.random.default_rng((settings.seed, stream)),
    )
    return result.bootstrap_distribution


def ends(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """The percentile interval of resampled values: quantiles, linear between values. Values may be infinite: an end
    that lies beside one is the outer value drawn."""
    shares = ((1 - confidence) / 2, (1 + confidence) / 2)
    with np.errstate(invalid="ignore"):  # between two infinite values
        inner = np.quantile(values, shares)
    outer = (np.quantile(values, shares[0], method="lower"), np.quantile(values, shares[1], method="higher"))
    low, high = (float(i if np.isfinite(i) else o) for i, o in zip(inner, outer, strict=True))
    return low, high


def mean_of_items(keys: Sequence[str], values: np.ndarray) -> Estimator:
    """Mean over items of `values` (seeds, items)."""
    by_item = np.asarray(values, dtype=float).mean(axis=0)
    return Estimator(tuple(keys), len(by_item), lambda drawn: by_item[drawn].mean(axis=-1))


def mean_in_clusters(
    clusters: Sequence[str] | np.ndarray, values: np.ndarray, weights: np.ndarray | None = None
) -> Estimator:
    """Mean over items of `values` (seeds, items), whole clusters being drawn: a ratio of sums. `weights` (items,) are
    how much each item counts, its tokens for example; None: all alike."""
    by_item = np.asarray(values, dtype=float).mean(axis=0)
    keys, place = np.unique(np.asarray(clusters), return_inverse=True)
    weighted = by_item if weights is None else by_item * weights
    sums, counts = np.bincount(place, weights=weighted), np.bincount(place, weights=weights)
    return Estimator(
        tuple(map(str, keys)), len(by_item), lambda drawn: sums[drawn].sum(axis=-1) / counts[drawn].sum(axis=-1)
    )


def corpus_bleu_of_items(keys: Sequence[str], statistics: np.ndarray) -> Estimator:
    """Corpus BLEU, mean over seeds, from `bleu_statistics` (seeds, items, 10)."""
    return _of_sums(keys, statistics, lambda sums: np.array([bleu_of_sums(of_draw.tolist()) for of_draw in sums]))


def corpus_chrf_of_items(keys: Sequence[str], statistics: np.ndarray) -> Estimator:
    """Corpus chrF++, mean over seeds, from `chrf_statistics` (seeds, items, 24)."""
    return _of_sums(keys, statistics, chrf_of_sums)


def _of_sums(keys: Sequence[str], statistics: np.ndarray, score: Draw) -> Estimator:
    """A score of the whole, mean over seeds. `score` maps sums of the items' counts, (draws, counts), to (draws,)."""

    def value(drawn: np.ndarray) -> np.ndarray:
        flat = drawn.reshape(-1, drawn.shape[-1])
        by_seed = [score(seed[flat].sum(axis=1)) for seed in statistics]
        return np.mean(by_seed, axis=0).reshape(drawn.shape[:-1])

    return Estimator(tuple(keys), statistics.shape[1], value)


def quantile_in_clusters(clusters: np.ndarray, values: np.ndarray, quantile: float) -> Estimator:
    """Quantile (linear interpolation) of pooled `values` (seeds, items), mean over seeds; whole clusters are drawn."""
    keys, place = np.unique(clusters, return_inverse=True)
    orders = np.argsort(values, axis=1, kind="stable")

    def value(drawn: np.ndarray) -> np.ndarray:
        times = np.stack([np.bincount(row, minlength=len(keys)) for row in drawn]).astype(np.int32)
        position = quantile * (times @ np.bincount(place) - 1)
        figures = []
        for seed, order in zip(values, orders, strict=True):
            reached = times[:, place[order]].cumsum(axis=1)
            low, high = (
                seed[order][(reached > at(position)[:, None]).argmax(axis=1)].astype(float)
                for at in (np.floor, np.ceil)
            )
            figures.append(low + (position - np.floor(position)) * (high - low))
        return np.mean(figures, axis=0)

    return Estimator(tuple(map(str, keys)), values.shape[1], value)
