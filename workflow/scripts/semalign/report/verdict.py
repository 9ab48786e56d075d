"""What the run says of each task, in one sentence and never more than its statistics allow, and its checks."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from semalign.config.models import ExamThresholds
from semalign.encoder.exam import shortfalls
from semalign.frontier.curves import PRIMARY, cost_of
from semalign.metrics.collapse import Level, level_of, worst
from semalign.report import exam, labels, paper
from semalign.report.grids import given, number
from semalign.report.request import Request
from semalign.runtime.files import read_jsonl
from semalign.statistics import runs
from semalign.statistics.differences import is_shown
from semalign.tables.spreadsheets import read_csv

Row = dict[Any, Any]
Found = tuple[Level | Literal[""], str]
"""A check's level, empty where it was not made, and its figure in words."""
Outcome = Literal["more", "less", "inconclusive"]
LESS_BASE, GIVEN = " - base", runs.GIVEN
STRONG, RL = labels.model("strong_sft"), labels.model("rl")
CHECKS = {
    "exam": ("encoder exam", "encoder-exam"),
    "audit": ("audit", "reward-audit"),
    "spread": ("spread of rewards", "reward-audit"),
    "truncated": ("truncation", "reward-audit"),
    "off_script": ("off script", "training"),
}
"""{check: (what it is called, the part of the page that has its evidence)}"""


@dataclass(frozen=True)
class Check:
    """One of a model's checks: its level (empty where it was not made) and its figure in words."""

    name: str
    anchor: str
    level: Level | Literal[""]
    text: str


@dataclass(frozen=True)
class Verdict:
    """A task's: one sentence, what stands behind each part of it, and the checks of RL and of strong SFT."""

    title: str
    sentence: str
    evidence: list[tuple[str, str]]
    checks: list[tuple[str, list[Check]]]


def verdicts(request: Request) -> list[Verdict]:
    """One a task of the trade-off's table; none where the run has no such table, or measures the base alone."""
    if "table3" not in request.tables:
        return []
    rows, sidecar = paper.frame(request, "table3"), paper.sidecar(request, "table3")
    found = []
    for task, part in rows.groupby("task", sort=False):
        by_model: dict[str, Row] = {row["model"]: row for row in part.to_dict("records")}
        others = {name.removesuffix(LESS_BASE): row for name, row in by_model.items() if name.endswith(LESS_BASE)}
        if "gap" in by_model:
            found.append(_of_task(request, str(task), by_model, others, sidecar))
        elif others:
            found.append(_of_others(request, str(task), others, sidecar))
    return found


def _of_task(
    request: Request, task: str, by_model: dict[str, Row], others: dict[str, Row], sidecar: dict[str, Any]
) -> Verdict:
    audited = _audited(task, sidecar)
    seeds = int(by_model["gap"]["seeds"])
    primary = request.retention[0]
    by_seed = sidecar["figures_by_seed"][f"{task}/gap"]
    void = _void(task, audited)
    learnt, behind_learnt = _compared(by_model["gap"], by_seed, PRIMARY, 1)
    kept, behind_kept = _compared(by_model["gap"], by_seed, primary.main, -primary.loss)
    equal, behind_equal = _at_equal_adequacy(request, task)
    collapsed = _collapsed(task, audited)
    learns = f"no verdict on learning, since {void}" if void else _in_words(learnt, "learns more", "learning")
    retains = _in_words(kept, "retains more", "retention")
    parts = [learns, retains, f"at equal adequacy {equal}", collapsed, f"{seeds} seed{'s' if seeds > 1 else ''}"]
    evidence = [
        ("Learning", f"{labels.figure(PRIMARY).title} by the encoder that never rewards, {behind_learnt}"),
        ("Retention", f"{labels.figure(primary.main).title}, {behind_kept}"),
        ("At equal adequacy", behind_equal + (f" {NO_GAIN}" if void and behind_equal else "")),
    ]
    ours = (f"{task}/rl/", f"{task}/strong_sft/")
    evidence += _reasons({run: found for run, found in audited.items() if run.startswith(ours)})
    evidence += _beside_the_base(request, others)
    if seeds == 1:
        evidence.append(("Seeds", "With one seed nothing is called a difference of methods: another seed may turn it."))
    checks = [(labels.model(model), _checks(request, task, model, audited)) for model in ("rl", "strong_sft")]
    title = labels.title(request.tasks[task])
    return Verdict(title, _sentence(parts), [(name, text) for name, text in evidence if text], checks)


def _of_others(request: Request, task: str, others: dict[str, Row], sidecar: dict[str, Any]) -> Verdict:
    """The verdict on models that were trained elsewhere, each less the base. By the test items alone: of how another
    training of them would have ended nothing is known."""
    audited = _audited(task, sidecar)
    primary = request.retention[0]
    parts, checks = [], []
    for name, row in others.items():
        gains = _by_items(row, PRIMARY, 1, ("nearer to the references than the base", "farther from them", "learning"))
        keeps = _by_items(row, primary.main, -primary.loss, ("keeps more", "keeps less", "retention"))
        parts.append(f"{name}: {gains}, {keeps}")
        checks.append((name, _checks(request, task, f"{GIVEN}{name}", audited)))
    evidence = _beside_the_base(request, others)
    evidence += _reasons({run.removeprefix(f"{task}/{GIVEN}"): found for run, found in audited.items()})
    return Verdict(labels.title(request.tasks[task]), _sentence([*parts, _collapsed(task, audited)]), evidence, checks)


def _reasons(audited: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Why the audit does not find runs ok."""
    bad = {run: found for run, found in audited.items() if found["level"] != "ok"}
    return [(f"Audit of {run}", f"{found['level']}: {'; '.join(found['reasons'])}.") for run, found in bad.items()]


def _sentence(parts: list[str]) -> str:
    said = "; ".join(filter(None, parts))
    return f"{said[0].upper()}{said[1:]}."


def _audited(task: str, sidecar: Mapping[str, Any]) -> dict[str, Any]:
    return {run: found for run, found in sidecar.get("audit", {}).items() if run.startswith(f"{task}/")}


def _by_items(row: Row, name: str, sign: int, words: tuple[str, str, str]) -> str:
    """What the interval over test items says of a model less the base, of which `sign` times more is better."""
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    better, worse, what = words
    if low is None or high is None or not given(low) or float(low) <= 0 <= float(high):
        return f"{what} inconclusive"
    return better if sign * float(row[name]) > 0 else worse


def _beside_the_base(request: Request, others: dict[str, Row]) -> list[tuple[str, str]]:
    """What each model that was trained elsewhere gained and kept, as its difference to the base."""
    found = []
    for name, row in others.items():
        measured = [figure for figure in (PRIMARY, request.retention[0].main) if given(row.get(figure))]
        told = "; ".join(f"{labels.figure(figure).title} {_with_interval(row, figure)}" for figure in measured)
        found.append((f"{name} − base", f"{told or 'not measured'}."))
    return found


def _with_interval(row: Row, name: str) -> str:
    """A difference and, where it has one, its interval."""
    digits, low, high = labels.figure(name).digits, row.get(f"{name}_low"), row.get(f"{name}_high")
    interval = f", interval {number(low, digits)} to {number(high, digits)}" if given(low) else ""
    return f"{number(row[name], digits, signed=True)}{interval}"


NO_GAIN = "By the audit, RL is no gain over its cold start here."


def _void(task: str, audited: Mapping[str, Any]) -> str:
    """Why no learning can be compared: RL that is no gain, or strong SFT whose answers have collapsed."""
    if any(found["is_no_gain"] for run, found in audited.items() if run.startswith(f"{task}/rl/")):
        return "by the audit RL is no gain over its cold start"
    if any(found["level"] == "collapsed" for run, found in audited.items() if run.startswith(f"{task}/strong_sft/")):
        return "by the audit strong SFT has collapsed"
    return ""


def _compared(gap: Row, by_seed: Mapping[str, Mapping[str, Any]], name: str, sign: int) -> tuple[Outcome, str]:
    """RL less strong SFT by a figure of which `sign` times more is better: the outcome by the declared rule, and the
    figures behind it."""
    if not given(gap[name]):
        return "inconclusive", "not measured."
    values = [float(found[name]) for found in by_seed.values()]
    low, high = (float(gap[f"{name}_{end}"]) if given(gap[f"{name}_{end}"]) else None for end in ("low", "high"))
    said = f"{RL} − {STRONG}: {_with_interval(gap, name)}."
    if not is_shown(values, low, high):
        return "inconclusive", said
    return ("more" if sign * gap[name] > 0 else "less"), said


def _in_words(outcome: Outcome, verb: str, what: str) -> str:
    return {"more": f"{RL} {verb}", "less": f"{STRONG} {verb}"}.get(outcome, f"{what} inconclusive")


IN_SHORT = {
    "not reached": "not compared, since SFT does not get there",
    "costs more": "SFT costs more",
    "costs less": "SFT costs less",
}


def _at_equal_adequacy(request: Request, task: str) -> tuple[str, str]:
    """What SFT costs beside RL where both are as adequate, in short and in full."""
    if "frontier" not in request.tables:
        return "not compared", ""
    rows = read_csv(request.results / "frontier_taxes.csv", dtype={"against": str, "verdict": str})
    rows = rows[rows["primary"].astype(bool) & (rows["task"] == task) & (rows["measure"] == "end")]
    rows = rows[(rows["method"] == "sft") & (rows["against"] == "rl")]
    found = {str(row["cost"]): row for row in rows.to_dict("records")}
    told = []
    for cost, row in found.items():
        size = f" ({number(row['mean'], 3, signed=True)})" if given(row["mean"]) else ""
        told.append(f"{row['verdict']} in {cost_of(cost)}{size}")
    outcomes = {row["verdict"] for row in found.values()} - {"inconclusive"}
    short = "mixed" if len(outcomes) > 1 else IN_SHORT[outcomes.pop()] if outcomes else "inconclusive"
    return short, f"SFT beside RL: {'; '.join(told)}." if told else ""


def _collapsed(task: str, audited: Mapping[str, Any]) -> str:
    """Which of the models' runs have collapsed."""
    levels: dict[str, list[str]] = {}
    for run, found in audited.items():
        model = run.removeprefix(f"{task}/")
        model = model if model.startswith(GIVEN) else model.split("/")[0]
        levels.setdefault(model, []).append(found["level"])
    if not levels:
        return "no audit"
    bad = {model: of.count("collapsed") for model, of in levels.items() if "collapsed" in of}
    if not bad:
        return "nothing collapsed"
    told = [
        f"{labels.model(model)} ({bad[model]} of {len(levels[model])})"
        if len(levels[model]) > 1
        else labels.model(model)
        for model in bad
    ]
    return f"collapsed: {', '.join(told)}"


def _checks(request: Request, task: str, model: str, audited: Mapping[str, Any]) -> list[Check]:
    own = {run: found for run, found in audited.items() if f"{run}/".startswith(f"{task}/{model}/")}
    by_encoders = model == "rl" or model.startswith(GIVEN)
    found: dict[str, Found] = {
        "exam": _exam(request) if by_encoders else NOT_MADE,
        "audit": _audit(own),
        "spread": _spread(request, task) if model == "rl" else NOT_MADE,
        "truncated": _share("truncated", own, request.audit),
        "off_script": _share("off_script", own, request.audit),
    }
    return [Check(*called, *found[name]) for name, called in CHECKS.items()]


NOT_MADE: Found = ("", "–")


def _exam(request: Request) -> Found:
    reports = exam.reports(request)
    if not reports:
        return NOT_MADE
    thresholds = ExamThresholds.model_validate(request.thresholds)
    failed = {name: missed for name, report in reports.items() if (missed := shortfalls(report, thresholds))}
    return ("collapsed", f"{len(failed)} of {len(reports)} encoders fail") if failed else ("ok", "both passed")


def _audit(runs: Mapping[str, Any]) -> Found:
    levels: list[Level] = [found["level"] for found in runs.values()]
    if not levels:
        return NOT_MADE
    level = worst(levels)
    return level, level if len(levels) == 1 or level == "ok" else f"{level} in {levels.count(level)} of {len(levels)}"


def _spread(request: Request, task: str) -> Found:
    """The share of prompts whose rollouts all earned the same in the last tenth of RL, the worst seed's."""
    shares = _audited_spreads(request, task) if "audit" in request.tables else _logged_spreads(request, task)
    if not shares:
        return NOT_MADE
    share = max(shares)
    return ("collapsed" if share > request.max_zero_variance else "ok"), f"{share:.0%} of prompts without"


def _audited_spreads(request: Request, task: str) -> list[float]:
    rows = read_csv(request.table("audit", "csv"))
    own = rows[(rows["task"] == task) & (rows["model"] == "rl") & (rows["part"] == "rollouts last")]
    return [float(share) for share in own["zero_variance_groups"].dropna()]


def _logged_spreads(request: Request, task: str) -> list[float]:
    """The same from the trainings' own records, which are there before the audit's table is."""
    means = []
    for seed in request.seeds:
        path = f"results/{runs.name(task, 'rl', seed)}/training.jsonl"
        rows = list(read_jsonl(request.root / path)) if path in request.artefacts else []
        shares = [row["frac_reward_zero_std"] for row in rows if "frac_reward_zero_std" in row]
        means += [fmean(shares[-max(1, len(shares) // 10) :])] if shares else []
    return means


def _share(name: str, runs: Mapping[str, Any], thresholds: Mapping[str, Any]) -> Found:
    """A share of the answers, the worst seed's, by the audit's thresholds."""
    shares = [found["figures"][name] for found in runs.values() if given(found["figures"].get(name))]
    if not shares or name not in thresholds:
        return NOT_MADE
    share = max(shares)
    return level_of(name, share, thresholds[name]), f"{share:.0%}"
