"""Tables as the page shows them: texts, what sorts them, and smaller lines below."""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Cell:
    """A cell: its text, what sorts it (else the text), smaller lines below, its language, and whether it is code."""

    text: str
    sort: float | str | None = None
    details: tuple[str, ...] = ()
    language: str | None = None
    code: bool = False


@dataclass(frozen=True)
class Column:
    title: str
    unit: str = ""
    number: bool = True


@dataclass(frozen=True)
class Group:
    """Rows that belong together and are sorted among themselves, below a heading where there is one."""

    rows: list[list[Cell]]
    heading: str = ""


@dataclass(frozen=True)
class Grid:
    """A table: the first cell of a row names it. `key` is needed to read it, `notes` are for who wants to know more."""

    name: str
    caption: str
    columns: list[Column]
    groups: list[Group]
    key: str = ""
    notes: str = ""

    @property
    def sortable(self) -> bool:
        return any(len(group.rows) > 1 for group in self.groups)


def given(value: Any) -> bool:
    """Whether there is a figure."""
    return value is not None and not pd.isna(value)


def number(value: Any, digits: int, signed: bool = False, tiny: bool = False) -> str:
    """A figure as text with a true minus sign; empty where there is none. `tiny`: what rounds to 0 but is not, too."""
    if not given(value):
        return ""
    value = float(value)
    if tiny and 0 < abs(value) < 0.5 * 10**-digits:
        return f"{value:.1e}".replace("-", "−")
    if round(value, digits) == 0:
        value = 0.0
    return f"{value:{'+' if signed else ''},.{digits}f}".replace("-", "−")


def whole(value: Any) -> str:
    """A count with its thousands apart."""
    return f"{int(value):,}" if given(value) else ""


def spread(mean: Any, sd: Any, digits: int, signed: bool = False, tiny: bool = False) -> str:
    """Mean ± standard deviation."""
    text = number(mean, digits, signed, tiny)
    return f"{text} ± {number(sd, digits, tiny=tiny)}" if text and given(sd) else text


def between(low: Any, high: Any, digits: int) -> str:
    """An interval in brackets; empty where there is none."""
    return f"[{number(low, digits)}, {number(high, digits)}]" if given(low) and given(high) else ""


def figure(
    mean: Any, digits: int, *, sd: Any = None, details: tuple[str, ...] = (), signed: bool = False, tiny: bool = False
) -> Cell:
    """A cell of a figure; a dash where there is none, sorted after all others."""
    if not given(mean):
        return Cell("–", math.nan)
    return Cell(spread(mean, sd, digits, signed, tiny), float(mean), tuple(line for line in details if line))
