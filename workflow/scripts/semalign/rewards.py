"""Rewards as functions `(completions, **columns) -> one float a completion`, as trl's GRPO calls them (paper: Reward).

A completion is a conversation of one assistant turn; columns are the data set's, repeated for each completion.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from semalign.config.data import Language
from semalign.languages import language_consistency

Conversation = list[dict[str, str]]
Embed = Callable[[list[str]], np.ndarray]


class Reward(Protocol):
    __name__: str

    def __call__(self, completions: list[Conversation], **columns: Any) -> list[float]: ...


def above_threshold(similarity: float, tau: float) -> float:
    """R_sim: 0 up to τ, then linear to 1 at similarity 1."""
    return 0.0 if similarity <= tau else (similarity - tau) / (1 - tau)


def similarity_reward(embed: Embed, tau: float) -> Reward:
    """R_sim of the cosine between completion and the column `reference`; a blank completion scores 0.

    `embed` maps n texts to an (n, d) array of unit vectors. Each reference is embedded once.

    >>> reward = similarity_reward(embed, tau=0.5)
    >>> reward([[{"role": "assistant", "content": "བོད"}]], reference=["བོད"])
    [1.0]
    """
    known: dict[str, np.ndarray] = {}

    def similarity(completions: list[Conversation], **columns: Any) -> list[float]:
        references: list[str] = columns["reference"]
        new = sorted(set(references) - known.keys())
        if new:
            known.update(zip(new, embed(new), strict=True))
        texts = [completion[0]["content"] for completion in completions]
        cosines = np.einsum("nd,nd->n", embed(texts), np.stack([known[text] for text in references]))
        return [
            above_threshold(float(cosine), tau) if text.strip() else 0.0
            for cosine, text in zip(cosines, texts, strict=True)
        ]

    return similarity


def language_reward(language: Language) -> Reward:
    """R_lang: 1 where a completion is written in the language's script alone, else 0."""

    def language_consistent(completions: list[Conversation], **columns: Any) -> list[float]:
        return [language_consistency(completion[0]["content"], language) for completion in completions]

    return language_consistent
