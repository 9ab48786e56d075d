"""Rewards against values worked out by hand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from semalign.config.data import Language
from semalign.rewards.builtin import (
    above_threshold,
    bleu_reward,
    build_rewards,
    for_trl,
    language_reward,
    length_reward,
    similarity_reward,
    user_reward,
)
from semalign.rewards.loading import load_rewards
from semalign.runtime.errors import InputError
from semalign.runtime.user_functions import find_function

TIBETAN = Language(script="Tibetan", excluded_scripts=["Han"], latin_share=0.1, bleu_tokens="tibetan")

VECTORS = {"བ": (1.0, 0.0), "ཀ": (0.6, 0.8), "ཁ": (-1.0, 0.0), " ": (1.0, 0.0)}


def test_reward_is_linear_above_tau_and_zero_below() -> None:
    assert above_threshold(0.5, 0.5) == 0.0
    assert above_threshold(0.2, 0.5) == 0.0
    assert above_threshold(0.75, 0.5) == 0.5
    assert above_threshold(1.0, 0.5) == 1.0
    assert above_threshold(0.0, -1.0) == 0.5
    assert above_threshold(1.0000001, 1.0) == 0.0
    assert above_threshold(1.0000001, 0.9999999) == pytest.approx(1.0)


def test_similarity_reward_is_the_rescaled_cosine_and_blank_earns_nothing() -> None:
    seen: list[list[str]] = []

    def embed(texts: list[str]) -> np.ndarray:
        seen.append(texts)
        return np.array([VECTORS[text] for text in texts])

    reward = similarity_reward(embed, tau=0.2)
    assert reward(["བ", "ཀ", "ཁ", " "], ["བ"] * 4, [""] * 4) == pytest.approx([1.0, 0.5, 0.0, 0.0])
    reward(["ཀ"], ["བ"], [""])
    assert seen.count(["བ"]) == 1, "a reference is embedded once"


def test_language_reward_wants_one_script() -> None:
    texts = ["བོད་ཡིག", "བོད་书", "书", "", "བོད་ OK"]
    assert language_reward(TIBETAN)(texts, texts, texts) == [1.0, 0.0, 0.0, 0.0, 0.0]


def test_bleu_reward_scores_a_short_exact_match_in_full() -> None:
    assert bleu_reward(TIBETAN)(["བོད་ཡིག", "ཆུ"], ["བོད་ཡིག", "མེ"], ["", ""]) == pytest.approx([1.0, 0.0])


def test_length_reward_falls_to_nothing_at_twice_the_length() -> None:
    four = "ཀ་ཁ་ག་ང"
    completions = [four, "ཀ་ཁ་ག", "ཀ་ཁ་ག་ང་ཅ་ཆ", f"{four}་{four}", "", f"{four}་{four}་{four}"]
    assert length_reward(completions, [four] * 6, [""] * 6) == [1.0, 0.75, 0.5, 0.0, 0.0, 0.0]
    assert length_reward(["ཀ"], [""], [""]) == [0.0]
    assert length_reward(["กินข้าว", "Müller"], ["กินข้าวกินข้าว", "Müller Müller"], ["", ""]) == [0.5, 0.5]


@pytest.mark.parametrize("blank", ["", "\n\t", "\u3000 ", "\u200b\ufeff"])
def test_a_blank_completion_earns_nothing(blank: str) -> None:
    def embed(texts: list[str]) -> np.ndarray:
        return np.ones((len(texts), 1))

    for reward in (similarity_reward(embed, 0.3), language_reward(TIBETAN), bleu_reward(TIBETAN), length_reward):
        assert reward([blank, "བོད"], ["བོད", "བོད"], ["", ""]) == pytest.approx([0.0, 1.0])


def test_trl_calls_a_reward_by_its_name_with_texts() -> None:
    called = for_trl(
        "mine:words", lambda completions, references, sources: [len(completions[0] + references[0] + sources[0])]
    )
    turns = [[{"role": "assistant", "content": "abc"}]]
    assert called(turns, reference=["de"], source=["f"], id=["1"]) == [6]
    assert called.__name__ == "mine:words"


def test_a_job_without_an_encoder_has_rewards_and_no_threshold() -> None:
    nothing = SimpleNamespace(encoder=[], threshold=[])
    rewards, tau = load_rewards({"language": 1.0, "length": 0.5}, TIBETAN.model_dump(), nothing, "cpu")
    assert {name: reward(["བོད་ OK"], ["བོད་ཡིག"], [""]) for name, reward in rewards.items()} == {
        "language": [0.0],
        "length": [1.0],
    }
    assert tau is None


def test_only_the_named_rewards_are_built() -> None:
    assert list(build_rewards(["bleu", "length"], TIBETAN, None, None)) == ["bleu", "length"]
    with pytest.raises(ValueError, match="needs an encoder"):
        build_rewards(["similarity"], TIBETAN, None, None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own_rewards.py").write_text(
        "def words(completions, references, sources):\n    return [len(c) for c in completions]\n"
    )
    (tmp_path / "random.py").write_text("def f(c, r, s):\n    return [3.0] * len(c)\n")
    (tmp_path / "modern.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom functools import partial\n"
        "@dataclass\nclass Unit:\n    size: int\n"
        "def f(c, r, s, unit=Unit(1)):\n    import own_rewards\n    return [float(unit.size)] * len(c)\n"
        "g = partial(f, unit=Unit(2))\n"
    )
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "inner.py").write_text("def f(c, r, s):\n    return [0.0] * len(c)\n")
    return tmp_path


def test_a_users_own_reward(folder: Path) -> None:
    assert user_reward("own_rewards:words", folder)(["ab", "c"], ["", ""], ["", ""]) == [2.0, 1.0]
    assert user_reward("random:f", folder)(["a"], [""], [""]) == [3.0], "not the standard library's"
    assert user_reward("modern:f", folder)(["a"], [""], [""]) == [1.0]
    assert user_reward("modern:g", folder)(["a"], [""], [""]) == [2.0]
    assert find_function("own_rewards:words", folder, "rl.rewards") == folder / "own_rewards.py"
    assert find_function("pack.inner:f", folder, "rl.rewards") == folder / "pack" / "inner.py"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("not_there:f", r"no module not_there in .*; put not_there\.py there"),
        ("pack:f", "no module pack"),
        ("own_rewards.py:words", r"own_rewards\.py:words: write the module without \.py: own_rewards:words"),
    ],
)
def test_a_users_reward_is_looked_for_before_anything_runs(folder: Path, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_function(name, folder, "rl.rewards")
