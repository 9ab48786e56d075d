"""A bfloat16 policy is trained through float32 adapters, which a learning rate of 5e-7 moves."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel

from semalign.config.training import Grpo, Lora, Sft
from semalign.policy.grpo import config, train_grpo
from semalign.policy.models import digest, full_precision, load_adapter, load_policy, new_adapter, save_adapter
from semalign.policy.sft import train_sft
from semalign.rewards.builtin import length_reward
from semalign.runtime.workspace import Workspace
from tests.conftest import PAIRS
from tests.unit.policies import stirred

ONE_STEP: dict[str, Any] = {
    "learning_rate": 5e-7,
    "batch_size": 16,
    "micro_batch_size": 8,
    "warmup_ratio": 0.0,
    "schedule": "constant",
}
HERE: dict[str, Any] = {"dtype": "bfloat16", "device": "cpu", "seed": 0}
GROUPS: dict[str, Any] = {
    "num_generations": 8,
    "max_new_tokens": 8,
    "temperature": 1.0,
    "top_p": 1.0,
    "rewards": {"length": 1.0},
}


@pytest.fixture(scope="module")
def adapter(tiny_policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter both of whose matrices have values: B of a fresh one is 0, which leaves A without a gradient."""
    base, _ = load_policy(tiny_policy, "bfloat16", "cpu")
    model = stirred(new_adapter(base, Lora(rank=8, alpha=16, dropout=0.0), seed=0))
    folder = tmp_path_factory.mktemp("adapter")
    save_adapter(model, folder)
    return folder


def trainable(model: PeftModel) -> dict[str, torch.nn.Parameter]:
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


@pytest.mark.parametrize("kind", ["sft", "grpo"])
def test_a_step_moves_nearly_every_weight_of_the_adapter(
    kind: str, tiny_policy: Path, adapter: Path, workspace: Workspace
) -> None:
    base, tokenizer = load_policy(tiny_policy, "bfloat16", "cpu")
    assert {p.dtype for p in base.parameters()} == {torch.bfloat16}
    model = load_adapter(base, adapter, trainable=True)
    before = {name: p.detach().clone() for name, p in trainable(model).items()}
    given = (model, tokenizer, PAIRS, "{source}")
    if kind == "sft":
        sft = Sft.model_validate(ONE_STEP | {"epochs": 1, "max_tokens": 128})
        report, log = train_sft(*given, sft, **HERE, workspace=workspace)
    else:
        grpo = Grpo.model_validate(ONE_STEP | GROUPS | {"epochs": 1 / 8})
        report, log = train_grpo(*given, {"length": length_reward}, grpo, **HERE, workspace=workspace)
    assert report["steps"] == 1
    assert {row["learning_rate"] for row in log} == {5e-7}
    after = trainable(model)
    assert {p.dtype for p in after.values()} == {torch.float32}
    moved = sum(int((after[name] != was).sum()) for name, was in before.items())
    assert moved > 0.9 * report["trainable_parameters"]
    assert {p.dtype for name, p in model.named_parameters() if "lora_" not in name} == {torch.bfloat16}


def test_fresh_adapters_and_frozen_ones_are_float32(tiny_policy: Path, adapter: Path) -> None:
    base, _ = load_policy(tiny_policy, "bfloat16", "cpu")
    assert {p.dtype for p in trainable(new_adapter(base, Lora(rank=8, alpha=16), seed=0)).values()} == {torch.float32}
    base, _ = load_policy(tiny_policy, "bfloat16", "cpu")
    frozen = load_adapter(base, adapter, trainable=False)
    assert {p.dtype for name, p in frozen.named_parameters() if "lora_" in name} == {torch.float32}


def test_a_widened_base_is_bit_for_bit_as_before_though_merged_a_hundred_times(
    tiny_policy: Path, adapter: Path
) -> None:
    """As it is with vLLM, which is given merged weights at every step."""
    base, _ = load_policy(tiny_policy, "bfloat16", "cpu")
    model = load_adapter(base, adapter, trainable=True)
    before = digest(model, adapter=False)
    with full_precision(model):
        assert {p.dtype for p in model.parameters()} == {torch.float32}
        wide = digest(model, adapter=False)
        for _ in range(100):
            model.merge_adapter()
            model.unmerge_adapter()
        assert digest(model, adapter=False) != wide  # it drifts
    assert digest(model, adapter=False) == before
    for _ in range(100):
        model.merge_adapter()
        model.unmerge_adapter()
    assert digest(model, adapter=False) != before  # as it would without


def test_vllm_samples_in_this_process_and_without_importance_sampling(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = ONE_STEP | GROUPS | {"epochs": 1, "max_prompt_tokens": 100, "vllm_memory": 0.4}
    made = config(Grpo.model_validate(values | {"generation": "vllm"}), 8, [2, 5], "float32", "cpu", 0, workspace)
    assert (made.use_vllm, made.vllm_mode, made.vllm_gpu_memory_utilization) == (True, "colocate", 0.4)
    assert made.vllm_max_model_length == 108
    assert made.vllm_importance_sampling_correction is False
    assert made.generation_kwargs == {"stop_token_ids": [2, 5]}
    assert config(Grpo.model_validate(values), 8, [2, 5], "float32", "cpu", 0, workspace).use_vllm is False
