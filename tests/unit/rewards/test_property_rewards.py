"""What must hold of rewards, whatever the texts."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.config.data import Language
from semalign.rewards.builtin import (
    Reward,
    bleu_reward,
    language_reward,
    length_reward,
    similarity_reward,
)

TIBETAN = Language(script="Tibetan", excluded_scripts=["Han"], latin_share=0.1, bleu_tokens="tibetan")
CHINESE = Language(script="Han", excluded_scripts=["Tibetan"], latin_share=0.5, bleu_tokens="zh")

few = settings(max_examples=80, deadline=None)
TEXTS = st.text(st.sampled_from("ཀཁགངི་། 北京abé1 \n"), max_size=14)
BATCHES = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=6)


def embed(texts: list[str]) -> np.ndarray:
    """A unit vector that depends on a text's characters alone."""
    vectors = np.array([np.bincount([ord(c) % 7 for c in text] + [0], minlength=7) + 0.1 for text in texts])
    signs = np.array([[(-1.0) ** (len(text) % 2), *[1.0] * 6] for text in texts])
    return vectors * signs / np.linalg.norm(vectors, axis=1, keepdims=True)


REWARDS: dict[str, Reward] = {
    "similarity": similarity_reward(embed, 0.3),
    "language": language_reward(TIBETAN),
    "bleu": bleu_reward(TIBETAN),
    "bleu zh": bleu_reward(CHINESE),
    "length": length_reward,
}
every_reward = pytest.mark.parametrize("name", REWARDS)


# R_sim


# Every reward


@every_reward
@few
@given(batch=BATCHES, order=st.randoms(use_true_random=False))
def test_a_permuted_batch_has_permuted_figures(
    name: str, batch: list[tuple[str, str, str]], order: random.Random
) -> None:
    places = list(range(len(batch)))
    order.shuffle(places)
    figures = REWARDS[name](*map(list, zip(*batch, strict=True)))
    permuted = REWARDS[name](*map(list, zip(*[batch[place] for place in places], strict=True)))
    assert permuted == pytest.approx([figures[place] for place in places], abs=1e-12)
    assert all(-1e-12 <= figure <= 1 + 1e-12 for figure in figures)
    assert len(figures) == len(batch)


@every_reward
@few
@given(batch=BATCHES, blank=st.sampled_from(["", " ", "\n\t", "\u3000 ", "\u200b\ufeff"]))
def test_a_blank_completion_earns_nothing(name: str, batch: list[tuple[str, str, str]], blank: str) -> None:
    references = [reference for _, reference, _ in batch]
    assert REWARDS[name]([blank] * len(batch), references, references) == [0.0] * len(batch)


@few
@given(st.lists(st.sampled_from("ཀཁགང"), min_size=1, max_size=10), st.integers(0, 9))
def test_a_cut_completion_never_gains_bleu(syllables: list[str], kept: int) -> None:
    whole = "་".join(syllables)
    values = [bleu_reward(TIBETAN)(["་".join(syllables[:n])], [whole], [""])[0] for n in range(len(syllables) + 1)]
    assert values == sorted(values)
    assert values[0] == 0.0
    assert values[-1] == pytest.approx(1.0)
    assert all(value < 1.0 for value in values[:-1])
