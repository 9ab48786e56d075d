"""Multiple choice by likelihood: which choice the model finds likeliest after the prompt, in percent.

`acc` takes the choice of the largest sum of log p, `acc_norm` that of the largest sum over the choice's bytes in UTF-8,
since a longer choice has a smaller sum (as EleutherAI's lm-evaluation-harness has it, which counts characters in some
versions and bytes in others). The first of equals is taken.
"""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from semalign.runtime.errors import InputError
from semalign.runtime.files import Row


def chosen(sums: Sequence[float], choices: Sequence[str]) -> tuple[int, int]:
    """The places of the likeliest choice, and of the likeliest by byte."""
    by_byte = [value / len(choice.encode()) for value, choice in zip(sums, choices, strict=True)]
    return max(range(len(sums)), key=sums.__getitem__), max(range(len(sums)), key=by_byte.__getitem__)


def score_choices(rows: Sequence[Row], sums: Sequence[Sequence[float]]) -> tuple[dict[str, Any], list[Row]]:
    """Figures in percent with n and floor (1 over the number of choices, mean over items), and figures by item.

    Rows hold `id`, `group`, `choices` and `label`, the place of the right one; `sums` each choice's log-likelihood.
    """
    if not rows:
        raise InputError("no items to score: the test set is empty")
    items = []
    for row, own in zip(rows, sums, strict=True):
        taken, normalised = chosen(own, row["choices"])
        items.append(
            {
                "id": row["id"],
                "group": row["group"],
                "label": row["label"],
                "chosen": taken,
                "chosen_norm": normalised,
                "acc": 100.0 * (taken == row["label"]),
                "acc_norm": 100.0 * (normalised == row["label"]),
                "log_likelihoods": list(own),
            }
        )
    scores = {
        "acc": fmean(item["acc"] for item in items),
        "acc_norm": fmean(item["acc_norm"] for item in items),
        "n": len(items),
        "floor": 100.0 * fmean(1 / len(row["choices"]) for row in rows),
    }
    return scores, items
