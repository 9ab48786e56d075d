"""What RL tries: every completion with what it earned, written down as it is made."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from semalign.config.training import Grpo
from semalign.policy.stops import place
from semalign.resume.parts import GrowingFile
from semalign.rewards.builtin import Reward, for_trl
from semalign.runtime import distributed
from semalign.runtime.files import Row

ROLLOUTS = "rollouts.jsonl"


class Rollouts:
    """Wraps rewards so that every completion is written down with what it earned.

    Of several processes the first writes what all have sampled, by rank: so the prompts are in the order of the
    sampler, and the completions of one prompt side by side. Rewards, and what is written down, see a completion as far
    as the first of the `stops`, as the scores see an answer. `file` is a part of checkpoints.
    """

    def __init__(self, path: Path, stops: Sequence[str] = ()) -> None:
        self.path, self.stops = path, stops
        self.file = GrowingFile(path, self.flush)
        self.batch: list[Row] = []

    def record(self, name: str, reward: Reward) -> Any:
        """The reward for trl, its figures also noted; completions are noted with the first reward called."""
        call = for_trl(name, reward)

        def recorded(completions: list[Any], **columns: Any) -> list[float]:
            completions = [self._as_scored(completion) for completion in completions]
            values: list[float] = call(completions, **columns)
            step = columns["trainer_state"].global_step + 1  # as the trainer logs it
            if not self.batch or name in self.batch[0]:
                self.flush()
                self.batch = [
                    {"step": step, "id": id_, "completion": completion[0]["content"]}
                    for id_, completion in zip(columns["id"], completions, strict=True)
                ]
            for row, value in zip(self.batch, values, strict=True):
                row[name] = value
            return values

        recorded.__name__ = name
        return recorded

    def _as_scored(self, completion: Any) -> Any:
        """A completion, which is a turn in a list, without what stands from a stop string on."""
        at = place(completion[0]["content"], self.stops)
        return completion if at is None else [completion[0] | {"content": completion[0]["content"][:at]}]

    def flush(self) -> None:
        """Write the batch down, of all processes."""
        batches = distributed.gathered(self.batch)
        self.batch = []
        if not distributed.is_first():
            return
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for batch in batches for row in batch).encode()
        self.file.append(text)


def zero_variance_share(rollouts: Iterable[Row], settings: Grpo) -> tuple[int, float]:
    """How many rollouts there are, and the share of groups whose completions all earned the same.

    (trl's own figure misses those whose float32 standard deviation is rounding noise.)
    """
    zero_variance, group, count = [], set[float](), 0
    for count, row in enumerate(rollouts, start=1):
        group.add(sum(weight * row[name] for name, weight in settings.rewards.items()))
        if count % settings.num_generations == 0:
            zero_variance.append(len(group) == 1)
            group = set()
    return count, float(np.mean(zero_variance))
