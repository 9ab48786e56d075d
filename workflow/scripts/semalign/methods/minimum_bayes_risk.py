"""Minimum Bayes risk decoding: of several samples the one most like all of them, by the reward encoder's cosine.

Eikema and Aziz 2022, "Sampling-Based Approximations to Minimum Bayes Risk Decoding for Neural Machine Translation",
arXiv 2108.04718, with an embedding as the utility. Nothing is trained; reading comprehension is answered as without it.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

from semalign.methods.base import WHICH, Counts, Decoded


class Settings(Decoded):
    method: Literal["minimum_bayes_risk"] = WHICH
    strengths: Counts

    unit: ClassVar[str] = "samples"


def choose(samples: list[list[str]], embed: Callable[[list[str]], Any]) -> list[int]:
    """The place, among each prompt's samples, of the one whose mean cosine to all of them is the highest.

    Of equals the first; no blank one where there is another. `embed` gives n texts' unit vectors, shape (n, d).
    """
    import numpy as np

    from semalign.text.matching import is_blank

    vectors = embed([text for own in samples for text in own])
    chosen, start = [], 0
    for own in samples:
        mine = np.asarray(vectors[start : start + len(own)], dtype=np.float64)
        start += len(own)
        # rounded: which of two equal texts is taken must not hang on the last bits of a sum
        utility = (mine @ mine.sum(axis=0)).round(9)
        blank = np.array([is_blank(text) for text in own])
        chosen.append(int(np.argmax(np.where(blank & ~blank.all(), -np.inf, utility))))
    return chosen
