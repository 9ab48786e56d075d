"""The reward audit as a table: each run's rollouts at first and at last, and its test outputs."""

from pathlib import Path
from typing import Any

import pandas as pd

from semalign.metrics.audit import MEASURES
from semalign.runtime.files import read_json
from semalign.statistics import runs

KEYS = ["task", "model", "seed", "part"]
FIGURES = [
    *MEASURES,
    "zero_spread_groups",
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
    "zero_spread_groups: prompts whose rollouts all earned the same. encoder_gap: similarity by the rewarding encoder "
    "less that by the independent one; a gap that grows is over-optimisation. ± is over seeds (ddof 1)."
)


def collect(
    results: Path, tasks: list[str], seeds: list[int], models: dict[str, list[str]], rl_models: dict[str, list[str]]
) -> pd.DataFrame:
    """One row a task, model, seed and part (rollouts first, rollouts last, test); one a task of the references."""
    rows: list[dict[str, Any]] = []
    for task in tasks:
        own = runs.details(results, "base")["text"][task]["audit_of_references"]
        rows.append({"task": task, "model": "references", "part": "test"} | own)
        for model in models[task]:
            for seed in seeds if model != "base" else [None]:
                run = runs.name(task, model, seed)
                keys = {"task": task, "model": model, "seed": seed}
                if model in rl_models[task]:
                    content = read_json(results / run / "audit.json")
                    rows.append(keys | {"part": "rollouts first"} | content["first_tenth"])
                    rows.append(keys | {"part": "rollouts last"} | content["last_tenth"])
                rows.append(keys | {"part": "test"} | _test(results, run, task))
    return pd.DataFrame(rows, columns=[*KEYS, *FIGURES]).astype({"seed": "Int64"})


def _test(results: Path, run: str, task: str) -> dict[str, Any]:
    details = runs.details(results, run)
    reward, independent = (details["similarity"][task][name]["value"] for name in ("reward", "independent"))
    similar = {"similarity": reward, "similarity_independent": independent, "encoder_gap": reward - independent}
    return details["text"][task]["audit"] | similar


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Means ± standard deviation over seeds, as texts."""
    lines = []
    for (task, model, part), group in frame.groupby(["task", "model", "part"], sort=False):
        cells = {name: _cell(group[name].astype(float)) for name in FIGURES}
        lines.append({"task": task, "model": model, "part": part} | cells)
    return pd.DataFrame(lines)


def _cell(values: pd.Series) -> str:
    if values.isna().all():
        return ""
    spread = f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else ""
    return f"{values.mean():.3f}{spread}"
