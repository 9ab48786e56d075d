"""What a report is made from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass as validated

from semalign.config.names import TaskName
from semalign.statistics.retained import Retained


@dataclass(frozen=True)
class TaskOf:
    """What a reader must know of a task."""

    title: str
    source_language: str
    target_language: str
    metrics: list[str]

    @property
    def languages(self) -> set[str]:
        return {self.source_language, self.target_language}


@validated(frozen=True)
class Request:
    """A finished run, and how much of it is shown.

    root: the folder that holds `results`. tables, figures: names of those that the run has. judge: kind and, of a
    language model, its name. thresholds: the exam's. artefacts: what the report is made from, as paths from
    the root; the jobs behind them are its provenance. examples: test items a task drawn by `seed`; contrasts: further
    ones on which RL and strong SFT differ most. retention: the benchmarks, the primary one first. audit: its
    thresholds. max_zero_variance: the share of prompts whose rollouts may all earn the same. wanted: the tables that
    the config asks for, made or not. models: those whose answers are shown. given: the tasks of each model that was
    trained elsewhere. opponents: whom the judge compares each of these with.
    """

    root: Path
    tasks: dict[TaskName, TaskOf]
    seeds: list[int]
    tables: list[str]
    figures: list[str]
    judge: dict[str, Any]
    thresholds: dict[str, Any]
    artefacts: list[str]
    sources: bool
    examples: int
    contrasts: int
    seed: int
    retention: list[Retained]
    audit: dict[str, Any]
    max_zero_variance: float
    wanted: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=lambda: ["base", "cold_sft", "strong_sft", "rl"])
    given: dict[str, list[str]] = field(default_factory=dict)
    opponents: dict[str, list[str]] = field(default_factory=dict)

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def trained(self) -> bool:
        """Is anything trained here, or are the base and models of others measured alone?"""
        return "rl" in self.models

    @property
    def judged(self) -> bool:
        """Has the judge anything to compare?"""
        return self.judge["kind"] != "none" and (self.trained or any(self.opponents.values()))

    def table(self, name: str, kind: str) -> Path:
        return self.results / f"{name}.{kind}"
