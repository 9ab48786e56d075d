"""A figure over seeds as text."""

from collections.abc import Iterable
from math import isnan
from statistics import fmean, stdev


def mean_sd(values: Iterable[float | None], digits: int, sign: str = "", alone: bool = False) -> str:
    """Mean ± standard deviation (ddof 1) of the values that there are, as `0.123 ± 0.004`; empty where there is none.

    sign: `+` shows that of positive means. alone: the values are of one run, which has no spread.
    """
    known = [value for value in values if value is not None and not isnan(value)]
    if not known:
        return ""
    spread = f" ± {stdev(known):.{digits}f}" if len(known) > 1 and not alone else ""
    return f"{fmean(known):{sign}z.{digits}f}{spread}"
