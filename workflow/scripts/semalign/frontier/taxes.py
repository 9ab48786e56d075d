"""What each method costs at equal adequacy, and how that compares with RL and with SFT.

The tax is what the base has lost: points of the primary benchmark, nats of KL. It is read at one adequacy, that which
RL ends with (`end`; RL itself where it ends, even past its best), and as a mean over the adequacies from the cold
start's to that one (`area`). Areas of two methods are compared over the part of that way that both go. All is taken
seed by seed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal

import numpy as np

from semalign.config.statistics import Statistics
from semalign.frontier.curves import ADEQUACY, KL, PRIMARY, Curve, mean_tax, reach, tax_at
from semalign.frontier.resampling import Drawn, drawn
from semalign.statistics import runs
from semalign.statistics.bootstrap import ends
from semalign.statistics.differences import NONE, is_shown
from semalign.statistics.retained import Retained

Measure = Literal["end", "area"]
Verdict = Literal["costs less", "costs more", "inconclusive", "not reached"]
MEASURES: tuple[Measure, ...] = ("end", "area")
AGAINST = ("rl", "sft")


@dataclass(frozen=True)
class Tax:
    """A method's tax, or its difference to another's where `against` names one.

    values: by seed; None where the method, or the other, does not get there: to RL's adequacy; for a difference of
    areas to the cold start's. low, high: of the mean over seeds under resampling of the test sets, where all seeds get
    there; None where there is no end on that side. unreached: resamples in which a seed does not. undefined: resamples
    in which RL is no more adequate than its cold start, or neither of two gets there; with any of them there is no
    interval. reach: by seed, how much of the way from the cold start's adequacy to RL's the method goes.
    """

    task: str
    adequacy: str
    cost: str
    measure: Measure
    method: str
    against: str | None
    values: list[float | None]
    low: float | None
    high: float | None
    unreached: int
    undefined: int
    reach: list[float | None]

    @property
    def primary(self) -> bool:
        return self.adequacy == PRIMARY

    @property
    def known(self) -> list[float]:
        return [value for value in self.values if value is not None]

    @property
    def mean(self) -> float | None:
        """Over the seeds that get there."""
        return fmean(self.known) if self.known else None

    @property
    def sd(self) -> float | None:
        """Standard deviation over these seeds, ddof 1; None for fewer than two."""
        return stdev(self.known) if len(self.known) > 1 else None

    def verdict(self) -> Verdict | None:
        """Of a difference, by the declared rule, which asks for all seeds to get there too."""
        if self.against is None:
            return None
        known = self.known
        if not known:
            return "not reached"
        if len(known) < len(self.values) or not is_shown(known, self.low, self.high):
            return NONE
        return "costs more" if known[0] > 0 else "costs less"

    def record(self) -> dict[str, Any]:
        """One row of the table of taxes."""
        shares = [share for share in self.reach if share is not None]
        return {
            "task": self.task,
            "adequacy": self.adequacy,
            "cost": self.cost,
            "primary": self.primary,
            "measure": self.measure,
            "method": self.method,
            "against": self.against,
            "mean": self.mean,
            "sd": self.sd,
            "low": self.low,
            "high": self.high,
            "seeds": len(self.values),
            "seeds_reached": len(self.known),
            "reach": fmean(shares) if shares else None,
            "resamples_unreached": self.unreached,
            "resamples_undefined": self.undefined,
            "verdict": self.verdict(),
        }


@dataclass(frozen=True)
class Request:
    """What is compared: the curves `sft` and `rl`, and any others, of these tasks and seeds.

    primary: the benchmark whose loss is a tax.
    """

    results: Path
    tasks: list[str]
    seeds: list[int]
    curves: Mapping[str, Curve]
    forgetting: bool
    statistics: Statistics
    primary: Retained


def taxes(request: Request) -> list[Tax]:
    """Every method's taxes, then their differences to RL and to SFT, by task, cost and adequacy."""
    found: list[Tax] = []
    for task in request.tasks:
        models = dict.fromkeys(model for curve in request.curves.values() for _, model in curve["points"])
        names = dict.fromkeys(runs.name(task, model, seed) for model in ["base", *models] for seed in request.seeds)
        figures = drawn(request.results, task, list(names), request.forgetting, request.statistics, request.primary)
        for cost in [name for name in (request.primary.main, KL) if name in figures]:
            for adequacy in [name for name in ADEQUACY if name in figures]:
                found += _Field(request, task, adequacy, cost, figures).taxes()
    return found


@dataclass(frozen=True)
class _Field:
    """All methods on one task by one measure of adequacy and one of cost."""

    request: Request
    task: str
    adequacy: str
    cost: str
    figures: Drawn

    def taxes(self) -> Iterator[Tax]:
        shares = {method: self._reach(method) for method in self.request.curves}
        for measure in MEASURES:
            values = {method: self._values(method, measure) for method in self.request.curves}
            for method, own in values.items():
                yield self._tax(measure, method, None, own, shares[method])
            for against in AGAINST:
                for method, own in values.items():
                    if method != against and method != "rl":
                        with np.errstate(invalid="ignore"):  # neither gets there: nan
                            less = own - values[against] if measure == "end" else self._areas(method, against)
                        yield self._tax(measure, method, against, less, shares[method])

    def _areas(self, method: str, against: str) -> np.ndarray:
        """(seeds, 1 + resamples): the difference of the mean taxes over what both reach of the way."""
        found = []
        for seed in self.request.seeds:
            curves = [self._curve(name, seed) for name in (method, against)]
            low, high = self._range(seed)
            top = np.minimum(high, np.minimum(*(adequacy.max(axis=-1) for adequacy, _ in curves)))
            mean, other = (np.where(top > low, mean_tax(*of, low, top), tax_at(*of, low)) for of in curves)
            found.append(np.where((high > low) & (top >= low), mean - other, np.nan))
        return np.stack(found)

    def _values(self, method: str, measure: Measure) -> np.ndarray:
        """(seeds, 1 + resamples)"""
        return np.stack([self._of_seed(method, measure, seed) for seed in self.request.seeds])

    def _of_seed(self, method: str, measure: Measure, seed: int) -> np.ndarray:
        adequacy, tax = self._curve(method, seed)
        low, high = self._range(seed)
        if measure == "area":
            return mean_tax(adequacy, tax, low, high)
        return tax[..., -1] if method == "rl" else tax_at(adequacy, tax, high)

    def _curve(self, method: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """(1 + resamples, points) of adequacy and of tax."""
        names = [runs.name(self.task, model, seed) for _, model in self.request.curves[method]["points"]]
        costs = self.figures[self.cost]
        sign = 1 if self.cost == KL else self.request.primary.loss
        adequacy = np.stack([self.figures[self.adequacy][name] for name in names], axis=-1)
        return adequacy, np.stack([sign * (costs[name] - costs["base"]) for name in names], axis=-1)

    def _range(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """(1 + resamples,) each: the adequacy of the cold start, and that which RL ends with."""
        adequacy, _ = self._curve("rl", seed)
        return adequacy[:, 0], adequacy[:, -1]

    def _reach(self, method: str) -> list[float | None]:
        shares = [reach(self._curve(method, seed)[0], *self._range(seed))[0] for seed in self.request.seeds]
        return [None if np.isnan(share) else float(share) for share in shares]

    def _tax(
        self, measure: Measure, method: str, against: str | None, values: np.ndarray, shares: list[float | None]
    ) -> Tax:
        by_seed = [float(value) if np.isfinite(value) else None for value in values[:, 0]]
        means = values[:, 1:].mean(axis=0)
        undefined = int(np.isnan(means).sum())
        low: float | None = None
        high: float | None = None
        if None not in by_seed and not undefined and len(means):
            found = ends(means, self.request.statistics.confidence)
            low, high = (end if np.isfinite(end) else None for end in found)
        unreached = int(np.isinf(means).sum())
        names = (self.task, self.adequacy, self.cost, measure, method, against)
        return Tax(*names, by_seed, low, high, unreached, undefined, shares)
