"""The frontier, the tests and the reward audit as tables."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import pandas as pd

from semalign import audit_table, frontier
from semalign.report import labels
from semalign.report.grids import Cell, Column, Grid, Group, between, figure, number, whole
from semalign.report.paper import sidecar
from semalign.report.request import Request

METHODS = {"sft": "SFT", "rl": "RL"}
COSTS = {"cmrc_avg": "CMRC AVG lost, points", "kl_mean": "KL to the base, nats a token"}
STRENGTHS = {"sft": "pairs", "rl": "steps"}


def _named(names: Iterable[str], rows: pd.DataFrame) -> list[str]:
    return [name for name in names if rows[name].notna().any()]


def _columns(names: list[str]) -> list[Column]:
    return [Column(labels.FIGURES[name].title, labels.FIGURES[name].unit) for name in names]


def _means(rows: pd.DataFrame, names: list[str], alone: bool = False) -> list[Cell]:
    """Mean and standard deviation over the rows, which are seeds; `alone`: all are the same run."""
    cells = []
    for name in names:
        values = rows[name].astype(float)
        sd = None if alone else values.std(ddof=1)
        cells.append(figure(values.mean(), labels.FIGURES[name].digits, sd=sd))
    return cells


def points(request: Request) -> Grid:
    """The frontier's points: what each method reaches and costs along its strength."""
    rows = pd.read_csv(request.table("frontier", "csv"), dtype={"task": str, "method": str, "model": str})
    names = _named(frontier.FIGURES, rows)
    groups = []
    for (task, method), part in rows.groupby(["task", "method"], sort=False):
        lines = [
            [
                Cell(labels.model(str(model))),
                Cell(f"{whole(strength)} {STRENGTHS[str(method)]}", float(str(strength))),
                *_means(runs, names, alone=model == "base"),
            ]
            for (strength, model), runs in part.groupby(["strength", "model"], sort=False)
        ]
        groups.append(Group(lines, f"{labels.task(str(task))}: {METHODS[str(method)]}"))
    columns = [Column("model", number=False), Column("strength"), *_columns(names)]
    rule, *_ = sidecar(request, "frontier")["note"].split("\n\n")
    title = "What each method reaches and costs along its strength"
    return Grid("frontier", title, columns, groups, notes=rule)


@dataclass(frozen=True)
class Tax:
    """What SFT and RL cost where SFT first reaches what RL ends with in one measure of adequacy.

    sft, rl: by seed, of those seeds whose SFT gets there. mean, sd: of SFT's cost less RL's.
    """

    task: str
    adequacy: str
    cost: str
    target: list[float]
    sft: list[float]
    rl: list[float]
    mean: float | None
    sd: float | None
    verdict: str

    @property
    def reached(self) -> str:
        return f"{len(self.sft)} of {len(self.target)}"


def taxes(request: Request) -> list[Tax]:
    """The frontier's comparisons, as its sidecar has them."""
    return [_tax(record) for record in sidecar(request, "frontier")["matched"]]


def _tax(record: dict[str, Any]) -> Tax:
    both = [(sft, rl) for sft, rl in zip(record["tax_sft"], record["tax_rl"], strict=True) if sft is not None]
    names = ("task", "adequacy", "cost", "target", "verdict")
    return Tax(
        **{name: record[name] for name in names},
        sft=[sft for sft, _ in both],
        rl=[rl for _, rl in both],
        mean=record["difference_mean"],
        sd=record["difference_sd"],
    )


def of_seeds(values: list[float]) -> Cell:
    """Mean ± standard deviation over seeds."""
    if not values:
        return figure(None, 3)
    return figure(fmean(values), 3, sd=stdev(values) if len(values) > 1 else None)


def at_equal_adequacy(request: Request) -> Grid:
    """Both methods' costs where SFT is as adequate as RL in the end."""
    found = taxes(request)
    groups = [
        Group([_tax_line(tax) for tax in found if tax.task == task], labels.task(task))
        for task in dict.fromkeys(tax.task for tax in found)
    ]
    texts = [Column(title, number=False) for title in ("equal in", "cost")]
    numbers = [Column(title) for title in ("RL ends at", "SFT costs", "RL costs", "SFT − RL", "seeds")]
    key = (
        "What the base has lost: RL at its end, SFT where it first reaches RL's adequacy, interpolated along its "
        "strength. A difference is called one only if all seeds reach it with one sign and their mean lies beyond two "
        "standard deviations."
    )
    title = "What each method costs at the adequacy that RL ends with"
    return Grid("taxes", title, [*texts, *numbers, Column("verdict", number=False)], groups, key)


def _tax_line(tax: Tax) -> list[Cell]:
    named = labels.FIGURES[tax.adequacy]
    return [
        Cell(f"{named.title} ({named.unit})"),
        Cell(COSTS[tax.cost]),
        figure(fmean(tax.target), 3),
        of_seeds(tax.sft),
        of_seeds(tax.rl),
        figure(tax.mean, 3, sd=tax.sd, signed=True),
        Cell(tax.reached, float(len(tax.sft))),
        Cell(tax.verdict),
    ]


def tests(request: Request) -> tuple[Grid | None, Grid]:
    """The tests declared beforehand (None where the config declares none), and all others."""
    rows = pd.read_csv(request.table("statistics", "csv"), dtype={"seed": str})
    note = sidecar(request, "statistics")["note"]
    declared, others = rows[rows["primary"].astype(bool)], rows[~rows["primary"].astype(bool)]
    title = "Tests declared before the results were seen, with Holm's p"
    first = _tests("declared", title, declared, note, holm=True) if len(declared) else None
    more = _tests("exploratory", f"{len(others)} further tests, exploratory and unadjusted", others, "")
    return first, more


def _tests(name: str, caption: str, rows: pd.DataFrame, notes: str, holm: bool = False) -> Grid:
    groups = []
    for task, part in rows.groupby("task", sort=False):
        lines = []
        for row in part.to_dict("records"):
            measured = labels.FIGURES.get(str(row["measure"]))
            digits = min(measured.digits, 3) if measured else 3
            what = (
                " ".join([measured.title, f"({measured.unit})" if measured.unit else ""])
                if measured
                else row["measure"]
            )
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
        groups.append(Group(lines, labels.task(str(task))))
    texts = [Column(title, number=False) for title in ("comparison", "figure", "seed", "test")]
    numbers = ["difference", "effect", "p", *(["p (Holm)"] if holm else []), "n"]
    return Grid(name, caption, [*texts, *map(Column, numbers)], groups, notes=notes)


def _p(value: Any) -> str:
    return "" if pd.isna(value) else number(value, 4) if value >= 0.0001 else f"{value:.1e}".replace("-", "−")


def audit(request: Request) -> Grid:
    """Signs of a gamed reward: rollouts at first and at last, and answers to the test set."""
    rows = pd.read_csv(request.table("audit", "csv"), dtype={"task": str, "model": str, "part": str})
    names = _named(audit_table.FIGURES, rows)
    groups = []
    for task, part in rows.groupby("task", sort=False):
        lines = [
            [Cell(labels.model(str(model))), Cell(str(what)), *_means(runs, names)]
            for (model, what), runs in part.groupby(["model", "part"], sort=False)
        ]
        groups.append(Group(lines, labels.task(str(task))))
    columns = [Column("model", number=False), Column("of", number=False), *_columns(names)]
    note = sidecar(request, "audit")["note"]
    return Grid("audit", "Reward audit: signs that a reward is gamed", columns, groups, notes=note)
