"""What each rule of a run cost: seconds and memory, from Snakemake's benchmark files and the jobs' own records."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from semalign.runtime.files import read_json
from semalign.runtime.provenance import SUFFIX

Record = dict[str, Any]
COLUMNS = ["rule", "seconds", "peak_mib", "model_seconds"]


def records(results: Path) -> list[Record]:
    """The records of all finished jobs under a results folder, in the order of their paths."""
    return [read_json(path) for path in sorted(results.rglob(f"*{SUFFIX}"))]


def benchmark_of(record: Record) -> str:
    """The path of a job's benchmark file, which is called as its log."""
    log: str = record["log"]
    return log.replace("results/logs/", "results/benchmarks/").removesuffix(".log") + ".tsv"


def measured(jobs: Iterable[Record], root: Path) -> pd.DataFrame:
    """One row a job of a working folder `root`: rule, wall seconds, peak_mib and seconds of model computation.

    Seconds are Snakemake's, empty where the job has no benchmark file. Memory is Snakemake's, of all its processes seen
    at intervals, or what the job recorded of its largest process where that is more: a short job, or a warm one.
    """
    rows = []
    for job in jobs:
        path = root / benchmark_of(job)
        found: Any = pd.read_csv(path, sep="\t", na_values="-").iloc[0] if path.is_file() else {}
        peak = np.fmax(found.get("max_rss", np.nan), job["peak_memory_mib"])
        rows.append([job["rule"], found.get("s"), peak, job["model_seconds"]])
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype(dict.fromkeys(COLUMNS[1:], float))


def by_rule(jobs: pd.DataFrame) -> pd.DataFrame:
    """One row a rule, the longest first: jobs, those without a benchmark, seconds, model_seconds, a job's peak_mib."""
    table = jobs.groupby("rule").agg(
        jobs=("rule", "size"),
        without=("seconds", lambda seconds: int(seconds.isna().sum())),
        seconds=("seconds", "sum"),
        model_seconds=("model_seconds", "sum"),
        peak_mib=("peak_mib", "max"),
    )
    return table.sort_values(["seconds", "jobs"], ascending=False, kind="stable")
