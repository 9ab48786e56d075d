"""The audit of what RL tries: has the policy collapsed while it trains?

It reads what is written down anyway, draws no random number and touches no tensor, so a training with it is the same
bit for bit.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from semalign.config.audit import Audit
from semalign.metrics.collapse import FALLING, collapse, group_diversity, verdict
from semalign.policy.rollouts import Rollouts
from semalign.runtime import distributed
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, read_jsonl

log = logging.getLogger(__name__)

MOST = 256
"""Completions whose texts are compared at one look, spread evenly over it: more would cost time and tell no more."""


def figures(rows: Sequence[Row], items: dict[str, Row], logged: Iterable[Row]) -> dict[str, Any]:
    """Figures of rollouts (`step`, `id`, `completion`), in the order of the file: those of `collapse`, of at most MOST
    of them; `group_diversity` of all; and from what was `logged` of their steps the share cut at the length limit and
    the mean `entropy` of the policy, nats per token.

    items: {id: the prompt's `source` and `target`}.
    """
    chosen = rows if len(rows) <= MOST else [rows[i * len(rows) // MOST] for i in range(MOST)]
    asked = [items[row["id"]] for row in chosen]
    logged = list(logged)
    return collapse(
        [row["completion"] for row in chosen],
        [item["target"] for item in asked],
        [item["source"] for item in asked],
        [row["id"] for row in chosen],
        _mean(logged, "completions/clipped_ratio"),
    ) | {"entropy": _mean(logged, "entropy"), "group_diversity": group_diversity(rows)}


def _mean(logged: Sequence[Row], name: str) -> float | None:
    values = [row[name] for row in logged if name in row]
    return fmean(values) if values else None


def tenths(path: Path, items: dict[str, Row], history: Sequence[Row], steps: int) -> list[dict[str, Any]]:
    """Figures of each tenth of the updates, its `first` and `last` beside them; of fewer than ten updates, of each.

    An update that sampled nothing, since a generation served several, belongs to the tenth of its number all the same.
    """
    count = min(10, steps)
    ends = [(number + 1) * steps // count for number in range(count)] if steps else []
    found, first = [], 1
    for end, rows in _by_end(read_jsonl(path), ends):
        logged = [row for row in history if first <= row.get("step", 0) <= end]
        if rows:
            found.append({"first": first, "last": end} | figures(rows, items, logged))
        first = end + 1
    return found


def _by_end(rows: Iterator[Row], ends: Sequence[int]) -> Iterator[tuple[int, list[Row]]]:
    """The rows up to each end, which are in the order of their steps."""

    def place(row: Row) -> int:
        return next(end for end in ends if row["step"] <= end)

    held = {end: list(part) for end, part in groupby(rows, place)}
    return ((end, held.get(end, [])) for end in ends)


class RolloutAudit(TrainerCallback):
    """Looks at the rollouts every so many updates and after the last, warns in the log, and with `stop` ends a training
    that collapsed.

    The rollouts are those since the look before it, read back from the file; so a training that is resumed sees
    what one that was never stopped sees.
    """

    def __init__(self, settings: Audit, rollouts: Rollouts, rows: Sequence[Row]) -> None:
        self.every, self.stop = settings.training.every, settings.training.stop
        self.thresholds = settings.thresholds.model_dump()
        self.rollouts = rollouts
        self.items = {row["id"]: row for row in rows}
        self.read = 0  # bytes of the file that lie before the rollouts of the next look

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        last = state.global_step
        due = last > 0 and (last % self.every == 0 or last == state.max_steps)
        if not due or "entropy" not in state.log_history[-1]:
            return
        first = (last - 1) // self.every * self.every + 1
        self.rollouts.flush()
        level, reasons = distributed.from_first(lambda: self._look(first, last, state.log_history))
        if level == "ok":
            return
        said = f"the rollouts of updates {first} to {last}: {'; '.join(reasons)}"
        if self.stop and level == "collapsed":
            raise InputError(
                f"audit.training.stop: the policy has collapsed in {said}. Lower rl.learning_rate (now "
                f"{args.learning_rate}), give rl.beta a weight or change rl.rewards; or set audit.training.stop to "
                "false to go on regardless. The last checkpoint is kept"
            )
        if distributed.is_first():
            log.warning("audit: %s: %s", level, said)

    def _look(self, first: int, last: int, history: Sequence[Row]) -> tuple[str, list[str]]:
        rows = self._from(first)
        if not rows:
            return "ok", []
        logged = [row for row in history if first <= row.get("step", 0) <= last]
        found = {name: value for name, value in figures(rows, self.items, logged).items() if name not in FALLING}
        return verdict(found, self.thresholds)

    def _from(self, first: int) -> list[Row]:
        """The rollouts from an update on. The first look reads the whole file, each later one what is new in it."""
        with open(self.rollouts.path, "rb") as file:
            file.seek(self.read)
            rows = [row for line in file if (row := json.loads(line))["step"] >= first]
            self.read = file.tell()
        return rows
