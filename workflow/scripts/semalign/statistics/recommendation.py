"""Which trial of a search is recommended, if any: the best on dev, where it beats the config's own values."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from semalign.statistics.bootstrap import Interval
from semalign.statistics.differences import is_shown


@dataclass(frozen=True)
class Tried:
    """A trial: its name for a reader, its measure by seed, and why nobody may choose it (None: they may)."""

    label: str
    values: Sequence[float]
    refused: str | None

    @property
    def mean(self) -> float:
        return fmean(self.values)


@dataclass(frozen=True)
class Recommendation:
    """chosen: the place of the recommended trial; None: no change. alike: those of the others that may be chosen and
    are within noise of the best one. text: the same in words."""

    chosen: int | None
    alike: list[int]
    text: str


Between = Callable[[int, int], Interval | None]


def recommend(shipped: Tried, trials: Sequence[Tried], between: Between, measure: str) -> Recommendation:
    """The recommendation among `trials`, whose places begin with 1: place 0 is `shipped`, the config's own values.

    between: the interval, over items of dev, of the measure of one place less that of another; None: there is none.
    The best is the trial with the largest mean that may be chosen; of equal ones the first. It is recommended if its
    difference to `shipped` is one: with one seed an interval above 0, with several the declared rule (`is_shown`); or
    if `shipped` itself may not be chosen.
    """
    free = [place for place, trial in enumerate(trials, start=1) if trial.refused is None]
    if not free:
        return Recommendation(None, [], "No change is recommended: none of the trials may be chosen.")
    best = max(free, key=lambda place: (trials[place - 1].mean, -place))
    chosen = trials[best - 1]
    alike = [
        place for place in free if place != best and not _is_above(chosen, trials[place - 1], between(best, place))
    ]
    said = f"{chosen.label} reaches {measure} {chosen.mean:.4f}"
    if shipped.refused:
        text = f"{said} and is recommended: the shipped setting may not be chosen ({shipped.refused})."
        return Recommendation(best, alike, text + _told(alike, trials))
    gain = chosen.mean - shipped.mean
    if gain <= 0:
        text = (
            f"No change is recommended: no trial that may be chosen is above the shipped setting ({shipped.mean:.4f})."
        )
        return Recommendation(None, alike, text)
    found = between(best, 0)
    if found is None or math.isnan(found.low):
        text = f"No change is recommended: {said}, {gain:+.4f}, but {measure} has no interval over items."
        return Recommendation(None, alike, text)
    interval = f"{gain:+.4f} [{found.low:.4f}, {found.high:.4f}] to the shipped setting"
    if not _is_above(chosen, shipped, found):
        seeds = ", ".join(f"{difference:+.4f}" for difference in _differences(chosen, shipped))
        by_seed = f"; by seed {seeds}" if len(chosen.values) > 1 else ""
        text = "No change is recommended: the best trial is within noise of the shipped setting. "
        return Recommendation(None, alike, f"{text}{said}, {interval}{by_seed}.")
    return Recommendation(best, alike, f"{said}, {interval}, and is recommended." + _told(alike, trials))


def _is_above(one: Tried, other: Tried, found: Interval | None) -> bool:
    if found is None or math.isnan(found.low):
        return False
    if len(one.values) == 1:
        return found.low > 0
    differences = _differences(one, other)
    return fmean(differences) > 0 and is_shown(differences, found.low, found.high)


def _differences(one: Tried, other: Tried) -> list[float]:
    return [a - b for a, b in zip(one.values, other.values, strict=True)]


def _told(alike: Sequence[int], trials: Sequence[Tried]) -> str:
    if not alike:
        return ""
    return " Within noise of it: " + "; ".join(trials[place - 1].label for place in alike) + "."
