"""The audit's verdict on a run: its answers against the references, its slots against its cold start, its training."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from semalign.metrics.collapse import FALLING, Level, verdict, worst
from semalign.runtime.files import read_json
from semalign.statistics import runs

Thresholds = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Verdict:
    """A run's level and why, in words, the worst first; and the figures behind it.

    slots: accuracy by slot against the cold start's (`slots_against`); rollouts: the level of each tenth of the
    updates. Both are empty where there is nothing to read: outside the miniature, or of a run that is not RL.
    """

    task: str
    run: str
    start: str | None
    level: Level
    reasons: list[str]
    figures: dict[str, Any]
    slots: dict[str, dict[str, Any]]
    rollouts: list[dict[str, Any]]

    @property
    def worse(self) -> list[str]:
        """The slots that are worse than the cold start's, and the values of others, as "polarity=no"."""
        slots = [slot for slot, found in self.slots.items() if found["worse"]]
        return slots + [f"{slot}={value}" for slot, value, _ in _worse_values(self.slots)]

    @property
    def is_no_gain(self) -> bool:
        """Whether it must not be called a gain over its cold start, whatever the scores say."""
        return self.start is not None and (self.level == "collapsed" or bool(self.worse))

    def content(self) -> dict[str, Any]:
        """For a table's sidecar."""
        return {"level": self.level, "reasons": self.reasons, "is_no_gain": self.is_no_gain} | {
            "figures": self.figures,
            "slots": self.slots,
            "rollouts": self.rollouts,
        }


def of_run(
    results: Path,
    task: str,
    model: str,
    seed: int | None,
    thresholds: Thresholds,
    confidence: float,
    start: str | None = None,
    training: Mapping[str, Any] | None = None,
) -> Verdict:
    """The verdict on a model's run. `start`: the cold start that it went on from, to which its slots are compared;
    None: it is no such run. `training`: the report of its training, where that is RL."""
    run = runs.name(task, model, seed)
    tenths = list((training or {}).get("rollouts", []))
    figures, level, reasons = of_answers(results, run, task, thresholds, tenths)
    slots = {}
    if start:
        items, before = (runs.items(results, name, task) for name in (run, runs.name(task, start, seed)))
        slots = slots_against(items, before, confidence) if "slots" in items and "slots" in before else {}
    lost = [_slot_in_words(slot, found) for slot, found in slots.items() if found["worse"]]
    lost += [_value_in_words(slot, value, found) for slot, value, found in _worse_values(slots)]
    if lost:
        level, reasons = worst([level, "warning"]), [*reasons, *lost]
    return Verdict(task, run, start, level, reasons, figures, slots, [_rollouts(tenth, thresholds) for tenth in tenths])


def of_answers(
    results: Path, run: str, task: str, thresholds: Thresholds, tenths: Sequence[Mapping[str, Any]] = ()
) -> tuple[dict[str, Any], Level, list[str]]:
    """Figures, level and reasons of a run's answers alone. `tenths`: the `rollouts` in the report of its training,
    where that is RL."""
    figures: dict[str, Any] = dict(runs.details(results, run)["text"][task]["collapse"])
    figures |= {name: _left(tenths, name) for name in FALLING}
    return figures, *verdict(figures, thresholds)


def of_rl(results: Path, task: str, seed: int, thresholds: Thresholds, confidence: float) -> Verdict:
    """The verdict on the paper's RL, which went on from the cold start of its seed."""
    report = read_json(results / runs.name(task, "rl", seed) / "training.json")
    return of_run(results, task, "rl", seed, thresholds, confidence, start="cold_sft", training=report)


def slots_against(items: pd.DataFrame, before: pd.DataFrame, confidence: float) -> dict[str, dict[str, Any]]:
    """By slot: the share of the items told rightly, and before; how many items lost it and won it, and n; and `values`,
    the same for the items of each value of the slot ("polarity": {"yes": …, "no": …}).

    `worse` of a slot: lower, and the exact two-sided McNemar test of the lost against the won has p < 1 − confidence.
    Not adjusted for the number of slots: a loss missed here is called a gain elsewhere, the costlier error.
    `worse` of a value: likewise, but with p adjusted by Holm over all values of all slots, of which there are many.
    """
    pairs: dict[str, dict[str, list[tuple[bool, bool]]]] = defaultdict(lambda: defaultdict(list))
    rows = zip(items["slots"], items["facts"], before["slots"].reindex(items.index), strict=True)
    for now, facts, then in rows:
        for slot, told in now.items():
            pairs[slot][facts[slot]].append((told, then[slot]))
    found = {}
    for slot, by_value in pairs.items():
        found[slot] = _against([pair for told in by_value.values() for pair in told])
        found[slot]["worse"] = _is_lower(found[slot]) and found[slot]["p"] < 1 - confidence
        found[slot]["values"] = {value: _against(told) for value, told in sorted(by_value.items())}
    every = [value for slot in found.values() for value in slot["values"].values()]
    adjusted = multipletests([value["p"] for value in every], method="holm")[1] if every else []
    for value, p in zip(every, adjusted, strict=True):
        value |= {"p_holm": float(p), "worse": _is_lower(value) and bool(p < 1 - confidence)}
    return found


def _against(told: Sequence[tuple[bool, bool]]) -> dict[str, Any]:
    """Of pairs of now and then, each whether an item tells it."""
    lost, won = (sum(pair == kind for pair in told) for kind in ((False, True), (True, False)))
    return {
        "value": sum(now for now, _ in told) / len(told),
        "cold_start": sum(then for _, then in told) / len(told),
        "lost": lost,
        "won": won,
        "n": len(told),
        "p": float(mcnemar([[0, won], [lost, 0]], exact=True).pvalue) if lost + won else 1.0,
    }


def _worse_values(slots: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (slot, value, told) for slot, found in slots.items() for value, told in found["values"].items() if told["worse"]
    ]


def _is_lower(found: Mapping[str, Any]) -> bool:
    return found["lost"] > found["won"]


def _slot_in_words(slot: str, found: Mapping[str, Any]) -> str:
    return (
        f"the {slot} is right in {100 * found['value']:.0f}% after {100 * found['cold_start']:.0f}% of the cold start "
        f"(lost in {found['lost']} items, won in {found['won']}, p {found['p']:.2g})"
    )


def _value_in_words(slot: str, value: str, found: Mapping[str, Any]) -> str:
    return (
        f"{slot} “{value}” is right in {round(found['value'] * found['n'])} of {found['n']} items after "
        f"{round(found['cold_start'] * found['n'])} of the cold start (p {found['p_holm']:.2g}, Holm)"
    )


def _left(tenths: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """The last tenth's figure as a share of the first's."""
    first, last = (tenths[0][name], tenths[-1][name]) if len(tenths) > 1 else (None, None)
    return last / first if first and last is not None else None


def _rollouts(tenth: dict[str, Any], thresholds: Thresholds) -> dict[str, Any]:
    level, reasons = verdict({name: value for name, value in tenth.items() if name not in FALLING}, thresholds)
    return {"first": tenth["first"], "last": tenth["last"], "level": level, "reasons": reasons}


def by_run(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """For a table's sidecar, by run; by task, too, where a run answers several."""
    return {
        f"{found.task}/{found.run}" if runs.is_alone(found.run) else found.run: found.content() for found in verdicts
    }


def remark(found: Verdict) -> str:
    """A line for a reader; empty of a run that is as it should be."""
    if found.level == "ok":
        return ""
    lower = [slot for slot, told in found.slots.items() if told["lost"] > told["won"] and not told["worse"]]
    shares = [
        f"{slot} {100 * found.slots[slot]['cold_start']:.0f}% → {100 * found.slots[slot]['value']:.0f}%"
        for slot in lower
    ]
    by_chance = f"; lower than in the cold start, but perhaps by chance: {', '.join(shares)}" if shares else ""
    gain = "; no gain over its cold start, whatever its scores say" if found.is_no_gain else ""
    of = found.run
    if runs.is_alone(found.run):
        of = f"{'the base' if found.run == 'base' else runs.label(found.run)} on {found.task}"
    return f"Audit of {of}: {found.level}{gain}: {'; '.join(found.reasons)}{by_chance}."
