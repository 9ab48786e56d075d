"""The paper's tables 1 to 6: their rows from the runs' scores.

Every figure is a mean over seeds; a difference row is taken seed by seed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from semalign.encoder.exam import shortfalls
from semalign.metrics.collapse import worst
from semalign.runtime.files import read_json
from semalign.statistics import judgements, runs
from semalign.statistics.bootstrap import Interval, bootstrap
from semalign.statistics.intervals import interval
from semalign.statistics.judgements import OURS
from semalign.statistics.verdicts import Verdict, by_run, of_rl, of_run, remark
from semalign.tables.paper_notes import note
from semalign.tables.paper_request import OF_THE_PAIR, Definition, Request
from semalign.tables.published import PAPER, published
from semalign.tables.tables import Cell, Row, Table

SPREAD = ("mean", "median", "p10", "p90")


def build(request: Request) -> Table:
    """The table with its note and sidecar: figures by seed, every run's n, signatures, floors and counts."""
    definition = request.definition
    rows: list[Row] = []
    by_seed: dict[str, Any] = {}
    audited: list[Verdict] = []
    for task in request.tasks:
        found = {model: _figures(request, task, model) for model in request.models_of(task)}
        for model, figures in found.items():
            verdicts = _verdicts(request, task, model)
            row = _row(request, task, model, request.runs_of(task, model), figures, None)
            rows.append(replace(row, words={"audit": worst(v.level for v in verdicts)}) if verdicts else row)
            audited += verdicts
            by_seed[f"{task}/{_label(request.table, model)}"] = figures
        for name, model, less in _compared(request, definition, found):
            figures = _differences(found[model], found[less], _apart(request, definition, task, model, less))
            rows.append(_row(request, task, name, request.runs_of(task, model), figures, request.runs_of(task, less)))
            by_seed[f"{task}/{name}"] = figures
    text = note(request, max(row.seeds for row in rows))
    sidecar = {
        "table": request.table,
        "subject": request.subject(),
        "paper": f"{PAPER}, {request.table.replace('table', 'table ')}" if request.published else None,
        "statistics": request.statistics.model_dump(mode="json", exclude={"primary"}),
        "shown": request.shown(),
        "figures_by_seed": by_seed,
        "runs": _details(request),
        "note": text,
    }
    remarks = list(filter(None, dict.fromkeys(map(remark, audited)))) + _without_kl(request) + _failed_exams(request)
    sidecar |= {"audit": by_run(audited)} if audited else {}
    sidecar |= {"remarks": remarks} if audited or remarks else {}
    return Table(request.figures(), request.shown(), rows, request.statistics.confidence, text, sidecar, remarks)


def _compared(request: Request, definition: Definition, found: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """(name, model, less model) of the rows of differences: the table's own, and in the trade-off each model that was
    trained elsewhere less the base, which is its tax."""
    models = list(found)
    if definition.difference and {*definition.difference[1:]} <= set(models):
        yield definition.difference
    if request.table == "table3":
        yield from ((f"{runs.label(model)} - base", model, "base") for model in models if model in request.given)


def _without_kl(request: Request) -> list[str]:
    """Why models that were trained elsewhere have no KL to the base, a line each."""
    given = request.given if request.table == "table6b" else {}
    reasons = {model: runs.likelihood(request.results, model).get("kl_reason") for model in given}
    return [f"{runs.label(model)}: {reason}." for model, reason in reasons.items() if reason]


def _failed_exams(request: Request) -> list[str]:
    """Which encoder fails its exam, a line each, where no gate has asked."""
    found = []
    for name, column in (("reward", "similarity"), ("independent", "similarity_independent")):
        report = request.results / "encoders" / name / "exam.json"
        failed = shortfalls(read_json(report), request.exam) if request.exam else []
        if failed:
            found.append(f"{column} may not follow meaning: its encoder fails its exam ({'; '.join(failed)}).")
    return found


def _verdicts(request: Request, task: str, model: str) -> list[Verdict]:
    """The audit's of a model's runs; RL is compared with the cold start of its seed, and its training read. The base
    has none: it has not learnt to word its answers as the references do, which is no collapse."""
    if request.thresholds is None or model == "base":
        return []
    thresholds, confidence = request.thresholds, request.statistics.confidence
    if model == "rl":
        return [of_rl(request.results, task, seed, thresholds, confidence) for seed in request.seeds]
    seeds = [None] if runs.is_alone(model) else request.seeds
    return [of_run(request.results, task, model, seed, thresholds, confidence) for seed in seeds]


def _label(table: str, model: str) -> str:
    return "noise_floor" if (table, model) == ("table6b", "base") else runs.label(model)


def _figures(request: Request, task: str, model: str) -> dict[str, runs.Figures]:
    """A model's figures by seed; what is one run, as the base, has one set under an empty name."""
    of_likelihood = {"table6a": "nll", "table6b": "kl"}.get(request.table)

    def read(run: str) -> runs.Figures:
        return _likelihood(request.results, run, of_likelihood) if of_likelihood else _scores(request, task, run)

    return {"" if runs.is_alone(run) else run.rpartition("/")[2]: read(run) for run in request.runs_of(task, model)}


def _scores(request: Request, task: str, run: str) -> runs.Figures:
    shown = request.definition.figures
    retention = [benchmark for benchmark in request.retention if benchmark.main in shown]
    figures = runs.figures(request.results, run, task, retention)
    figures |= _judged(request, task, run)
    return {name: figures.get(name) for name in request.figures()}


def _judged(request: Request, task: str, run: str) -> runs.Figures:
    """What the judge says of a run, in percent of the items; nothing of a model that it did not see. A model that is
    one run was compared with each seed's of another."""
    model, seeds = run, request.seeds
    if not runs.is_alone(run):
        _, model, seed = run.split("/")
        seeds = [int(seed)]
    pair = request.judged_pair(task, model)
    return {**pair.figures(request.results, task, model, seeds)} if pair else dict.fromkeys(judgements.FIGURES)


def _interval(request: Request, task: str, figure: str, of: list[str], less: list[str] | None) -> Interval | None:
    pair = request.judged_pair(task, of[0]) if figure in judgements.FIGURES and less is None else None
    if pair is None or pair == OURS:
        return interval(request.results, task, figure, of, less, request.statistics, request.retention)
    found = pair.estimator(request.results, task, figure, of[0], request.seeds)
    return bootstrap(found, request.statistics) if found else None


def _likelihood(results: Path, run: str, kind: str) -> runs.Figures:
    content = runs.likelihood(results, run)
    spread = content["noise_floor"] if kind == "kl" and run == "base" else content[kind]
    return {f"{kind}_{name}": value for name, value in (spread or dict.fromkeys(SPREAD)).items()}


def _apart(request: Request, definition: Definition, task: str, model: str, less: str) -> list[str]:
    """The figures by which two models cannot be compared: those of the judge's pair, which are no one model's, and
    those per token of models with other tokenizers."""
    shown = [benchmark for benchmark in request.retention if benchmark.main in definition.figures]
    of, other = (request.runs_of(task, name)[0] for name in (model, less))
    return [*OF_THE_PAIR, *runs.apart(request.results, of, other, shown)]


def _differences(
    of: dict[str, runs.Figures], less: dict[str, runs.Figures], apart: list[str]
) -> dict[str, runs.Figures]:
    def minus(name: str, a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None or name in apart else a - b

    return {seed: {name: minus(name, of[seed][name], less[seed][name]) for name in of[seed]} for seed in of}


def _row(
    request: Request, task: str, model: str, of: list[str], figures: dict[str, runs.Figures], less: list[str] | None
) -> Row:
    label = _label(request.table, model)
    keys = {"task": task, "model": label}
    if not request.table.startswith("table6"):
        keys["metric_name"] = runs.metric_name(request.results, of[0], task)
    if request.table == "table5":
        by_weight = sorted(request.rewards[model].items(), key=lambda item: (-item[1], item[0]))
        keys["rewards"] = " + ".join(f"{weight:g} {name}" for name, weight in by_weight)
    paper = published(
        request.table, request.published.get(task), label, keys.get("metric_name"), request.rewards.get(model)
    )
    cells = {}
    for name in figures[next(iter(figures))]:
        values = [by_name[name] for by_name in figures.values()]
        known = [value for value in values if value is not None]
        if len(known) < len(values):
            continue
        source = name.replace("kl_", "noise_") if label == "noise_floor" else name
        cell = Cell.of(known, _interval(request, task, source, of, less))
        n = _n(request, task, name, of[0]) if cell.n is None else cell.n
        cells[name] = replace(cell, n=n, paper=paper.get(name))
    return Row(keys, cells, len(figures), signed=less is not None)


def _n(request: Request, task: str, name: str, run: str) -> int:
    """Items behind a figure that has no value by item."""
    for benchmark in request.retention:
        if name in benchmark.columns | benchmark.aside:
            return int(runs.kept(request.results, run, benchmark)["n"])
    return int(runs.details(request.results, run)["text"][task]["n"])


def _details(request: Request) -> dict[str, Any]:
    names = [run for task in request.tasks for model in request.models_of(task) for run in request.runs_of(task, model)]
    if request.table.startswith("table6"):
        return {run: runs.likelihood(request.results, run) for run in dict.fromkeys(names)}
    kept = [benchmark for benchmark in request.retention if benchmark.main in request.definition.figures]
    return {run: runs.details(request.results, run, kept) for run in dict.fromkeys(names)}
