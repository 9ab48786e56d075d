"""What made a result, back to the raw data, from the records that jobs leave beside their outputs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from semalign.reporting.performance import benchmark_of
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json, sha256
from semalign.runtime.provenance import SUFFIX

Record = dict[str, Any]
SHORT = 12  # digits of a hash that are shown


@dataclass
class Lineage:
    """The jobs behind a result, each after the jobs whose outputs it read; the raw inputs' hashes; warnings."""

    jobs: list[Record] = field(default_factory=list)
    raw: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def lineage(artefact: str, root: Path) -> Lineage:
    """Everything behind a file or folder under `results` of the working folder `root`.

    A file in a folder that a job made counts as that job's, and so do its log and its record. Each output is compared
    with what it was when it was made, and each input with the output that it was read from: differences are warnings.
    Raises InputError where no job's record tells of the artefact.
    """
    path = _within(artefact, root)
    made = records_by_output(root)
    record = next((made[place] for place in (path, *map(str, Path(path).parents)) if place in made), None)
    if record is None:
        raise InputError(
            f"{artefact}: no finished job made it{_guess(path, made)}; name a file under results that a job made"
        )
    result = Lineage()
    _walk(record, made, result, set())
    for job in result.jobs:
        result.warnings += _warnings(job, made, root)
    return result


def jobs_behind(artefacts: list[str], made: Mapping[str, Record]) -> list[Record]:
    """The records of all jobs behind the artefacts, each after those whose outputs it read; nothing is compared.

    made: the records by output. Paths that no record tells of are passed over.
    """
    result, seen = Lineage(), set[str]()
    for artefact in artefacts:
        if artefact in made:
            _walk(made[artefact], made, result, seen)
    return result.jobs


def describe(artefact: str, found: Lineage) -> str:
    """The lineage as text for people."""
    last = found.jobs[-1]
    wildcards = "".join(f"{name}={value} " for name, value in last["wildcards"].items())
    seeds = sorted({int(job["wildcards"]["seed"]) for job in found.jobs if "seed" in job["wildcards"]})
    lines = [
        artefact,
        f"  made by   {last['rule']} {wildcards}on {last['finished']} in {last['seconds']} s",
        f"  command   {last.get('command') or 'not recorded'}",
        f"  seeds     {', '.join(map(str, seeds)) or 'none: it does not depend on one'}",
    ]
    for key in ("config", "commit", "versions", "machine"):
        values = dict.fromkeys(_plain(job.get(key)) for job in reversed(found.jobs))
        lines += [f"  {'' if number else key:9} {value}" for number, value in enumerate(values)]
    settings = [f"    {name} = {_plain(value)}" for name, value in last["settings"].items() if name != "code"]
    lines += ["  settings", *settings, "  from the jobs, the first first"]
    for job in found.jobs:
        path, digest = next(iter(job["outputs"].items()))
        lines.append(f"    {digest[:SHORT]}  {job['rule']:19} {path}")
    lines += ["  raw data"]
    lines += [f"    {digest}  {path}" for path, digest in sorted(found.raw.items())]
    lines += [] if found.raw else ["    none: generate_world made all of it, from its settings and code"]
    return "\n".join(lines + [f"  WARNING   {warning}" for warning in found.warnings])


def _within(artefact: str, root: Path) -> str:
    """The path as records have it: relative to the working folder."""
    path = Path(artefact)
    if path.is_absolute():
        if not path.is_relative_to(root.resolve()):
            raise InputError(f"{artefact}: is not in {root.resolve()}, where the results are")
        path = path.relative_to(root.resolve())
    return path.as_posix().removesuffix(SUFFIX)


def records_by_output(root: Path) -> dict[str, Record]:
    """{path: record of the job that made it} for every output, log and benchmark of the working folder `root`."""
    made: dict[str, Record] = {}
    for file in sorted((root / "results").rglob(f"*{SUFFIX}")):
        record = read_json(file)
        made |= dict.fromkeys([*record["outputs"], record["log"], benchmark_of(record)], record)
    return made


def _guess(path: str, made: dict[str, Record]) -> str:
    if path.startswith("results/unfinished/"):
        return ", it belongs to a job that has not ended"
    near = sorted(place for place in made if Path(place).name == Path(path).name)
    return f", but {near[0]} was" if near else ""


def _walk(record: Record, made: Mapping[str, Record], result: Lineage, seen: set[str]) -> None:
    name = next(iter(record["outputs"]))
    if name in seen:
        return
    seen.add(name)
    for path, digest in record["inputs"].items():
        if path in made:
            _walk(made[path], made, result, seen)
        else:
            result.raw[path] = digest
    result.jobs.append(record)


def _warnings(job: Record, made: dict[str, Record], root: Path) -> Iterator[str]:
    name = next(iter(job["outputs"]))
    if job["commit"].endswith("-dirty"):
        yield f"{name}: made from files that differ from commit {job['commit'].removesuffix('-dirty')[:SHORT]}"
    for path, digest in job["outputs"].items():
        if not (root / path).exists():
            yield f"{path}: is not there any more"
        elif sha256(root / path) != digest:
            yield f"{path}: has been changed since it was made"
    for path, digest in job["inputs"].items():
        if path in made and made[path]["outputs"].get(path, digest) != digest:
            yield f"{name}: was made from an earlier {path}, which has been made anew since"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items())
    return ", ".join(map(_plain, value)) if isinstance(value, list) else str(value)
