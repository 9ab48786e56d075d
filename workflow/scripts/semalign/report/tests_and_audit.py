"""The tests and the reward audit as tables."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from semalign.metrics.collapse import Level, worst
from semalign.report import labels
from semalign.report.grids import Cell, Column, Grid, Group, between, figure, number, whole
from semalign.report.paper import sidecar
from semalign.report.request import Request
from semalign.tables import audit_table
from semalign.tables.spreadsheets import read_csv


def named(names: Iterable[str], rows: pd.DataFrame) -> list[str]:
    """Those of the columns that hold a figure."""
    return [name for name in names if rows[name].notna().any()]


def columns(names: list[str]) -> list[Column]:
    """A column for each figure, under its title and unit."""
    return [Column(labels.figure(name).title, labels.figure(name).unit) for name in names]


def means(rows: pd.DataFrame, names: list[str], alone: bool = False) -> list[Cell]:
    """Mean and standard deviation over the rows, which are seeds; `alone`: all are the same run."""
    cells = []
    for name in names:
        values = rows[name].astype(float)
        sd = None if alone else values.std(ddof=1)
        cells.append(figure(values.mean(), labels.figure(name).digits, sd=sd))
    return cells


def tests(request: Request) -> tuple[Grid | None, Grid]:
    """The tests declared beforehand (None where the config declares none), and all others."""
    rows = read_csv(request.table("statistics", "csv"), dtype={"seed": str})
    note = sidecar(request, "statistics")["note"]
    declared, others = rows[rows["primary"].astype(bool)], rows[~rows["primary"].astype(bool)]
    title = "Tests declared before the results were seen, with Holm's p"
    first = _tests(request, "declared", title, declared, note, holm=True) if len(declared) else None
    more = _tests(
        request,
        "exploratory",
        f"{len(others)} further tests, exploratory and unadjusted",
        others,
        "" if first else note,
    )
    return first, more


def _tests(request: Request, name: str, caption: str, rows: pd.DataFrame, notes: str, holm: bool = False) -> Grid:
    groups = []
    for task, part in rows.groupby("task", sort=False):
        lines = []
        for row in part.to_dict("records"):
            measured = labels.figure(str(row["measure"]))
            digits = min(measured.digits, 3)
            what = " ".join([measured.title, f"({measured.unit})" if measured.unit else ""])
            lines.append(
                [
                    Cell(f"{labels.model(row['a'])} − {labels.model(row['b'])}"),
                    Cell(str(what)),
                    Cell(str(row["seed"])),
                    Cell(str(row["test"])),
                    figure(row["difference"], digits, signed=True, details=(between(row["low"], row["high"], digits),)),
                    figure(row["effect"], 2, signed=True),
                    Cell(_p(row["p"]), float(row["p"])),
                    *([Cell(_p(row["p_holm"]), float(row["p_holm"]))] if holm else []),
                    Cell(whole(row["n"]), float(row["n"])),
                ]
            )
        groups.append(Group(lines, labels.title(request.tasks[str(task)])))
    texts = [Column(title, number=False) for title in ("comparison", "figure", "seed", "test")]
    numbers = ["difference", "effect", "p", *(["p (Holm)"] if holm else []), "n"]
    return Grid(name, caption, [*texts, *map(Column, numbers)], groups, notes=notes)


def _p(value: Any) -> str:
    return "" if pd.isna(value) else number(value, 4) if value >= 0.0001 else f"{value:.1e}".replace("-", "−")


def _worst(runs: pd.DataFrame) -> str:
    known: list[Level] = list(runs["verdict"].dropna())
    return worst(known) if known else ""


def audit(request: Request) -> list[Grid]:
    """Signs of a collapse in the answers, with the verdict; signs of a gamed reward in rollouts and answers."""
    rows = read_csv(request.table("audit", "csv"), dtype={"task": str, "model": str, "part": str, "verdict": str})
    content = sidecar(request, "audit")
    note = "\n\n".join([content["note"], *content.get("remarks", [])])
    names = named(audit_table.FIGURES, rows)
    collapse, gamed = [name for name in names if name in COLLAPSE], [name for name in names if name not in COLLAPSE]
    answers = rows[rows["part"] == "test"]
    return [
        _audit(request, "audit", "Reward audit: signs of a collapse in the answers", answers, collapse, note),
        _audit(request, "gamed", "Reward audit: signs that a reward is gamed", rows, gamed, ""),
    ]


COLLAPSE = ["length_ratio", "off_script", "empty", *audit_table.COLLAPSE]


def _audit(request: Request, name: str, title: str, rows: pd.DataFrame, names: list[str], note: str) -> Grid:
    judged = name == "audit"
    groups = []
    for task, part in rows.groupby("task", sort=False):
        lines = [
            [Cell(labels.model(str(model))), Cell(_worst(runs) if judged else str(what)), *means(runs, names)]
            for (model, what), runs in part.groupby(["model", "part"], sort=False)
        ]
        groups.append(Group(lines, labels.title(request.tasks[str(task)])))
    second = Column("verdict" if judged else "of", number=False)
    return Grid(name, title, [Column("model", number=False), second, *columns(names)], groups, notes=note)
