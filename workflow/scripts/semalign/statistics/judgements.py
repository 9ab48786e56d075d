"""Which models the judge compared, where its verdicts on them are, and what these say as a function of the items."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from semalign.runtime.files import Row, read_json, read_jsonl
from semalign.statistics import runs
from semalign.statistics.bootstrap import Estimator, mean_of_items

FIGURES = ["judge_win", "judge_loss", "judge_tie", "judge_unparsed", "judge_net"]


@dataclass(frozen=True)
class Pair:
    """Two models that were compared, winners 1 and 2 of a verdict: RL with strong SFT or, second, one of `models`."""

    first: str
    second: str

    def names(self, seeds: Sequence[int]) -> dict[str, int]:
        """The seed of each comparison, by the name of its files: `<seed>` of RL with strong SFT, else
        `<model>-<opponent>-<seed>`; of two models that are one run each `<model>-<opponent>`, by seed 0."""
        if self == OURS:
            return {str(seed): seed for seed in seeds}
        name = f"{runs.label(self.second)}-{runs.label(self.first)}"
        return {name: 0} if self.alone else {f"{name}-{seed}": seed for seed in seeds}

    @property
    def alone(self) -> bool:
        """Is each of the two one run, shared by the seeds?"""
        return runs.is_alone(self.first) and runs.is_alone(self.second)

    @property
    def labels(self) -> tuple[str, str]:
        """What the two are called."""
        return runs.label(self.first), runs.label(self.second)

    def verdicts(self, results: Path, task: str, seeds: Sequence[int]) -> list[list[Row]]:
        """The verdicts of each comparison, by item."""
        return [list(read_jsonl(path)) for path in self._files(results, task, seeds, "jsonl")]

    def figures(self, results: Path, task: str, model: str, seeds: Sequence[int]) -> dict[str, float]:
        """FIGURES of one of the two, percent of the items, means over the comparisons."""
        summaries = [read_json(path) for path in self._files(results, task, seeds, "json")]
        found = [_of_summary(summary, runs.label(model)) for summary in summaries]
        return {name: float(np.mean([figures[name] for figures in found])) for name in FIGURES}

    def estimator(self, results: Path, task: str, figure: str, model: str, seeds: Sequence[int]) -> Estimator | None:
        """One of FIGURES of one of the two, as a function of the items drawn; None where a comparison is not there."""
        if not all(path.is_file() for path in self._files(results, task, seeds, "jsonl")):
            return None
        won = self.winner(model)
        points: dict[str, dict[int | None, float]] = {
            "judge_win": {won: 100.0},
            "judge_loss": {3 - won: 100.0},
            "judge_tie": {0: 100.0},
            "judge_unparsed": {None: 100.0},
            "judge_net": {won: 100.0, 3 - won: -100.0},
        }
        found = self.verdicts(results, task, seeds)
        values = np.array([[points[figure].get(row["winner"], 0.0) for row in rows] for rows in found])
        return mean_of_items([row["id"] for row in found[0]], values)

    def winner(self, model: str) -> int:
        """What a verdict for this one of the two says: 1 or 2."""
        return (self.first, self.second).index(model) + 1

    def _files(self, results: Path, task: str, seeds: Sequence[int], ending: str) -> list[Path]:
        return [results / task / "judge" / f"{name}.{ending}" for name in self.names(seeds)]


OURS = Pair("strong_sft", "rl")


def _of_summary(summary: dict[str, Any], name: str) -> dict[str, float]:
    win, loss = summary["win"][name], sum(share for other, share in summary["win"].items() if other != name)
    return dict(zip(FIGURES, (win, loss, summary["tie"], summary["unparsed"], win - loss), strict=True))
