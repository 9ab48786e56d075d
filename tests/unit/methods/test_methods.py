"""The methods' arithmetic by hand: preferences, replay, interpolation, minimum Bayes risk; their settings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semalign.config.training import Lora
from semalign.methods import dpo, grpo_kl, interpolation, minimum_bayes_risk, replay
from semalign.methods.base import Decoded, Trained, TrainingInputs
from semalign.policy.candidates import by_prompt, scored
from semalign.policy.models import load_policy, new_adapter, save_adapter
from semalign.preflight.methods import NAMES, method
from semalign.preflight.root import Config, validate
from semalign.rewards.builtin import Reward, length_reward, repetition_reward
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.runtime.workspace import Workspace
from tests.conftest import PAIRS
from tests.unit.policies import stirred
from tests.unit.shipped import SHIPPED, changed


def candidates(*groups: list[float]) -> list[Row]:
    """Those of a prompt each, by what they earned."""
    return [
        {"id": f"p{number}", "source": f"s{number}", "completion": f"{number}.{place}", "reward": reward}
        for number, rewards in enumerate(groups)
        for place, reward in enumerate(rewards)
    ]


def test_candidates_are_scored_as_rl_would() -> None:
    rows = [{"id": "a", "source": "x", "target": "ཀ་ཁ"}, {"id": "b", "source": "y", "target": "ག"}]
    rewards: dict[str, Reward] = {"length": length_reward, "repetition": repetition_reward}
    found = scored(rows, [["ཀ", "ཀ་ཁ"], ["ག་ང་ཅ", ""]], rewards, {"length": 2.0, "repetition": 0.5})
    assert [(row["id"], row["source"], row["completion"]) for row in found] == [
        ("a", "x", "ཀ"),
        ("a", "x", "ཀ་ཁ"),
        ("b", "y", "ག་ང་ཅ"),
        ("b", "y", ""),
    ]
    assert [row["length"] for row in found] == [0.5, 1.0, 0.0, 0.0]
    assert [row["reward"] for row in found] == [1.5, 2.5, 0.5, 0.5]  # none repeats itself


def test_repetition_is_the_share_of_fourgrams_that_came_before() -> None:
    texts = ["ཀ་ཁ་ག་ང", "ཀ་ཁ་ཀ་ཁ་ཀ་ཁ", "ཀ", ""]
    # of ཀཁཀཁ ཁཀཁཀ ཀཁཀཁ the third is the first again
    assert repetition_reward(texts, [], []) == pytest.approx([1, 2 / 3, 1, 1])


def test_candidates_of_the_first_prompts() -> None:
    groups = by_prompt(candidates([1.0, 2.0], [3.0], [4.0]), 2, "frontier.methods.dpo.strengths")
    assert [[row["completion"] for row in own] for own in groups] == [["0.0", "0.1"], ["1.0"]]
    with pytest.raises(InputError, match=r"key frontier\.methods\.dpo\.strengths: 4 prompts .*, and RL has 3"):
        by_prompt(candidates([1.0], [3.0], [4.0]), 4, "frontier.methods.dpo.strengths")


def test_the_best_is_preferred_to_the_worst() -> None:
    groups = by_prompt(candidates([0.5, 2.0, 0.1, 2.0], [1.0, 1.0], [0.0, 3.0]), 3, "")
    assert dpo.preferences(groups) == [
        {"source": "s0", "chosen": "0.1", "rejected": "0.2"},
        {"source": "s2", "chosen": "2.1", "rejected": "2.0"},
    ]
    with pytest.raises(InputError, match="nothing is preferred"):
        dpo.preferences(groups[1:2])


@pytest.mark.parametrize(("pairs", "share", "wanted"), [(80, 0.2, 20), (3, 0.5, 3), (2, 0.75, 6)])
def test_replay_makes_up_its_share_of_all_examples(pairs: int, share: float, wanted: int) -> None:
    texts = [{"text": str(n)} for n in range(40)]
    found = replay.drawn(texts, pairs, share, seed=1)
    assert len(found) == wanted
    assert len({row["text"] for row in found}) == wanted  # none twice
    assert found == replay.drawn(texts, pairs, share, seed=1) != replay.drawn(texts, pairs, share, seed=2)


def test_more_replay_than_there_is() -> None:
    with pytest.raises(InputError, match=r"a share of 0\.5 beside 3 pairs takes 3 texts, and there are 2"):
        replay.drawn([{"text": "a"}, {"text": "b"}], 3, 0.5, seed=0)


# Minimum Bayes risk

AT = {"north": 0.0, "near": 20.0, "east": 90.0, " ": 15.0}  # degrees of a text's vector


def embed(texts: list[str]) -> np.ndarray:
    angles = np.radians([AT[text] for text in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_the_sample_most_like_all_of_them_is_chosen() -> None:
    # near: cos 20° + cos 70° = 1.28; north: cos 20° + cos 90° = 0.94; east: cos 90° + cos 70° = 0.34
    assert minimum_bayes_risk.choose([["north", "near", "east"], ["east"], ["near", "north"]], embed) == [1, 0, 0]


def test_what_is_said_most_often_is_chosen() -> None:
    assert minimum_bayes_risk.choose([["near", "east", "east", "east"]], embed) == [1]


def test_a_blank_sample_is_chosen_from_blank_ones_alone() -> None:
    assert minimum_bayes_risk.choose([["north", " ", "near"], [" ", " "]], embed) == [2, 0]


def test_pairs_that_there_are_not(tiny_policy: Path, workspace: Workspace) -> None:
    there = given_adapter(tiny_policy, None, workspace)
    assert there.first(3) == PAIRS[:3]
    with pytest.raises(InputError, match=r"key frontier\.methods\.mine\.strengths: 17 pairs .*, and there are 16"):
        there.first(17)


# Interpolation


def given_adapter(policy: Path, adapter: Path | None, workspace: Workspace, **more: Any) -> TrainingInputs:
    values: dict[str, Any] = {
        "name": "mine",
        "base": policy,
        "policy": {"dtype": "float32", "device": "cpu"},
        "adapter": adapter,
        "pairs": PAIRS,
        "candidates": [],
        "replay": [],
        "prompt": "{source}",
        "rewards": {},
        "weights": {},
        "recipes": {},
        "seed": 0,
        "workspace": workspace,
    }
    return TrainingInputs(**values | more)


def layer_of(model: Any) -> Any:
    return model.base_model.model.model.layers[0].mlp.up_proj


@pytest.fixture
def adapted(tiny_policy: Path, tmp_path: Path) -> tuple[Path, torch.Tensor, torch.Tensor]:
    """A random adapter, and a layer's weight without and with it."""
    base, _ = load_policy(tiny_policy, "float32", "cpu")
    model = stirred(new_adapter(base, Lora(rank=4, alpha=8, dropout=0.0), seed=0), 1.0, "lora_B")
    save_adapter(model, tmp_path / "adapter")
    layer = layer_of(model)
    return tmp_path / "adapter", layer.base_layer.weight.detach(), layer.get_delta_weight("default").detach()


@pytest.mark.parametrize("weight", [0.25, 0.5])
def test_interpolated_weights_lie_between(
    weight: float, adapted: tuple[Path, torch.Tensor, torch.Tensor], tiny_policy: Path, workspace: Workspace
) -> None:
    adapter, base, change = adapted
    settings = interpolation.Settings(method="interpolation", of="strong_sft", strengths=(weight,))
    model, report, history = interpolation.train(settings, weight, given_adapter(tiny_policy, adapter, workspace))
    layer = layer_of(model)
    merged = layer.base_layer.weight + layer.get_delta_weight("default")
    assert torch.allclose(merged, (1 - weight) * base + weight * (base + change), atol=1e-6)
    assert torch.equal(layer.base_layer.weight, base)
    assert (report["steps"], report["weight"], history) == (0, weight, [])


# Settings

ENTRIES = SHIPPED["frontier"]["methods"]


def miniature(**changes: Any) -> Config:
    return validate(changed("frontier.methods", ENTRIES | changes))


def test_every_method_is_in_the_miniature_and_says_what_it_is() -> None:
    assert {entry["method"] for entry in ENTRIES.values()} == set(NAMES)
    for name in NAMES:
        module = method(name)
        assert "arXiv" in module.__doc__
        assert module.Settings.model_fields["method"].annotation.__args__ == (name,)
        assert callable(module.train if issubclass(module.Settings, Trained) else module.choose)


def test_the_ends_of_each_curve() -> None:
    ends = {name: (entry.start_model, entry.limit_model) for name, entry in miniature().methods().items()}
    assert ends == {
        "dpo": ("cold_sft", None),
        "best_of_n": ("cold_sft", None),
        "replay": ("base", None),
        "kl_sft": ("base", None),
        "grpo_kl_cold": ("cold_sft", "rl"),
        "grpo_kl_base": ("cold_sft", "rl"),
        "grpo_guard": ("cold_sft", None),
        "interpolation": ("base", "strong_sft"),
        "mbr": ("cold_sft", None),
    }


def test_a_stronger_kl_comes_first() -> None:
    assert grpo_kl.Settings(method="grpo_kl", reference="base", strengths=(0.5, 0.1)).strengths == (0.5, 0.1)


def dumped(name: str, **changes: Any) -> dict[str, Any]:
    entry: dict[str, Any] = ENTRIES[name]
    return entry | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dpo": dumped("dpo", strengths=[1600, 400])}, r"methods\.dpo: strengths: \[1600, 400\] must rise"),
        ({"dpo": dumped("dpo", strengths=[])}, r"methods\.dpo\.strengths: .* at least 1 item"),
        ({"dpo": dumped("dpo", strengths=[0.5])}, r"methods\.dpo\.strengths\.0: .* valid integer"),
        ({"dpo": dumped("dpo", micro_batch_size=3)}, r"methods\.dpo: micro_batch_size must divide batch_size"),
        ({"dpo": dumped("dpo", share=0.1)}, r"methods\.dpo\.share: unknown key"),
        ({"dpo": dumped("dpo", method="ppo")}, r"methods\.dpo: method: 'ppo' is not one of 'best_of_n', 'dpo'"),
        ({"dpo": {"strengths": [1]}}, r"methods\.dpo: `method` is missing"),
        ({"kl_sft": dumped("kl_sft", strengths=[2601])}, r"methods\.kl_sft\.strengths: 2601 pairs .* have 2600"),
        ({"grpo_kl_base": dumped("grpo_kl_base", strengths=[0.1, 0.5])}, r"grpo_kl_base: strengths: .* must fall"),
        ({"interpolation": dumped("interpolation", strengths=[0.5, 1])}, "must be below 1, which is strong_sft itself"),
        ({"grpo_guard": dumped("grpo_guard", guard={"brevity": 1.0})}, r"grpo_guard\.guard: 'brevity' is neither one"),
        ({"replay": dumped("replay", language="fr")}, r"methods\.replay\.language: 'fr' is not among languages"),
        ({"rl": dumped("dpo")}, "rl is the name of one that is there always"),
        ({"a@b": dumped("dpo")}, "'a@b' must be made of small letters"),
    ],
)
def test_an_entry_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        miniature(**changes)


def test_a_curve_towards_rl_needs_rl_without_a_kl() -> None:
    with pytest.raises(InputError, match=r"grpo_kl_cold\.method: .* without a KL, and rl\.beta is 0\.05"):
        validate(changed("rl.beta", 0.05))


def test_an_overlay_takes_an_entry_out_or_all() -> None:
    assert set(miniature(dpo=None).methods()) == set(ENTRIES) - {"dpo"}
    assert validate(changed("frontier.methods", None)).methods() == {}


def test_two_kinds_of_method() -> None:
    kinds = {name: (Trained, Decoded)[issubclass(method(name).Settings, Decoded)] for name in NAMES}
    assert [name for name, kind in kinds.items() if kind is Decoded] == ["minimum_bayes_risk"]
