"""When a difference between trainings is reported: the declared rule of the frontier and of the encoders' table."""

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Final

NONE: Final = "inconclusive"


def is_shown(values: Sequence[float], low: float | None, high: float | None) -> bool:
    """Whether a difference is reported. `values`: by seed; low, high: the interval of their mean over test items.

    Four conditions: two seeds or more, one sign in all, a mean beyond two of their standard deviations
    (ddof 1), and an interval that leaves 0 out. low is None where there is no interval, high where it has no upper end.
    """
    if len(values) < 2 or low is None:
        return False
    one_sign = all(value > 0 for value in values) or all(value < 0 for value in values)
    without_zero = low > 0 or (high is not None and high < 0)
    return one_sign and without_zero and abs(fmean(values)) > 2 * stdev(values)
