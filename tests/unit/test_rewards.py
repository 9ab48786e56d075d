"""Rewards against values worked out by hand."""

import numpy as np
import pytest

from semalign.config.data import Language
from semalign.rewards import Conversation, above_threshold, language_reward, similarity_reward

TIBETAN = Language(script="Tibetan", excluded_scripts=["Han"], latin_share=0.1, bleu_tokens="tibetan")

VECTORS = {"བ": (1.0, 0.0), "ཀ": (0.6, 0.8), "ཁ": (-1.0, 0.0), " ": (1.0, 0.0)}


def turns(*texts: str) -> list[Conversation]:
    return [[{"role": "assistant", "content": text}] for text in texts]


def test_reward_is_linear_above_tau_and_zero_below() -> None:
    assert above_threshold(0.5, 0.5) == 0.0
    assert above_threshold(0.2, 0.5) == 0.0
    assert above_threshold(0.75, 0.5) == 0.5
    assert above_threshold(1.0, 0.5) == 1.0
    assert above_threshold(0.0, -1.0) == 0.5


def test_similarity_reward_is_the_rescaled_cosine_and_blank_earns_nothing() -> None:
    seen: list[list[str]] = []

    def embed(texts: list[str]) -> np.ndarray:
        seen.append(texts)
        return np.array([VECTORS[text] for text in texts])

    reward = similarity_reward(embed, tau=0.2)
    columns = {"reference": ["བ"] * 4}
    assert reward(turns("བ", "ཀ", "ཁ", " "), **columns) == pytest.approx([1.0, 0.5, 0.0, 0.0])
    reward(turns("ཀ"), reference=["བ"])
    assert seen.count(["བ"]) == 1, "a reference is embedded once"


def test_language_reward_wants_one_script() -> None:
    reward = language_reward(TIBETAN)
    assert reward(turns("བོད་ཡིག", "བོད་书", "书", "", "བོད་ OK")) == [1.0, 0.0, 0.0, 0.0, 0.0]
