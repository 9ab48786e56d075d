"""τ, below which the similarity reward is 0, and signs that a cold start is too weak for RL."""

from collections.abc import Sequence
from typing import Any

import numpy as np

HIGHEST = 0.99
"""The most that τ is: R_sim divides by 1 − τ, and nearer to 1 the rounding of a cosine decides what an answer earns."""
CUT = 0.25  # of the dev answers: from here on the model does not end its answers


def threshold(similar: Sequence[float], unrelated: Sequence[float], quantile: float) -> dict[str, Any]:
    """`tau`, a quantile of the cold start's similarities (paper: minimal adequacy after cold start) but at most
    `HIGHEST`, and beside it `floor`, the same quantile of the similarities of `unrelated` references."""
    return {
        "tau": min(float(np.quantile(similar, quantile)), HIGHEST),
        "floor": float(np.quantile(unrelated, quantile)),
        "quantile": quantile,
        "n": len(similar),
        "mean": float(np.mean(similar)),
    }


def doubts(measured: dict[str, Any], name: str) -> list[str]:
    """Reasons against RL from this cold start, a sentence each. `measured`: a threshold.json; `name`: its path."""
    found = []
    if measured["tau"] <= measured["floor"]:
        found.append(
            f"{name}: τ {measured['tau']:.3f} is no higher than what unrelated references score "
            f"({measured['floor']:.3f}): the cold start has not learnt the task, and RL will reward any text; train "
            "it on more pairs, for longer, or at a higher rate (cold_sft)"
        )
    if measured["truncated"] >= CUT * measured["n"]:
        found.append(
            f"{name}: {measured['truncated']} of {measured['n']} answers of the cold start are cut at max_new_tokens: "
            "it does not end its answers, or references are longer; train it for longer, or raise max_new_tokens"
        )
    return found
