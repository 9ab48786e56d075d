"""A finished run: what is there, whether it still fits together, and what it was made with."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semalign.config.data import Task
from semalign.config.downloads import FOLDER, HubDownload
from semalign.preflight.referenced_paths import is_external, source_keys
from semalign.preflight.root import Config, validate
from semalign.reporting.lineage import Lineage, lineage
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, read_json, read_jsonl, sha256
from semalign.tables.sources_table import NOT_STATED as NOT_STATED
from semalign.tables.sources_table import WORLD, rows
from semalign.tables.spreadsheets import read_csv

MEASURES = ("predictions.jsonl", "scores/text.json", "scores/similarity.json")
INCLUDED = "included"
_NAME = re.compile(r"(?P<task>\w+)/(?P<model>[\w@-]+)/(?P<seed>\d+)")
_CHANGED = ("has been changed since it was made", "which has been made anew since")


@dataclass(frozen=True)
class Base:
    """The model under the adapter: its local folder; repo and revision on the hub, without which it is included."""

    folder: Path
    repo: str | None = None
    revision: str | None = None


@dataclass(frozen=True)
class Run:
    """A run that is trained and measured, and everything behind it. Paths are those of the working folder."""

    task: str
    model: str
    seed: int
    config: Config
    raw_config: dict[str, Any]
    training: Row  # the record of the job that trained it
    answering: Row  # of the job that answered the test sets
    jobs: list[Row]  # of all jobs behind the figures, the first first
    raw: dict[str, str]  # the user's own files and their hashes
    notes: list[str]

    @property
    def name(self) -> str:
        return f"{self.task}/{self.model}/{self.seed}"

    @property
    def folder(self) -> Path:
        return Path("results") / self.name

    @property
    def prompt(self) -> str:
        return str(self.answering["settings"]["tasks"][self.task]["prompt"])

    @property
    def max_new_tokens(self) -> int:
        return int(self.answering["settings"]["tasks"][self.task]["max_new_tokens"])

    def of_task(self, name: str) -> Task:
        """A task's part of the config."""
        return {str(key): task for key, task in self.config.tasks.items()}[name]

    def judgement(self) -> Path | None:
        """The judge's summary, of the two runs that it compares."""
        return _judgement(self.task, self.model, str(self.seed))

    def benchmark(self, name: str) -> Path | None:
        """The figures in a retention benchmark that is measured by likelihood, where they are there."""
        path = self.folder / "retention" / f"{name}.json"
        return path if path.is_file() else None

    def likelihood(self) -> Path | None:
        return _likelihood(self.name)


def trained(root: Path = Path("results")) -> list[str]:
    """The runs that have an adapter."""
    return sorted(path.parent.relative_to(root).as_posix() for path in root.glob("*/*/*/adapter"))


def find(name: str) -> Run:
    """The run `<task>/<model>/<seed>` of the working folder.

    Raises InputError where it is not trained or not measured, or where its parts were not made from one another.
    """
    parts = _NAME.fullmatch(name)
    here = trained()
    if parts is None or name not in here:
        there = f"there are {', '.join(here)}" if here else "nothing is trained here yet: `make table3` trains some"
        raise InputError(f"MODEL={name}: no trained model <task>/<model>/<seed> has this name; {there}")
    missing = [path for measure in MEASURES if not (path := Path("results") / name / measure).is_file()]
    if missing:
        wanted = " ".join(map(str, missing))
        raise InputError(f"{name} is not measured yet: run snakemake --cores all {wanted}, with the config of its run")
    found, notes = _behind([f"results/{name}/adapter", *(f"results/{name}/{measure}" for measure in MEASURES)])
    shown_too = [path for path in (_judgement(**parts.groupdict()), _likelihood(name)) if path]
    shown_too += sorted(path for path in Path(f"results/{name}/retention").glob("*.json") if path.stem.isidentifier())
    _check([warning for path in shown_too for warning in lineage(str(path), Path.cwd()).warnings])
    by_output = {path: record for record in found.jobs for path in record["outputs"]}
    training = by_output[f"results/{name}/adapter"]
    raw_config = read_json(training["config"])
    return Run(
        task=parts["task"],
        model=parts["model"],
        seed=int(parts["seed"]),
        config=validate(raw_config),
        raw_config=raw_config,
        training=training,
        answering=by_output[f"results/{name}/predictions.jsonl"],
        jobs=found.jobs,
        raw=found.raw,
        notes=notes,
    )


def _judgement(task: str, model: str, seed: str) -> Path | None:
    path = Path(f"results/{task}/judge/{seed}.json")
    return path if model in ("rl", "strong_sft") and path.is_file() else None


def _likelihood(name: str) -> Path | None:
    path = Path(f"results/{name}/likelihood.json")
    return path if path.is_file() else None


def _behind(artefacts: list[str]) -> tuple[Lineage, list[str]]:
    """All that made the artefacts, and what to tell of it. Raises InputError where they do not fit together."""
    whole, seen = Lineage(), set()
    for artefact in artefacts:
        found = lineage(artefact, Path.cwd())
        for record in found.jobs:
            first = next(iter(record["outputs"]))
            whole.jobs += [] if first in seen else [record]
            seen.add(first)
        whole.raw |= found.raw
        whole.warnings += [warning for warning in found.warnings if warning not in whole.warnings]
    _check(whole.warnings)
    dirty = sum("made from files that differ from commit" in warning for warning in whole.warnings)
    return whole, [f"{dirty} of its {len(whole.jobs)} jobs ran code that was not committed"] if dirty else []


def _check(warnings: list[str]) -> None:
    changed = [warning for warning in dict.fromkeys(warnings) if warning.endswith(_CHANGED)]
    if changed:
        told = ["what would be released does not fit together:", *changed, "run Snakemake again, as for the run"]
        raise InputError("\n".join(told))


def base_of(run: Run, named: str | None) -> Base:
    """Where the base lies. `named`: what the user says of a folder of his own, owner/name@commit or `included`.

    Raises InputError where only the user can know and has not said.
    """
    path = run.config.policy.path
    folder = path or Path("results/base/model")
    if not folder.is_dir():
        raise InputError(f"{folder}: the base is not there any more; run Snakemake again, as for the run")
    if path is None:
        return Base(folder)
    if path.is_relative_to(FOLDER):
        name = path.relative_to(FOLDER).parts[0]
        download = run.config.downloads[name]
        assert isinstance(download, HubDownload)  # the config's model admits no other for a policy
        return Base(path, download.repo, str(read_json(f"results/sources/{name}.json")["commit"]))
    if named == INCLUDED:
        return Base(path)
    repo, _, revision = (named or "").partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo) or not revision:
        raise InputError(
            f"the base is a folder of yours ({path}): say BASE=owner/name@commit where the hub has it, or "
            f"BASE={INCLUDED} to put its weights into the release, if its licence allows"
        )
    return Base(path, repo, revision)


def sources_of(run: Run) -> list[Row]:
    """What data and models are behind the run: the rows of results/sources.csv that it depends on.

    Licences as results/sources.csv has them, where it is newer than the run; else as the run's config states them.
    """
    keys = {source: read_by for source, read_by in source_keys(run.config).items() if _is_behind(source, run)}
    places = [Path(source).relative_to(FOLDER) for source in keys if Path(source).is_relative_to(FOLDER)]
    records = [read_json(f"results/sources/{place}.json") for place in places]
    downloads = {
        name: entry.model_dump(mode="json", include={"licence", "about"})
        for name, entry in run.config.downloads.items()
    }
    own = {source: run.raw.get(source) or sha256(source) for source in keys if is_external(Path(source))}
    table = rows(keys, records, downloads, run.config.licences, own)
    stated = {row["source"]: row["licence"] for row in _listed()}
    return [row | {"licence": stated.get(row["source"], row["licence"])} for row in table]


def _is_behind(source: str, run: Run) -> bool:
    if source == WORLD:
        return any(record["rule"] == "generate_world" for record in run.jobs)
    return source in run.raw or any(source in record["inputs"] for record in run.jobs)


def _listed() -> list[dict[str, str]]:
    path = Path("results/sources.csv")
    if not path.is_file():
        return []
    rows = read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
    return [{str(name): cell for name, cell in row.items()} for row in rows]


def example(run: Run) -> tuple[str, str]:
    """The shortest source of the test set whose answer was not cut off, and that answer."""
    answers = {
        row["id"]: row["output"]
        for row in read_jsonl(run.folder / "predictions.jsonl")
        if row["testset"] == run.task and not row["truncated"] and row["output"].strip()
    }
    tests = list(read_jsonl(f"results/data/{run.task}/test.jsonl"))
    chosen = min((row for row in tests if row["id"] in answers), key=lambda row: len(row["source"]), default=tests[0])
    return chosen["source"], answers.get(chosen["id"], "")
