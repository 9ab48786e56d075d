"""Reward encoders compared: each one's exam beside what RL with it reaches."""

from typing import Any

import pandas as pd

from semalign.report import labels
from semalign.report.grids import Cell, Column, Grid, Group, between, figure
from semalign.report.paper import sidecar
from semalign.report.request import Request
from semalign.tables import encoder_table
from semalign.tables.spreadsheets import read_csv

BOUNDS = 3  # decimals of an interval's ends
NAMES = ("task", "encoder", "made", "exam", "model", "metric_name")
KEY = (
    "Each encoder rewards an RL of its own, from the same cold start; its exam is no gate here but for reward's. Below "
    "each: that RL less RL with the encoder reward, seed by seed. In brackets: the interval over test items."
)


def grids(request: Request) -> list[Grid]:
    """What RL with each reaches, and each one's exam; columns of which no row has a figure are left out."""
    rows = read_csv(request.table("encoders", "csv"), dtype=dict.fromkeys(NAMES, str))
    rows = rows.fillna(dict.fromkeys(NAMES, ""))  # a difference is of no encoder
    figures = [name for name in encoder_table.shown_of(request.retention) if rows[name].notna().any()]
    reached, exam = ([name for name in figures if (name in encoder_table.EXAM) is of_exam] for of_exam in (False, True))
    note = sidecar(request, "encoders")["note"]
    examined = rows[rows["model"] != "difference"]
    return [
        _grid(request, "encoders", "RL with other reward encoders", rows, reached, KEY, note),
        _grid(request, "encoders-exam", "The exams of these encoders", examined, exam, "", ""),
    ]


def _grid(request: Request, name: str, title: str, rows: pd.DataFrame, figures: list[str], key: str, note: str) -> Grid:
    named = [labels.figure(name) for name in figures]
    columns = [Column("encoder", number=False), Column("exam", number=False)]
    columns += [Column(one.title, one.unit) for one in named]
    groups = [
        Group([_line(row, figures) for row in part.to_dict("records")], labels.title(request.tasks[str(task)]))
        for task, part in rows.groupby("task", sort=False)
    ]
    return Grid(name, title, columns, groups, key, note)


def _line(row: dict[Any, Any], figures: list[str]) -> list[Cell]:
    differs = row["model"] == "difference"
    made = (row["made"],) if row["made"] else ()
    name = Cell(f"{row['encoder']}: less reward" if differs else row["encoder"], details=made)
    return [name, Cell(row["exam"]), *(_figure(row, of, differs) for of in figures)]


def _figure(row: dict[Any, Any], name: str, signed: bool) -> Cell:
    digits = labels.figure(name).digits
    details = (between(row[f"{name}_low"], row[f"{name}_high"], min(digits, BOUNDS)),)
    return figure(row[name], digits, sd=row[f"{name}_sd"], details=details, signed=signed)
