"""How the results were made: time and memory of each rule, versions, machines, configs, sources."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from semalign.report.grids import Cell, Column, Grid, Group, figure, number, whole
from semalign.report.request import Request
from semalign.reporting.performance import by_rule, measured
from semalign.runtime.files import read_json
from semalign.tables.spreadsheets import read_csv

Record = dict[str, Any]
HASH = 12  # digits of a commit that are shown


@dataclass(frozen=True)
class Config:
    """A config that jobs had: its file, on how many jobs it was, and its text."""

    path: str
    jobs: int
    text: str


def made_from(jobs: list[Record]) -> dict[str, list[str]]:
    """{rule: the rules that made its inputs}, sorted."""
    maker = {path: job["rule"] for job in jobs for path in job["outputs"]}
    found: dict[str, set[str]] = {job["rule"]: set() for job in jobs}
    for job in jobs:
        found[job["rule"]] |= {maker[path] for path in job["inputs"] if path in maker}
    return {rule: sorted(makers) for rule, makers in found.items()}


def costs(request: Request, jobs: list[Record]) -> Grid:
    """What each rule cost, and which rules it is made from: the DAG as a table."""
    parents = made_from(jobs)
    table = by_rule(measured(jobs, request.root))
    rows = [
        [
            Cell(str(rule), code=True),
            Cell(", ".join(parents[str(rule)]) or "–"),
            Cell(whole(row["jobs"]), float(row["jobs"])),
            figure(row["seconds"] if row["jobs"] > row["without"] else None, 1),
            figure(row["model_seconds"], 1),
            figure(row["peak_mib"], 0),
        ]
        for rule, row in table.iterrows()
    ]
    seconds, model = table["seconds"].sum(), table["model_seconds"].sum()
    share = f" Model computation is {model / seconds:.0%} of them." if seconds else ""
    without = int(table["without"].sum())
    missing = f" {without} jobs have no benchmark file: their seconds are not counted." if without else ""
    note = (
        f"{whole(len(jobs))} jobs, {number(seconds, 0)} seconds of wall time, added over jobs, of which several may "
        f"have run at a time.{share}{missing} Of a job that was stopped and went on, "
        "they are those of its last part. Memory is that of a rule's "
        "largest job, looked at from time to time: of a job of a second or two it may be too small."
    )
    columns = [
        Column("rule", number=False),
        Column("made from", number=False),
        Column("jobs"),
        Column("seconds", "wall"),
        Column("of these, model", "seconds"),
        Column("peak memory", "MiB"),
    ]
    return Grid("costs", "Time and memory of each rule", columns, [Group(rows)], note)


def versions(jobs: list[Record]) -> Grid:
    """Each library's version, or versions with the number of jobs that had each."""
    found: dict[str, Counter[str]] = {}
    for job in jobs:
        for name, version in job["versions"].items():
            found.setdefault(name, Counter())[version] += 1
    rows = []
    for name, counts in found.items():
        several = [f"{version} ({jobs} jobs)" for version, jobs in sorted(counts.items())]
        rows.append([Cell(name, code=True), Cell(next(iter(counts)) if len(counts) == 1 else ", ".join(several))])
    columns = [Column("library", number=False), Column("version", number=False)]
    return Grid("versions", "Versions", columns, [Group(rows)])


def sources(request: Request) -> Grid | None:
    """The table of data sets and models that the config names."""
    if not request.sources:
        return None
    rows = read_csv(request.table("sources", "csv"), dtype=str).fillna("")
    names = [name for name in rows.columns if (rows[name] != "").any()]
    lines = [[Cell(row[name], code=name in ("source", "sha256")) for name in names] for row in rows.to_dict("records")]
    columns = [Column(name.replace("_", " "), number=False) for name in names]
    return Grid("sources", "Sources and licences", columns, [Group(lines)])


def facts(jobs: list[Record]) -> list[tuple[str, list[str]]]:
    """What there is to say of all jobs together: (about, values), each value once, with its jobs where they differ."""
    return [
        ("commit", _counted(job["commit"] for job in jobs)),
        ("command", _counted(job.get("command") or "not recorded" for job in jobs)),
        ("machine", _counted(f"{job['machine']['platform']}, {job['machine']['cores']} cores" for job in jobs)),
        ("finished", _span(sorted(job["finished"] for job in jobs))),
        ("raw files", _raw(jobs)),
    ]


def _counted(values: Any) -> list[str]:
    counts = Counter(values)
    if len(counts) == 1:
        return list(counts)
    return [f"{value} ({count} jobs)" for value, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def _span(times: list[str]) -> list[str]:
    return [f"{times[0]} to {times[-1]}"] if times else []


def _raw(jobs: list[Record]) -> list[str]:
    made = {path for job in jobs for path in job["outputs"]}
    raw = {path: digest for job in jobs for path, digest in job["inputs"].items() if path not in made}
    return [f"{path} (SHA-256 {digest[:HASH]}…)" for path, digest in sorted(raw.items())] or [
        "none: all data are generated"
    ]


def configs(request: Request, jobs: list[Record]) -> list[Config]:
    """The configs that the jobs had, that of the most jobs first."""
    counts = Counter(job["config"] for job in jobs if job.get("config"))
    return [
        Config(path, count, json.dumps(read_json(request.root / path), ensure_ascii=False, indent=2))
        for path, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if (request.root / path).is_file()
    ]
