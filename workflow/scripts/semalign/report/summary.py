"""The top of the page: what the run is, and its key figures in plain words, all taken from the tables."""

from dataclasses import dataclass
from typing import Any

from semalign.report import frontier, labels, paper
from semalign.report.grids import given, number, whole
from semalign.report.request import Request
from semalign.statistics.retained import measure_of
from semalign.tables.published import PAPER
from semalign.tables.spreadsheets import read_csv

Row = dict[Any, Any]


@dataclass(frozen=True)
class Card:
    """A task's key figures: what each is about, and a sentence."""

    title: str
    lines: list[tuple[str, str]]


def judge(request: Request) -> str:
    """Who judged, in words."""
    kinds = {"none": "none", "parser": "the generated world's own parser"}
    return kinds.get(request.judge["kind"], f"{request.judge.get('model')}, a language model")


def cards(request: Request) -> list[Card]:
    """A card a task; empty where the run has no table of the trade-off."""
    if "table3" not in request.tables:
        return []
    rows = paper.frame(request, "table3")
    audited: dict[str, Any] = paper.sidecar(request, "table3").get("audit", {})
    found = []
    for task, part in rows.groupby("task", sort=False):
        by_model: dict[str, Row] = {row["model"]: row for row in part.to_dict("records")}
        lines = _trained(request, str(task), by_model, audited) if "rl" in by_model else []
        lines += _elsewhere(request, by_model)
        title = labels.task(request.tasks[str(task)])
        found.append(Card(title, [(name, text) for name, text in lines if text]))
    return found


def _trained(request: Request, task: str, by_model: dict[str, Row], audited: dict[str, Any]) -> list[tuple[str, str]]:
    """What RL learnt and kept beside strong SFT, each under its heading."""
    of_rl = {run: found for run, found in audited.items() if run.startswith(f"{task}/rl/")}
    no_gain = any(verdict["is_no_gain"] for verdict in of_rl.values())
    lines = [
        ("Audit of RL", _audited(of_rl)),
        ("Learnt", _learnt(by_model, no_gain)),
        ("Meaning, by the encoder that never rewards", _meaning(by_model)),
        (_about(request), _kept(by_model, request.retention[0].main)),
        ("Judge", _judged(by_model["rl"], by_model["strong_sft"], request)),
        ("At equal adequacy", _with_caution(frontier.answer(request, task), no_gain)),
    ]
    return [*lines, *(("Declared beforehand", text) for text in _declared(request, task))]


def _elsewhere(request: Request, by_model: dict[str, Row]) -> list[tuple[str, str]]:
    """What each model that was trained elsewhere learnt and kept, as its difference to the base."""
    found = []
    for name, row in by_model.items():
        if not name.endswith(" - base"):
            continue
        said = []
        for figure in ("metric", request.retention[0].main):
            title, unit = labels.metric(row["metric_name"]), ""
            if figure != "metric":
                called = labels.figure(figure)
                title, unit = called.title, " points" if called.unit == "%" else f" {called.unit}".rstrip()
            between = f" ({_interval(row, figure)})" if _interval(row, figure) else ""
            said.append(f"{title} {_value(row, figure, signed=True)}{unit}{between}; n {whole(row[f'{figure}_n'])}.")
        found.append((name.replace(" - ", " − "), " ".join(said)))
    return found


def _value(row: Row, name: str, signed: bool = False) -> str:
    return number(row[name], labels.figure(name).digits, signed)


def _interval(row: Row, name: str) -> str:
    if not given(row[f"{name}_low"]):
        return ""
    digits = labels.figure(name).digits
    return f"interval {number(row[f'{name}_low'], digits)} to {number(row[f'{name}_high'], digits)}"


def _paper(row: Row, name: str, signed: bool = False) -> str:
    value = row.get(f"{name}_paper")
    return number(value, labels.figure(name).digits, signed) if given(value) else ""


def _audited(verdicts: dict[str, Any]) -> str:
    """The audit's verdict on each seed of RL, and why."""
    said = []
    for run, found in verdicts.items():
        seed = f"seed {run.rpartition('/')[2]}: " if len(verdicts) > 1 else ""
        said.append(f"{seed}{': '.join([found['level'], '; '.join(found['reasons'])]).removesuffix(': ')}.")
    return " ".join(said)


NO_GAIN = "By the audit, RL is no gain over its cold start here, whatever the scores say."


def _with_caution(text: str, no_gain: bool) -> str:
    return f"{text} {NO_GAIN}" if text and no_gain else text


def _learnt(rows: dict[str, Row], no_gain: bool) -> str:
    metric = labels.metric(rows["rl"]["metric_name"])
    cold, strong, rl = rows["cold_sft"], rows["strong_sft"], rows["rl"]
    change = number(rl["metric"] - cold["metric"], 4, signed=True)
    said = (
        f"{metric} {_value(cold, 'metric')} after the cold start, {_value(rl, 'metric')} after RL ({change}), "
        f"{_value(strong, 'metric')} after strong SFT; n {whole(rl['metric_n'])}."
    )
    published = [_paper(rl, "metric"), _paper(strong, "metric")]
    said = _with_caution(said, no_gain)
    return f"{said} The paper: RL {published[0]}, strong SFT {published[1]}." if all(published) else said


def _meaning(rows: dict[str, Row]) -> str:
    name = "similarity_independent"
    gap = rows["gap"]
    between = [_value(rows[model], name) for model in ("cold_sft", "rl", "strong_sft")]
    inner = ", ".join(part for part in (_value(gap, name, signed=True), _interval(gap, name)) if part)
    return (
        f"Similarity {between[0]} after the cold start, {between[1]} after RL, {between[2]} after strong SFT. "
        f"RL − strong SFT: {inner}."
    )


def _about(request: Request) -> str:
    measure = measure_of(request.retention[0].main)
    return measure.about.capitalize() if measure else "Retention"


def _kept(rows: dict[str, Row], name: str) -> str:
    called = labels.figure(name)
    points, unit = ("points", " %") if called.unit == "%" else (called.unit, "")
    base, strong, rl = (_value(rows[model], name) for model in ("base", "strong_sft", "rl"))
    gap = rows["gap"]
    parts = [f"{_value(gap, name, signed=True)} {points}", _interval(gap, name)]
    published = _paper(gap, name, signed=True)
    parts += [f"the paper {published}"] if published else []
    return (
        f"{called.title} {base}{unit} for the base, {strong}{unit} after strong SFT, {rl}{unit} after RL; "
        f"n {whole(gap[f'{name}_n'])}. "
        f"RL − strong SFT: {', '.join(part for part in parts if part)}."
    )


def _judged(rl: Row, strong: Row, request: Request) -> str:
    if not request.judged or not given(rl["judge_win"]):
        return ""
    said = (
        f"Of {whole(rl['judge_win_n'])} items, {judge(request)} prefers RL in {_value(rl, 'judge_win')} % and strong "
        f"SFT in {_value(strong, 'judge_win')} %; the rest are ties or have no readable verdict."
    )
    published = [_paper(rl, "judge_win"), _paper(strong, "judge_win")]
    return f"{said} The paper: {published[0]} % and {published[1]} %." if all(published) else said


def _declared(request: Request, task: str) -> list[str]:
    if "statistics" not in request.tables:
        return []
    rows = read_csv(request.table("statistics", "csv"))
    said = []
    for row in rows[rows["primary"].astype(bool) & (rows["task"] == task)].to_dict("records"):
        named = labels.figure(row["measure"])
        between = f" (interval {number(row['low'], 2)} to {number(row['high'], 2)})" if given(row["low"]) else ""
        said.append(
            f"{named.title}, {labels.model(row['a'])} − {labels.model(row['b'])}: {number(row['difference'], 2, True)}"
            f"{between}; p {number(row['p_holm'], 4)} after Holm."
        )
    return said


def caution(request: Request) -> str:
    """What the figures cannot be taken for; nothing where none are the paper's."""
    if not any(paper.has_published(paper.frame(request, name)) for name in paper.TITLES if name in request.tables):
        return ""
    return (
        f"Published figures are those of {PAPER}, made with other models, data and scale unless the config is the "
        "paper's own: compare the pattern, not the level."
    )
