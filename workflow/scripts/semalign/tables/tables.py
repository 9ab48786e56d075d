"""A table of figures over seeds, written for a spreadsheet (CSV), for reading (Markdown) and for a paper (LaTeX).

The CSV has a column for each of a figure's mean, `_sd`, `_low`, `_high` and `_n` and, where the paper has the figure in
any row, `_paper` and `_difference`; the other two show them as lines below one another.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any

import pandas as pd

from semalign.statistics.retained import measure_of

DIGITS = dict.fromkeys(("judge_win", "judge_loss", "judge_tie", "judge_unparsed", "judge_net"), 1)
PAGE_WIDTH = 82
"""Characters of \\footnotesize across the text of an article."""


@dataclass(frozen=True)
class Cell:
    """One figure of one row: its values by seed, its interval and number of items, and the paper's figure."""

    values: list[float]
    low: float | None = None
    high: float | None = None
    n: int | None = None
    paper: float | None = None

    @classmethod
    def of(cls, values: list[float], found: Any) -> "Cell":
        """A figure with its interval (a `bootstrap.Interval`), where it has one."""
        return cls(values, found.low, found.high, found.n) if found else cls(values)

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def sd(self) -> float | None:
        """Standard deviation over seeds, ddof 1; None for one."""
        return stdev(self.values) if len(self.values) > 1 else None

    @property
    def difference(self) -> float | None:
        """Ours less the paper's."""
        return None if self.paper is None else self.mean - self.paper


@dataclass(frozen=True)
class Row:
    """A row: what names it, its cells by figure (absent where there is none), the number of runs behind it, and what is
    said of it in words, by column."""

    keys: dict[str, str]
    cells: dict[str, Cell]
    seeds: int
    signed: bool = False
    words: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """remarks: lines below the note, on rows that a reader must not take for what they seem."""

    figures: list[str]
    shown: list[str]
    rows: list[Row]
    confidence: float
    note: str
    sidecar: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def frame(self) -> pd.DataFrame:
        """The CSV's content: one row a model."""
        compared = {name for row in self.rows for name, cell in row.cells.items() if cell.paper is not None}
        table = []
        for row in self.rows:
            columns: dict[str, Any] = dict(row.keys)
            for name in self.figures:
                cell = row.cells.get(name)
                parts = ["mean", "sd", "low", "high", "n", *(["paper", "difference"] if name in compared else [])]
                for part in parts:
                    columns[name if part == "mean" else f"{name}_{part}"] = getattr(cell, part) if cell else None
            table.append(columns | {name: row.words.get(name, "") for name in self._said} | {"seeds": row.seeds})
        frame = pd.DataFrame(table)
        counts = [f"{name}_n" for name in self.figures]
        return frame.astype(dict.fromkeys(counts, "Int64"))

    @property
    def _said(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row.words))

    def lines(self) -> pd.DataFrame:
        """The content for reading: for each row a line of mean ± sd, its interval, and what the paper has."""
        lines = []
        interval = f"{self.confidence:.0%} interval"
        for row in self.rows:
            cells = {name: row.cells[name] for name in self.shown if name in row.cells}
            keys = {name: key for name, key in row.keys.items() if name != "metric_name"}
            if "metric_name" in row.keys:
                keys["task"] += f" ({row.keys['metric_name']})"
            blank, last = dict.fromkeys(keys, ""), "model"
            lines.append(keys | {name: _mean(cell, name, row.signed) for name, cell in cells.items()} | row.words)
            lines.append(blank | {last: interval} | {name: _interval(cell, name) for name, cell in cells.items()})
            if any(cell.paper is not None for cell in cells.values()):
                for label, signed in (("paper", row.signed), ("difference", True)):
                    shown = {n: _number(getattr(c, label), n, signed) for n, c in cells.items()}
                    lines.append(blank | {last: label} | shown)
        filled = [name for name in self.shown if any(name in row.cells for row in self.rows)]
        return pd.DataFrame(lines, columns=[*keys, *filled, *self._said]).fillna("")


def digits_of(name: str) -> int:
    """The decimals that a figure is shown with: a benchmark's own, else 4."""
    measure = measure_of(name)
    return DIGITS.get(name, measure.digits if measure else 4)


def _number(value: float | None, name: str, signed: bool = False) -> str:
    if value is None or math.isnan(value):
        return ""
    digits, sign = digits_of(name), "+" if signed else ""
    too_small = 0 < abs(value) < 0.5 * 10**-digits and not signed
    return f"{value:.1e}" if too_small else f"{value:{sign}.{digits}f}"


def _mean(cell: Cell, name: str, signed: bool) -> str:
    spread = _number(cell.sd, name)
    return _number(cell.mean, name, signed) + (f" ± {spread}" if spread else "")


def _interval(cell: Cell, name: str) -> str:
    if cell.low is None or cell.high is None or math.isnan(cell.low):
        return ""
    return f"[{_number(cell.low, name)}, {_number(cell.high, name)}]"


# what would end a cell, begin a tag, code or an entity, make a link, strike through or set in italics; an underscore
# inside a word does nothing
_MARKDOWN = re.compile(r"[\\|`*]|<(?=[a-z/!?])|&(?=#?\w+;)|\](?=[(\[])|~(?=~)|(?<![^\W_])_|_(?![^\W_])", re.I)


def markdown_line(cells: Iterable[str]) -> str:
    """A row of a table in Markdown, from plain texts."""
    return "| " + " | ".join(map(_plain, cells)) + " |"


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(text.splitlines()))


def frame_markdown(frame: pd.DataFrame, note: str, remarks: Iterable[str] = ()) -> str:
    """A table of texts in Markdown, its note below, and each remark as a paragraph of its own."""
    head = [markdown_line(frame.columns), "|---" * len(frame.columns) + "|"]
    table = "\n".join([*head, *(markdown_line(row) for row in frame.itertuples(index=False))])
    return "\n\n".join([table, note, *map(_plain, remarks)]) + "\n"


_LATEX = {
    "\\": r"\textbackslash{}",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"$|$",
    "±": r"$\pm$",
    "−": r"$-$",
    "‖": r"$\Vert$",
    "·": r"$\cdot$",
    "∞": r"$\infty$",
    "β": r"$\beta$",
}


def latex_text(text: str) -> str:
    """Text as LaTeX shows it; a number's minus sign becomes one."""
    escaped = "".join(_LATEX.get(character, character) for character in " ".join(text.splitlines()))
    return f"${escaped[0]}${escaped[1:]}" if escaped[:1] in ("-", "+") and escaped[1:2].isdigit() else escaped


def frame_latex(frame: pd.DataFrame, note: str, keys: int) -> str:
    """A table of texts as bare tabulars to be \\input, without any package; its note as a comment above.

    Where the columns do not fit a page's width, further tabulars below one another repeat the first `keys` columns.
    """
    comment = "\n".join(f"% {line}" for line in note.splitlines())
    blocks = [_tabular(frame[columns]) for columns in _blocks(frame, keys)]
    return "\n".join([comment, "\\begingroup\\footnotesize", "\n\n\\medskip\n\n".join(blocks), "\\par\\endgroup", ""])


def _blocks(frame: pd.DataFrame, keys: int) -> list[list[str]]:
    """The columns of each tabular: the first `keys`, and as many of the others as fit."""
    widths = {column: max(len(column), *frame[column].str.len()) + 3 for column in frame.columns}
    first = list(frame.columns[:keys])
    blocks: list[list[str]] = [list(first)]
    for column in frame.columns[keys:]:
        if len(blocks[-1]) > keys and sum(widths[name] for name in [*blocks[-1], column]) > PAGE_WIDTH:
            blocks.append(list(first))
        blocks[-1].append(column)
    return blocks


def _tabular(frame: pd.DataFrame) -> str:
    numbers = [column for column in frame.columns if frame[column].str.fullmatch(r"[-+\d.e±\s\[\],]*").all()]
    columns = "".join("r" if column in numbers else "l" for column in frame.columns)
    body = [" & ".join(latex_text(cell) for cell in row) for row in frame.itertuples(index=False)]
    # a line that begins with [ or * would be read as an argument of the \\\\ before it
    lines = [f"{{}}{line} \\\\" if line.startswith(("[", "*")) else f"{line} \\\\" for line in body]
    head = " & ".join(latex_text(column) for column in frame.columns)
    top = [f"\\begin{{tabular}}{{{columns}}}", "\\hline", f"{head} \\\\", "\\hline"]
    return "\n".join([*top, *lines, "\\hline", "\\end{tabular}"])
