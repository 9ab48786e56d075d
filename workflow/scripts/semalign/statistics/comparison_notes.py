"""What a reader of the comparisons sees of them, and must know."""

from typing import Any

import pandas as pd

from semalign.config.statistics import Primary, Statistics
from semalign.statistics.intervals import about_seeds
from semalign.statistics.retained import Retained

SHOWN = ["task", "a", "b", "measure", "seed", "test", "difference", "interval", "effect", "p", "p_holm", "n"]


def declared(statistics: Statistics, retention: list[Retained]) -> list[tuple[Primary, str]]:
    """The declared comparisons and the column of each."""
    named = {"retention": retention[0].main} if retention else {}
    return [(item, named.get(item.measure, item.measure)) for item in statistics.primary]


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows for reading, as texts."""

    def number(value: Any, form: str) -> str:
        return "" if pd.isna(value) else format(float(value), form)

    table = frame.copy()
    table["interval"] = [
        "" if pd.isna(low) else f"[{number(low, '.3f')}, {number(high, '.3f')}]"
        for low, high in zip(frame["low"], frame["high"], strict=True)
    ]
    table["difference"] = [number(value, "+.3f") for value in frame["difference"]]
    table["effect"] = [number(value, "+.2f") for value in frame["effect"]]
    for column in ("p", "p_holm"):
        table[column] = [number(value, ".2g") for value in frame[column]]
    return table[SHOWN].astype(str)


def note(statistics: Statistics, seeds: int, retention: list[Retained], trained: bool = True) -> str:
    """How to read the rows. trained: whether RL is among what is compared."""
    named = ", ".join(f"{item.task} {measure}" for item, measure in declared(statistics, retention)) or "none"
    parts = [
        f"Comparisons of rl with strong_sft declared beforehand ({named}; seed `all`) are adjusted by Holm in p_holm; "
        "every other row is exploratory and unadjusted."
        if trained
        else "All rows are exploratory and unadjusted.",
        f"Intervals are {statistics.confidence:.0%} percentile bootstrap ({statistics.resamples} resamples, seed "
        f"{statistics.seed}), of whole passages where several questions or tokens share one; sacrebleu's p has "
        "resamples of its own (SACREBLEU_SEED, else 12345).",
        f"seed `all` averages an item's figures over the {seeds} seeds." if trained else "Each model is measured once.",
        "units: what was resampled, or the non-zero differences, discordant or decided items.",
        "All tests are about the test set, given these trained models.",
        about_seeds(seeds) if trained else "They prove nothing about training, of which they see one run each.",
    ]
    return " ".join(parts)
