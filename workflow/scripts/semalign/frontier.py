"""The frontier: what a method costs at equal adequacy, not at the end of its training.

SFT's strength is its number of pairs (all its points train alike, on more and more of the same pairs; the base is SFT
on none), RL's its number of steps (the cold start is RL of none). At the similarity that RL ends with, SFT's curve is
read by linear interpolation along its strength; the tax is what the base has lost there.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pandas as pd

from semalign import runs
from semalign.files import read_json

KEYS = ["task", "method", "strength", "model", "seed"]
ADEQUACY = ["similarity", "similarity_independent", "content"]
COSTS = {"cmrc_avg": "points of CMRC AVG", "kl_mean": "nats of KL to the base"}
FIGURES = ["metric", *ADEQUACY, "cmrc_avg", "nll_mean", "kl_mean"]
DIGITS = {"cmrc_avg": 2}


def collect(
    results: Path, tasks: list[str], seeds: list[int], sft_pairs: list[int], rl_steps: list[int], mechanism: bool
) -> pd.DataFrame:
    """One row a task, method, strength and seed; the base stands in every seed's curve."""
    rows = []
    for task in tasks:
        for seed in seeds:
            pairs = read_json(results / task / "strong_sft" / str(seed) / "training.json")["examples"]
            steps = read_json(results / task / "rl" / str(seed) / "training.json")["steps"]
            curves = {
                "sft": {0: "base"} | {n: f"sft-{n}" for n in sorted(sft_pairs)} | {pairs: "strong_sft"},
                "rl": {0: "cold_sft"} | {n: f"rl@{n}" for n in sorted(rl_steps)} | {steps: "rl"},
            }
            for method, points in curves.items():
                for strength, model in points.items():
                    keys = dict(zip(KEYS, (task, method, strength, model, seed), strict=True))
                    rows.append(keys | _figures(results, runs.name(task, model, seed), task, mechanism))
    return pd.DataFrame(rows, columns=[*KEYS, *FIGURES])


def _figures(results: Path, run: str, task: str, mechanism: bool) -> runs.Figures:
    figures = runs.figures(results, run, task)
    if mechanism:
        likelihood = runs.likelihood(results, run)
        figures["nll_mean"] = likelihood["nll"]["mean"]
        figures["kl_mean"] = likelihood["kl"]["mean"] if likelihood["kl"] else 0.0
    return {name: figures.get(name) for name in FIGURES}


def crossing(adequacy: list[float], cost: list[float], target: float) -> float | None:
    """The cost where a curve, walked from its weakest point, first reaches the target adequacy; None if it never does.

    Linear between points; a curve that starts at or above the target is read at its start.
    """
    if adequacy[0] >= target:
        return cost[0]
    for place in range(1, len(adequacy)):
        before, after = adequacy[place - 1], adequacy[place]
        if after >= target:
            share = (target - before) / (after - before)
            return cost[place - 1] + share * (cost[place] - cost[place - 1])
    return None


@dataclass(frozen=True)
class Match:
    """One task's two taxes at the adequacy that RL ends with: values by seed, None where SFT never gets there."""

    task: str
    adequacy: str
    cost: str
    target: list[float]
    sft: list[float | None]
    rl: list[float]

    def both(self) -> list[tuple[float, float]]:
        return [(sft, rl) for sft, rl in zip(self.sft, self.rl, strict=True) if sft is not None]

    def verdict(self) -> str:
        """More than two seeds' worth of evidence is asked for: one sign in all seeds, and a mean beyond two sd."""
        differences = [sft - rl for sft, rl in self.both()]
        if len(differences) < 2 or len(differences) < len(self.rl):
            return "no difference shown"
        one_sign = all(d > 0 for d in differences) or all(d < 0 for d in differences)
        if not one_sign or abs(fmean(differences)) <= 2 * stdev(differences):
            return "no difference shown"
        return "SFT costs more" if differences[0] > 0 else "RL costs more"

    def sentence(self) -> str:
        reached = f"{len(self.both())} of {len(self.rl)} seeds"
        where = f"{self.task}, at the {self.adequacy} that RL ends with ({fmean(self.target):.3f})"
        if not self.both():
            return f"{where}: SFT reaches it in none of {len(self.rl)} seeds."
        sft, rl = zip(*self.both(), strict=True)
        return (
            f"{where}: SFT costs {_spread(list(sft))}, RL {_spread(list(rl))} {COSTS[self.cost]} ({reached} reach it): "
            f"{self.verdict()}."
        )

    def record(self) -> dict[str, Any]:
        differences = [None if sft is None else sft - rl for sft, rl in zip(self.sft, self.rl, strict=True)]
        known = [d for d in differences if d is not None]
        return {
            "task": self.task,
            "adequacy": self.adequacy,
            "cost": self.cost,
            "target": self.target,
            "tax_sft": self.sft,
            "tax_rl": self.rl,
            "difference": differences,
            "difference_mean": fmean(known) if known else None,
            "difference_sd": stdev(known) if len(known) > 1 else None,
            "seeds_reached": len(known),
            "verdict": self.verdict(),
        }


def _spread(values: list[float]) -> str:
    return f"{fmean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


def matches(frame: pd.DataFrame) -> list[Match]:
    """Every task, adequacy measure and cost that was measured; taxes are from the base: CMRC lost, KL gained."""
    found = []
    for task, rows in frame.groupby("task", sort=False):
        for cost in COSTS:
            for adequacy in ADEQUACY:
                if rows[[cost, adequacy]].notna().all().all():
                    found.append(_match(str(task), rows, adequacy, cost))
    return found


def _match(task: str, rows: pd.DataFrame, adequacy: str, cost: str) -> Match:
    target, sft_tax, rl_tax = [], [], []
    for _, by_seed in rows.groupby("seed", sort=False):
        curves = {str(method): curve.sort_values("strength") for method, curve in by_seed.groupby("method")}
        sign = -1 if cost == "cmrc_avg" else 1
        base = float(curves["sft"][cost].iloc[0])
        goal = float(curves["rl"][adequacy].iloc[-1])
        sft = curves["sft"]
        target.append(goal)
        sft_tax.append(crossing(sft[adequacy].tolist(), [sign * (c - base) for c in sft[cost]], goal))
        rl_tax.append(sign * (float(curves["rl"][cost].iloc[-1]) - base))
    return Match(task, adequacy, cost, target, sft_tax, rl_tax)


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Means ± standard deviation over seeds of each point, as texts."""
    lines = []
    for (task, method, strength, model), group in frame.groupby(["task", "method", "strength", "model"], sort=False):
        keys = {"task": task, "method": method, "strength": str(strength), "model": model}
        lines.append(keys | {name: _cell(group[name].astype(float), name, str(model)) for name in FIGURES})
    return pd.DataFrame(lines)


def _cell(values: pd.Series, name: str, model: str) -> str:
    if values.isna().all():
        return ""
    digits = DIGITS.get(name, 4)
    spread = f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 and model != "base" else ""
    return f"{values.mean():.{digits}f}{spread}"


def note(found: list[Match]) -> str:
    """What the frontier says, from its figures alone."""
    rule = (
        "strength: pairs (sft; base is none), steps (rl; cold_sft is none). ± is over seeds (ddof 1). The tax is what "
        "the base loses: RL's at its end, SFT's interpolated along strength where it first reaches RL's adequacy; a "
        "difference is called one only if all seeds reach it with one sign and their mean lies beyond two standard "
        "deviations: a declared rule, no test."
    )
    return "\n\n".join([rule, *(match.sentence() for match in found)])
