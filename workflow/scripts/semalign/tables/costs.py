"""What each point of the frontier cost in device-seconds, from the records that jobs leave: times, so no result.

A device is what one process computes on: a GPU or, on a CPU, the process itself. Counted are the seconds in which
models computed, from the base on: neither the base, the encoders and the data, which all methods share, nor start-up.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from semalign.frontier.curves import KEYS, PRIMARY, Curve, points_of, tax_at
from semalign.reporting.lineage import Record, jobs_behind
from semalign.runtime.files import read_json
from semalign.statistics import runs
from semalign.statistics.spread import mean_sd

FIGURES = ["device_seconds", "training_seconds", "before_seconds", "answering_seconds"]
COLUMNS = [*(key for key in KEYS if key != "strength"), *FIGURES, "jobs", "resumed"]
TO_RL = "to RL's adequacy"
NOTE = (
    "Seconds in which models computed, times the processes of a job, from the base on and without encoders and data. "
    "device_seconds: what it takes to have the model: training_seconds, of its own adapter, and before_seconds, of all "
    "else that is made for its seed beforehand (cold start, threshold, sampled candidates, the model that it changes). "
    "A snapshot counts its share of the steps. answering_seconds: what answered the test sets. ± is over seeds (ddof "
    f"1). {TO_RL}: device_seconds where a method first reaches the adequacy that RL ends with ({PRIMARY}), "
    "interpolated along its strength; RL's own at its end. They are of this machine and of what else ran on it."
)
ELSEWHERE = "{}: trained elsewhere, at a cost that nobody knows here; only what answered the test sets has its seconds."


def collect(
    results: Path, tasks: list[str], seeds: list[int], curves: Mapping[str, Curve], made: Mapping[str, Record]
) -> pd.DataFrame:
    """One row a task, method, point and seed: FIGURES in seconds, the jobs behind them, and how many of them resumed.

    made: the jobs' records by output. Figures are empty where the records of a run are not there; a model that was
    trained elsewhere has those of its answers alone.
    """
    rows, found = [], dict[str, dict[str, Any]]()
    for keys, run in points_of(tasks, seeds, curves):
        found[run] = found.get(run) or of_run(results, run, made)
        rows.append(keys | found[run])
    return pd.DataFrame(rows, columns=COLUMNS).astype({"jobs": "Int64", "resumed": "Int64"})


def of_run(results: Path, run: str, made: Mapping[str, Record]) -> dict[str, Any]:
    """FIGURES of one run, the number of jobs behind them, and of those that were stopped and went on."""
    answers = f"results/{run}/predictions.jsonl"
    if answers not in made:
        return {}
    if run.startswith(runs.GIVEN):
        resumed = int(bool(made[answers].get("resumed")))
        return {"answering_seconds": _seconds(made[answers]), "jobs": 1, "resumed": resumed}
    jobs = [job for job in jobs_behind([answers], made) if _is_of_a_seed(job)]
    answering, adapter = made[answers], made.get(f"results/{run}/adapter")
    training = [adapter] if adapter else []
    share = 1.0
    if adapter and adapter["rule"] == "take_snapshot":
        training = [made[path] for path in adapter["inputs"] if path in made]
        share = _share(results, run, training[0])
    before = [job for job in jobs if job is not answering and job not in [*training, adapter]]
    own, needed = share * sum(map(_seconds, training)), sum(map(_seconds, before))
    figures = (own + needed, own, needed, _seconds(answering))
    counted = [*training, *before, answering]
    resumed = sum(bool(job.get("resumed")) for job in counted)
    return dict(zip(FIGURES, figures, strict=True)) | {"jobs": len(counted), "resumed": resumed}


def _is_of_a_seed(job: Record) -> bool:
    """Made for one seed's runs alone, not for all: not the base, an encoder or data."""
    return "seed" in job["wildcards"] or job["wildcards"].get("run", "base") != "base"


def _share(results: Path, run: str, training: Record) -> float:
    """Of the steps of a training, those before its snapshot."""
    report = results / Path(*Path(next(iter(training["outputs"]))).parts[1:]).with_name("training.json")
    return int(run.split("@")[1].split("/")[0]) / int(read_json(report)["steps"])


def _seconds(job: Record) -> float:
    return job["model_seconds"] * job["processes"]


def at_equal_adequacy(costs: pd.DataFrame, points: pd.DataFrame) -> list[dict[str, Any]]:
    """Device-seconds of each task and method where it first reaches what RL ends with, by seed; None where it does not.

    points: the frontier's, with the adequacy of each.
    """
    keys = ["task", "method", "place", "seed"]
    frame = costs.merge(points[[*keys, PRIMARY]], on=keys, validate="one_to_one")
    found = []
    for (task, method), curve in frame.groupby(["task", "method"], sort=False):
        by_seed = []
        for seed, own in curve.groupby("seed", sort=False):
            rl = frame[(frame["task"] == task) & (frame["method"] == "rl") & (frame["seed"] == seed)]
            reached = own.iloc[-1:] if method == "rl" else own
            seconds = float(tax_at(reached[PRIMARY], reached["device_seconds"], rl[PRIMARY].iloc[-1]))
            by_seed.append(seconds if np.isfinite(seconds) else None)
        known = [value for value in by_seed if value is not None]
        mean, sd = (float(np.mean(known)) if known else None), (float(np.std(known, ddof=1)) if known[1:] else None)
        found.append({"task": task, "method": method, "by_seed": by_seed, "mean": mean, "sd": sd})
    return found


def shown(costs: pd.DataFrame, equal: list[dict[str, Any]], alone: Collection[str] = ("base",)) -> pd.DataFrame:
    """Mean ± standard deviation over seeds of each point; on a method's first line also what it takes to equal RL.
    alone: models that are one run in every seed."""
    reached = {(entry["task"], entry["method"]): entry for entry in equal}
    lines = []
    for (task, method, place, model), group in costs.groupby(["task", "method", "place", "model"], sort=False):
        keys = {"task": task, "method": method, "model": model}
        cells = {name: _cell(group[name].astype(float).tolist(), model in alone) for name in FIGURES}
        entry = reached[task, method]
        cells[TO_RL] = _cell([value for value in entry["by_seed"] if value is not None]) if place == 0 else ""
        lines.append(keys | cells)
    return pd.DataFrame(lines)


def _cell(values: list[float], alone: bool = False) -> str:
    return "" if np.isnan(values).any() else mean_sd(values, 1, alone=alone)


def note(costs: pd.DataFrame, given: Collection[str] = ()) -> str:
    """How to read them, and what they leave out. given: the models that were trained elsewhere."""
    runs_shown = costs.drop_duplicates(["task", "model", "seed"])
    resumed = runs_shown[runs_shown["resumed"].fillna(0) > 0]
    without = int(runs_shown["answering_seconds"].isna().sum())
    parts = [NOTE, *([ELSEWHERE.format(", ".join(given))] if given else [])]
    if len(resumed):
        parts.append(
            f"Behind {len(resumed)} of {len(runs_shown)} runs stand jobs that were stopped and went on; their seconds "
            "are those of the last part alone, so that these runs cost more than is said."
        )
    else:
        parts.append(
            "None of the jobs was stopped and went on; of one that was, only the last part's seconds would count."
        )
    if without:
        parts.append(f"Of {without} runs the jobs' records are not there: they have no figures.")
    return " ".join(parts)
