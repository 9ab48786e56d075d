"""A search on dev as a table: each trial beside the config's own values, and the overlay that is recommended."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any

import yaml

from semalign.config.search import Trial
from semalign.config.statistics import Statistics
from semalign.metrics.collapse import Level, worst
from semalign.runtime.files import read_json
from semalign.statistics import runs
from semalign.statistics.bootstrap import Interval
from semalign.statistics.intervals import about_seeds, interval
from semalign.statistics.recommendation import Recommendation, Tried, recommend
from semalign.statistics.retained import Retained
from semalign.statistics.verdicts import Thresholds, of_answers
from semalign.tables.tables import Cell, Row, Table

FIGURES = ["similarity_independent", "metric", "similarity", "content", "language_consistency", "truncated"]
SHOWN = ["similarity_independent", "metric", "language_consistency", "truncated"]
IN_A_TAIL = 10
"""Resamples beyond each end of an interval, at the least."""


@dataclass(frozen=True)
class Request:
    """A search: `trials`, the first with the config's own values (`shipped`, of the keys that are varied).

    retention: the primary benchmark where it was measured, else empty. Read below `results`, of each trial and seed:
    <task>/<model>/<seed>/training.json and <task>/<model>/<seed>/dev/scores.
    """

    results: Path
    name: str
    of: str
    task: str
    seeds: list[int]
    steps: int | None
    measure: str
    trials: list[dict[str, Any]]
    shipped: dict[str, Any]
    retention: list[Retained]
    thresholds: Thresholds
    max_zero_variance_share: float
    statistics: Statistics

    @cached_property
    def tried(self) -> list[Trial]:
        return [Trial(self.of, entry["values"], self.steps) for entry in self.trials]

    def runs(self, place: int) -> list[str]:
        return [f"{self.task}/{self.trials[place]['model']}/{seed}/dev" for seed in self.seeds]

    def training(self, place: int) -> list[dict[str, Any]]:
        folders = [(self.results / run).parent for run in self.runs(place)]
        return [read_json(folder / "training.json") for folder in folders]

    @property
    def adjusted(self) -> Statistics:
        """The statistics of a comparison among as many as there are trials (Bonferroni), with resamples enough for
        its ends."""
        share = (1 - self.statistics.confidence) / (len(self.trials) - 1)
        resamples = max(self.statistics.resamples, ceil(2 * IN_A_TAIL / share))
        return self.statistics.model_copy(update={"confidence": 1 - share, "resamples": resamples})

    def interval(self, figure: str, place: int) -> Interval | None:
        """The interval of a trial's figure, by itself."""
        return interval(self.results, self.task, figure, self.runs(place), None, self.statistics, self.retention)

    def difference(self, one: int, other: int) -> Interval | None:
        """The interval of a trial's measure less another's, paired by seed and item."""
        return interval(self.results, self.task, self.measure, self.runs(one), self.runs(other), self.adjusted)


@dataclass(frozen=True)
class Found:
    """What a trial reached: its figures by seed, and the verdict on its answers, of several seeds the worst."""

    figures: dict[str, list[float]]
    level: Level
    reasons: list[str]
    refused: str | None


def build(request: Request) -> tuple[Table, Recommendation]:
    """The table, the best trial first, and the recommendation."""
    found = [_found(request, place) for place in range(len(request.trials))]
    labels = [trial.label for trial in request.tried]
    tried = [Tried(label, one.figures[request.measure], one.refused) for label, one in zip(labels, found, strict=True)]
    advice = recommend(tried[0], tried[1:], request.difference, request.measure)
    order = sorted(range(len(tried)), key=lambda place: (-tried[place].mean, place))
    words = {0: "as configured"} | ({} if advice.chosen is None else {advice.chosen: "recommended"})
    rows = [_row(request, place, found, words.get(place, "")) for place in order]
    remarks = [f"{labels[place]} may not be chosen: {found[place].refused}." for place in order if found[place].refused]
    columns = [benchmark.main for benchmark in request.retention]
    chosen = None if advice.chosen is None else request.trials[advice.chosen]
    sidecar = {
        "search": request.name,
        "of": request.of,
        "task": request.task,
        "measure": request.measure,
        "shown": [SHOWN[0], "difference", *SHOWN[1:], *columns],
        "shipped": request.shipped,
        "recommendation": {
            "trial": chosen and chosen["model"],
            "values": chosen and chosen["values"],
            "alike": [request.trials[place]["model"] for place in advice.alike],
            "text": advice.text,
        },
        "trials": {
            request.trials[place]["model"]: {
                "values": request.trials[place]["values"],
                "figures_by_seed": found[place].figures,
                "level": found[place].level,
                "reasons": found[place].reasons,
                "refused": found[place].refused,
            }
            for place in order
        },
        "runs": {
            run: runs.details(request.results, run, request.retention) for place in order for run in request.runs(place)
        },
    }
    text, figures = f"{advice.text}\n\n{note(request)}", ["difference", *FIGURES, *columns]
    return Table(figures, [*SHOWN, *columns], rows, request.statistics.confidence, text, sidecar, remarks), advice


def _found(request: Request, place: int) -> Found:
    names, training = request.runs(place), request.training(place)
    figures = [runs.figures(request.results, run, request.task, request.retention) for run in names]
    verdicts = [
        of_answers(request.results, run, request.task, request.thresholds, report.get("rollouts", ()))
        for run, report in zip(names, training, strict=True)
    ]
    for figure, (collapse, _, _) in zip(figures, verdicts, strict=True):
        figure["truncated"] = collapse["truncated"]
    columns = [*FIGURES, *(benchmark.main for benchmark in request.retention)]
    values = {name: [value for figure in figures if (value := figure[name]) is not None] for name in columns}
    level = worst(level for _, level, _ in verdicts)
    reasons = list(dict.fromkeys(reason for _, _, own in verdicts for reason in own))
    equal = max((report.get("zero_variance_group_share", 0.0) for report in training), default=0.0)
    refused = f"its answers have collapsed: {'; '.join(reasons)}" if level == "collapsed" else None
    if refused is None and equal > request.max_zero_variance_share:
        refused = (
            f"{equal:.0%} of its groups had equal rewards (rl.max_zero_variance_share "
            f"{request.max_zero_variance_share:.0%})"
        )
    return Found({name: own for name, own in values.items() if len(own) == len(names)}, level, reasons, refused)


def _row(request: Request, place: int, found: Sequence[Found], word: str) -> Row:
    trial, one = request.tried[place], found[place]
    cells = {}
    for name, values in one.figures.items():
        known = None if name == "truncated" else request.interval(name, place)
        cells[name] = Cell.of(values, known)
    if place:
        measured = zip(one.figures[request.measure], found[0].figures[request.measure], strict=True)
        cells["difference"] = Cell.of([own - shipped for own, shipped in measured], request.difference(place, 0))
    keys = {
        "task": request.task,
        "model": trial.label,
        "metric_name": runs.metric_name(request.results, request.runs(place)[0], request.task),
        "trial": request.trials[place]["model"],
    }
    varied = {key: str(value) for key, value in (request.shipped | trial.values).items()}
    words = {"gain": _gain(cells.get("difference")), "audit": one.level, "choice": word}
    return Row(keys | varied, cells, len(request.seeds), words=words)


def _gain(cell: Cell | None) -> str:
    """The difference and its own interval, which is wider than the others of its row."""
    if cell is None:
        return ""
    known = cell.low is not None and cell.high is not None
    return f"{cell.mean:+.4f}" + (f" [{cell.low:.4f}, {cell.high:.4f}]" if known else "")


def note(request: Request) -> str:
    """How to read the table."""
    trials, length = len(request.trials) - 1, "as many as its epochs make"
    if request.steps:
        length = f"{request.steps}; the best of a short training need not be the best of the whole one"
    statistics = request.adjusted
    kept = "The benchmark is shown and decides nothing. " if request.retention else ""
    return (
        f"Search {request.name} on the dev set of {request.task}, never on its test set; τ is measured on dev, too. "
        f"Sorted by {request.measure}. gain is the difference to the config's own values, its interval at "
        f"{statistics.confidence:.2%} since the best of {trials} trials is compared (Bonferroni; "
        f"{statistics.resamples} resamples of dev items, seed {statistics.seed}); the other intervals are at "
        f"{request.statistics.confidence:.0%}. Updates of a trial: {length}. {kept}"
        f"{about_seeds(len(request.seeds))}"
    )


def overlay(request: Request, advice: Recommendation) -> str:
    """The recommended config in YAML, to be laid over the one that was searched; without a change an empty section.

    A change takes the search out: one whose only trial has become the config's own values would be refused.
    """
    found: dict[str, Any] = {request.of: {}}
    if advice.chosen is not None:
        found = {request.of: dict(request.trials[advice.chosen]["values"]), "search": {request.name: None}}
    said = [f"# The search {request.name} on the dev set of {request.task}:", f"# {advice.text}"]
    return "\n".join([*said, yaml.safe_dump(found, allow_unicode=True, sort_keys=True)])
