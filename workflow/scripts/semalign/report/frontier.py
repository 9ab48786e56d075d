"""The frontier on the page: what it says, what each method costs at equal adequacy, its points, and device-seconds."""

from typing import Any

import pandas as pd

from semalign.frontier import curves
from semalign.frontier.taxes import AGAINST
from semalign.report import labels
from semalign.report.grids import Cell, Column, Grid, Group, between, figure, number
from semalign.report.paper import sidecar
from semalign.report.request import Request
from semalign.report.tests_and_audit import columns, means, named
from semalign.statistics.runs import label
from semalign.tables.spreadsheets import read_csv

SECONDS = {
    "device_seconds": Column("in all", "device-seconds"),
    "training_seconds": Column("own training", "device-seconds"),
    "before_seconds": Column("before it", "device-seconds"),
    "answering_seconds": Column("answering the tests", "device-seconds"),
}
KEY = (
    "Area: the mean tax over the adequacies (independent encoder) from the cold start's to that which RL ends with; at "
    "RL's end: the tax there. Below a figure stand its interval, and the verdict on a difference."
)
Row = dict[Any, Any]


def verdict(request: Request) -> list[str]:
    """What the frontier says, a sentence a task, and how many comparisons stand behind it."""
    content = sidecar(request, "frontier")
    said = [
        f"{labels.title(request.tasks[answer['task']])}, at equal adequacy: {answer['sentence']}"
        for answer in content["answers"]
    ]
    return [*said, content["multiplicity"], *content.get("remarks", [])]


def at_equal_adequacy(request: Request) -> Grid:
    """Each method's cost by the declared measure, the smallest area first, and what it takes in device-seconds."""
    rows = read_csv(request.results / "frontier_taxes.csv", dtype={"against": str, "verdict": str})
    rows = rows[rows["primary"].astype(bool)].fillna({"against": ""})
    seconds = _seconds_to_rl(request)
    against = [name for name in ("", *AGAINST) if name in set(rows["against"])]
    groups = []
    for (task, cost), part in rows.groupby(["task", "cost"], sort=False):
        by_method = {
            str(method): {(row["measure"], row["against"]): row for row in own.to_dict("records")}
            for method, own in part.groupby("method", sort=False)
        }
        ordered = sorted(by_method, key=lambda method: _rank(by_method[method]["area", ""]))
        lines = [_line(method, by_method[method], against, seconds.get((str(task), method))) for method in ordered]
        groups.append(Group(lines, f"{labels.title(request.tasks[str(task)])}: {_cost(str(cost))}"))
    areas = [f"area − {labels.method(name)}" if name else "area" for name in against]
    ends = [f"− {labels.method(name)} there" if name else "at RL's end" for name in against]
    taken = [Column("to RL's end", "device-seconds")] if seconds else []
    numbers = [*map(Column, [*areas, *ends, "seeds"]), *taken]
    title = "What each method costs at equal adequacy"
    return Grid("taxes", title, [Column("method", number=False), *numbers], groups, KEY, notes=_rule(request))


def _cost(column: str) -> str:
    if column == curves.KL:
        return "KL to the base, nats per token"
    unit, _, name = curves.cost_of(column).partition(" of ")
    return f"{name} lost, {unit}"


def _rank(area: Row) -> tuple[bool, float]:
    """As in the frontier's own table: methods that do not get there in all seeds last, by how far they go."""
    if area["seeds_reached"] == area["seeds"]:
        return False, area["mean"]
    return True, 0.0 if pd.isna(area["reach"]) else -area["reach"]


def _line(method: str, rows: dict[tuple[str, str], Row], against: list[str], seconds: Row | None) -> list[Cell]:
    cells = [_tax(rows.get((measure, name))) for measure in ("area", "end") for name in against]
    area = rows["area", ""]
    reached = Cell(f"{area['seeds_reached']} of {area['seeds']}", float(area["seeds_reached"]))
    taken = [] if seconds is None else [figure(seconds["mean"], 1, sd=seconds["sd"])]
    return [Cell(labels.method(method)), *cells, reached, *taken]


def _tax(row: Row | None) -> Cell:
    if row is None:
        return Cell("")
    verdict = row["verdict"] if isinstance(row["verdict"], str) else ""
    if pd.isna(row["mean"]) and verdict:
        return Cell(verdict)
    unbounded: str = "" if pd.isna(row["low"]) else f"[{number(row['low'], 3)}, ∞]"
    interval = between(row["low"], row["high"], 3) or unbounded
    return figure(row["mean"], 3, sd=row["sd"], details=(interval, verdict), signed=bool(row["against"]))


def _seconds_to_rl(request: Request) -> dict[tuple[str, str], Row]:
    if "costs" not in request.tables:
        return {}
    return {(row["task"], row["method"]): row for row in sidecar(request, "costs")["equal_adequacy"]}


def _rule(request: Request) -> str:
    """The declared rule: the note's last paragraph."""
    return sidecar(request, "frontier")["note"].split("\n\n")[-1]


def points(request: Request) -> Grid:
    """The frontier's points: what each method reaches and costs along its strength."""
    rows = read_csv(request.table("frontier", "csv"), dtype={"task": str, "method": str, "model": str})
    content = sidecar(request, "frontier")
    names = named(curves.figures_of(rows.columns), rows)
    alone, groups = {"base", *map(label, request.given)}, []
    for (task, method), part in rows.groupby(["task", "method"], sort=False):
        lines = [
            [
                Cell(labels.model(str(model))),
                _strength(runs["strength"].iloc[0]),
                *means(runs, names, alone=model in alone),
            ]
            for (_, model), runs in part.groupby(["place", "model"], sort=False)
        ]
        unit = content["units"][method]
        groups.append(
            Group(lines, f"{labels.title(request.tasks[str(task)])}: {labels.method(str(method))}, strength in {unit}")
        )
    title = "What each method reaches and costs along its strength"
    heads = [Column("model", number=False), Column("strength"), *columns(names)]
    return Grid("frontier", title, heads, groups, notes=content["strengths"])


def _strength(value: float) -> Cell:
    return Cell("–") if pd.isna(value) else Cell(f"{value:,g}", float(value))


def seconds(request: Request) -> Grid:
    """What each of these points cost."""
    rows = read_csv(request.table("costs", "csv"), dtype={"task": str, "method": str, "model": str})
    groups = []
    for (task, method), part in rows.groupby(["task", "method"], sort=False):
        lines = [
            [Cell(labels.model(str(model))), *_means_of_seconds(runs, alone=model == "base")]
            for (_, model), runs in part.groupby(["place", "model"], sort=False)
        ]
        groups.append(Group(lines, f"{labels.title(request.tasks[str(task)])}: {labels.method(str(method))}"))
    title = "What each point of the frontier cost in device-seconds"
    heads = [Column("model", number=False), *SECONDS.values()]
    return Grid("device-seconds", title, heads, groups, notes=sidecar(request, "costs")["note"])


def _means_of_seconds(rows: pd.DataFrame, alone: bool) -> list[Cell]:
    return [figure(rows[name].mean(), 1, sd=None if alone else rows[name].std(ddof=1)) for name in SECONDS]
