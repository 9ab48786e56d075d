"""What the judge compares: RL with strong SFT, and each model that was trained elsewhere with its opponents."""

from typing import TYPE_CHECKING

from semalign.statistics.judgements import OURS, Pair
from semalign.statistics.runs import GIVEN

if TYPE_CHECKING:
    from semalign.preflight.root import Config

TRAINED = ("strong_sft", "rl")
"""Opponents that are trained here."""


def opponents(config: "Config") -> dict[str, list[str]]:
    """The opponents of each model that was trained elsewhere; empty without a judge."""
    if config.judge.kind == "none":
        return {}
    usual = ["strong_sft" if config.train else "base"]
    return {
        f"{GIVEN}{name}": [
            f"{GIVEN}{other}" if other in config.models else other
            for other in (usual if entry.judged_against is None else entry.judged_against)
        ]
        for name, entry in sorted(config.models.items())
    }


def pairs(config: "Config", task: str) -> list[Pair]:
    """The pairs of models whose answers to a task the judge compares."""
    if config.judge.kind == "none":
        return []
    answering = {
        f"{GIVEN}{name}" for name, entry in config.models.items() if entry.tasks is None or task in entry.tasks
    }
    found = [
        Pair(other, model)
        for model, others in opponents(config).items()
        for other in others
        if model in answering and (other in answering or not other.startswith(GIVEN))
    ]
    return [*([OURS] if config.train else []), *found]


def comparisons(config: "Config", task: str) -> dict[str, tuple[Pair, int]]:
    """The pair and seed of each comparison of a task, by the name of its files."""
    return {name: (pair, seed) for pair in pairs(config, task) for name, seed in pair.names(config.seeds).items()}


def problem(config: "Config") -> str | None:
    """The first error among the entries' opponents, with its config key; None if there is none."""
    for name, entry in config.models.items():
        known = ["base", *(TRAINED if config.train else ()), *(other for other in config.models if other != name)]
        for other in entry.judged_against or ():
            if other not in known:
                trained = "; nothing is trained (train: false)" if other in TRAINED else ""
                return f"models.{name}.judged_against: {other!r} is not one of {', '.join(known)}{trained}"
            their_tasks = config.models[other].tasks if other in config.models else None
            if entry.tasks and their_tasks and not {*entry.tasks} & {*their_tasks}:
                return f"models.{name}.judged_against: {other} answers none of the tasks of {name}"
    return None
