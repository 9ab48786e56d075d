"""The reward audit as a table: the first and the last rollouts of each run, and its test outputs."""

from pathlib import Path
from typing import Any

import pandas as pd
from pydantic.dataclasses import dataclass

from semalign.metrics.audit import MEASURES
from semalign.metrics.collapse import worst
from semalign.runtime.files import read_json
from semalign.statistics import runs
from semalign.statistics.spread import mean_sd
from semalign.statistics.verdicts import Thresholds, Verdict, of_run

KEYS = ["task", "model", "seed", "part"]
COLLAPSE = ["over_use", "unused", "lost", "divergence", "truncated"]
WORDS = ["over_used", "verdict"]
FIGURES = [
    *MEASURES,
    *COLLAPSE,
    "zero_variance_groups",
    "reward",
    "similarity",
    "similarity_independent",
    "encoder_gap",
]
NOTE = (
    "rollouts first and last: means over the first and the last tenth of the audited steps of RL; test: greedy answers "
    "to the test set. length_ratio: tokens over the references'. distinct_2: different bigrams over all, which falls "
    "with the amount of text, so compare alike parts. repeated_4grams: share seen before in the same output. copied: "
    "longest common substring with the source, share of the output: read it and duplicates against the row of the "
    "references. duplicates: outputs equal to one for another item. "
    "zero_variance_groups: prompts whose rollouts earned the same. encoder_gap: similarity by the rewarding encoder "
    "less that by the independent one; a gap that grows is over-optimisation. over_use: the most that a token's share "
    "of the answers lies above its share of the references, and over_used that token. unused: share of the tokens of 5 "
    "references or more that no answer has; lost: share of the references that hold the first of them. divergence: of "
    "the tokens from the references', bits. truncated: cut at the length limit. verdict: by audit.thresholds, of "
    "several seeds the worst. ± is over seeds (ddof 1)."
)


@dataclass(frozen=True)
class Request:
    """Which runs are read: by task the models, those of RL, and those that went on from the cold start by RL or the
    like (`started`); the audit's thresholds, and the confidence at which a slot counts as worse."""

    results: Path
    tasks: list[str]
    seeds: list[int]
    models: dict[str, list[str]]
    rl_models: dict[str, list[str]]
    started: dict[str, list[str]]
    thresholds: Thresholds
    confidence: float

    def verdict(self, task: str, model: str, seed: int | None) -> Verdict:
        """The audit's, on a run."""
        report = self.results / runs.name(task, model, seed) / "training.json"
        return of_run(
            self.results,
            task,
            model,
            seed,
            self.thresholds,
            self.confidence,
            start="cold_sft" if model in self.started[task] else None,
            training=read_json(report) if model in self.rl_models[task] else None,
        )


def collect(request: Request) -> tuple[pd.DataFrame, list[Verdict]]:
    """One row a task, model, seed and part (rollouts first, rollouts last, test); one a task of the references. And the
    verdict on each run but the base's, which nothing has trained."""
    results, tasks, seeds = request.results, request.tasks, request.seeds
    verdicts: list[Verdict] = []
    rows: list[dict[str, Any]] = []
    for task in tasks:
        own = runs.details(results, "base")["text"][task]["audit_of_references"]
        rows.append({"task": task, "model": "references", "part": "test"} | own)
        for model in request.models[task]:
            for seed in [None] if runs.is_alone(model) else seeds:
                run = runs.name(task, model, seed)
                keys = {"task": task, "model": runs.label(model), "seed": seed}
                if model in request.rl_models[task]:
                    content = read_json(results / run / "audit.json")
                    rows.append(keys | {"part": "rollouts first"} | content["first_tenth"])
                    rows.append(keys | {"part": "rollouts last"} | content["last_tenth"])
                found = request.verdict(task, model, seed)
                verdicts += [] if model == "base" else [found]
                words = _words(found) | ({"verdict": None} if model == "base" else {})
                rows.append(keys | {"part": "test"} | _test(results, run, task) | words)
    return pd.DataFrame(rows, columns=[*KEYS, *FIGURES, *WORDS]).astype({"seed": "Int64"}), verdicts


def _words(verdict: Verdict) -> dict[str, Any]:
    measured = {name: verdict.figures[name] for name in COLLAPSE}
    return measured | {"over_used": verdict.figures["over_used"], "verdict": verdict.level}


def _test(results: Path, run: str, task: str) -> dict[str, Any]:
    details = runs.details(results, run)
    reward, independent = (details["similarity"][task][name]["value"] for name in ("reward", "independent"))
    similar = {"similarity": reward, "similarity_independent": independent, "encoder_gap": reward - independent}
    return details["text"][task]["audit"] | similar


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Means ± standard deviation over seeds, as texts."""
    lines = []
    for (task, model, part), group in frame.groupby(["task", "model", "part"], sort=False):
        cells = {name: mean_sd(group[name].astype(float), 3) for name in FIGURES}
        known = group["verdict"].dropna()
        worst_of = worst(known) if len(known) else ""
        lines.append({"task": task, "model": model, "part": part} | cells | {"verdict": worst_of})
    return pd.DataFrame(lines)
