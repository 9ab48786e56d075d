"""The paper's tables: ours and, where the paper has the cell, its figure beside it."""

from typing import Any

import pandas as pd

from semalign.report import labels
from semalign.report.grids import Cell, Column, Grid, Group, between, figure, given, number, whole
from semalign.report.request import Request
from semalign.runtime.files import read_json
from semalign.tables.published import PAPER
from semalign.tables.spreadsheets import read_csv

DIFFERENCES = {"gap", "change"}
TITLES = {
    "table1": "Table 1: from one language to another, cold start and RL",
    "table2": "Table 2: within one language, cold start and RL",
    "table3": "Table 3: the trade-off",
    "table4": "Table 4: few-shot transfer between tasks",
    "table5": "Table 5: RL with other rewards",
    "table6a": "Table 6a: token NLL out of the domain",
    "table6b": "Table 6b: token KL to the base out of the domain",
}
KEY = "Below each mean: the interval in brackets."
PUBLISHED_KEY = (
    "Below each mean: the interval in brackets; where the paper has the cell, its figure, and Δ, ours less the paper's."
)
BOUNDS = 3  # decimals of an interval's ends
NAMES = {"model", "task", "metric_name", "rewards", "audit"}


def frame(request: Request, name: str) -> pd.DataFrame:
    """A table's CSV; names stay texts."""
    return read_csv(request.table(name, "csv"), dtype=dict.fromkeys(NAMES, str))


def sidecar(request: Request, name: str) -> dict[str, Any]:
    return read_json(request.table(name, "json"))


def tables(request: Request) -> dict[str, Grid]:
    """Those of the run, by name."""
    return {name: table(request, name) for name in TITLES if name in request.tables}


def table(request: Request, name: str) -> Grid:
    """One of the paper's tables; columns of which no row has a figure are left out, and those that say most stand
    first, for small screens."""
    rows = frame(request, name)
    shown = [column for column in sidecar(request, name)["shown"] if rows[column].notna().any()]
    first = ["metric", "similarity_independent", *(of.main for of in request.retention[:1]), "judge_win"]
    figures = [*(column for column in first if column in shown), *(column for column in shown if column not in first)]
    counted = {column: _same_n(rows, column) for column in figures}
    columns = [Column("model", number=False)]
    columns += [Column("rewards", number=False)] if "rewards" in rows else []
    columns += [Column("audit", number=False)] if "audit" in rows else []  # first: it must be seen at any width
    for column in figures:
        named, n = labels.figure(column), counted[column]
        columns.append(Column(named.title, ", ".join(part for part in (named.unit, f"n {n}" if n else "") if part)))
    key = PUBLISHED_KEY if has_published(rows) else KEY
    groups = []
    for task, part in rows.groupby("task", sort=False):
        lines = [_line(row, figures, counted) for row in part.to_dict("records")]
        groups.append(Group(lines, labels.task(request.tasks[str(task)])))
    content = sidecar(request, name)
    notes = "\n\n".join([content["note"], *content.get("remarks", [])])
    return Grid(name, TITLES[name], columns, groups, key, notes)


def has_published(rows: pd.DataFrame) -> bool:
    """Whether the paper's figures stand beside ours."""
    return any(str(column).endswith("_paper") for column in rows.columns)


def caution(request: Request) -> str:
    """What the figures cannot be taken for; empty where none of the paper's stand beside them."""
    if not any(has_published(frame(request, name)) for name in TITLES if name in request.tables):
        return ""
    return (
        f"Published figures are those of {PAPER}, made with other models, data and scale unless the config is the "
        "paper's own: compare the pattern, not the level."
    )


def _same_n(rows: pd.DataFrame, column: str) -> str:
    """The number of items behind a figure, where it is the same in every row."""
    counts = rows[f"{column}_n"].dropna().unique()
    return whole(counts[0]) if len(counts) == 1 else ""


def _line(row: dict[Any, Any], figures: list[str], counted: dict[str, str]) -> list[Cell]:
    runs = "" if row["model"] == "base" or row["seeds"] == 1 else f"{row['seeds']} seeds"
    line = [Cell(labels.model(row["model"]), details=(runs,) if runs else ())]
    line += [Cell(row["rewards"])] if "rewards" in row else []
    line += [Cell(row["audit"] if given(row["audit"]) else "")] if "audit" in row else []
    return line + [_cell(row, name, not counted[name]) for name in figures]


def _cell(row: dict[Any, Any], name: str, with_n: bool) -> Cell:
    digits, signed = labels.figure(name).digits, row["model"] in DIFFERENCES
    details = [between(row[f"{name}_low"], row[f"{name}_high"], min(digits, BOUNDS))]
    paper = row.get(f"{name}_paper")
    if given(paper):
        details.append(f"paper {number(paper, digits, signed)}")
        details.append(f"Δ {number(row[f'{name}_difference'], digits, signed=True)}")
    if with_n and given(row[f"{name}_n"]):
        details.append(f"n {whole(row[f'{name}_n'])}")
    return figure(row[name], digits, sd=row[f"{name}_sd"], details=tuple(details), signed=signed, tiny=True)
