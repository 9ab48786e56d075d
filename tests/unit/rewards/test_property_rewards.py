"""What must hold of rewards, whatever the texts."""

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.config.data import Language
from semalign.rewards.builtin import (
    Reward,
    above_threshold,
    bleu_reward,
    build_rewards,
    language_reward,
    length_reward,
    similarity_reward,
)

TIBETAN = Language(script="Tibetan", excluded_scripts=["Han"], latin_share=0.1, bleu_tokens="tibetan")
CHINESE = Language(script="Han", excluded_scripts=["Tibetan"], latin_share=0.5, bleu_tokens="zh")

few = settings(max_examples=80, deadline=None)
COSINES = st.floats(-1, 1)
TAUS = st.floats(-1, 0.999)
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


@few
@given(st.integers(-1000, 1000), st.integers(-1000, 999))
def test_the_threshold_reward_is_the_line_between_tau_and_one(similarity: int, tau: int) -> None:
    expected = max(Fraction(0), Fraction(similarity - tau, 1000 - tau))
    assert above_threshold(similarity / 1000, tau / 1000) == pytest.approx(float(expected), abs=1e-12)


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
@given(st.lists(st.text(st.sampled_from("ཀཁགང"), min_size=1, max_size=3), min_size=1, max_size=8))
def test_the_reference_itself_earns_everything(syllables: list[str]) -> None:
    text = "་".join(syllables)
    rewards = build_rewards(["similarity", "language", "bleu", "length"], TIBETAN, embed, 0.5)
    for name, reward in rewards.items():
        assert reward([text], [text], ["北京"]) == pytest.approx([1.0]), name


@few
@given(st.integers(0, 40), st.integers(0, 20), st.booleans())
def test_the_length_reward_is_symmetrical_about_the_reference(own: int, wanted: int, han: bool) -> None:
    def text(count: int) -> str:
        return "京" * count if han else "ཀི་" * count

    expected = max(Fraction(0), 1 - Fraction(abs(own - wanted), wanted)) if wanted else Fraction(0)
    assert length_reward([text(own)], [text(wanted)], [""]) == pytest.approx([float(expected)])
    if own <= 2 * wanted:
        mirrored = length_reward([text(2 * wanted - own)], [text(wanted)], [""])
        assert mirrored == length_reward([text(own)], [text(wanted)], [""])


@few
@given(st.lists(st.sampled_from("ཀཁགང"), min_size=1, max_size=10), st.integers(0, 9))
def test_a_cut_completion_never_gains_bleu(syllables: list[str], kept: int) -> None:
    whole = "་".join(syllables)
    values = [bleu_reward(TIBETAN)(["་".join(syllables[:n])], [whole], [""])[0] for n in range(len(syllables) + 1)]
    assert values == sorted(values)
    assert values[0] == 0.0
    assert values[-1] == pytest.approx(1.0)
    assert all(value < 1.0 for value in values[:-1])
