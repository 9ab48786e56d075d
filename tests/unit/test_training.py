"""SFT and GRPO on a random model: what must move moves, what must not does not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel

from semalign.config.training import Grpo, Lora, Sft
from semalign.errors import InputError
from semalign.grpo import train_grpo
from semalign.models import TrainingProof, digest, load_adapter, load_policy, new_adapter, save_adapter
from semalign.rewards import Conversation
from semalign.sft import train_sft
from tests.conftest import PAIRS

PROMPT = "翻译：{source}"
HERE: dict[str, Any] = {"dtype": "float32", "device": "cpu", "seed": 0}
SFT = Sft(learning_rate=1e-2, epochs=2, batch_size=4, micro_batch_size=2, max_tokens=128)


def grpo(**changes: Any) -> Grpo:
    values = {
        "learning_rate": 2e-2,
        "epochs": 6,
        "batch_size": 16,
        "micro_batch_size": 16,
        "num_generations": 8,
        "max_new_tokens": 8,
        "temperature": 1.0,
        "top_p": 1.0,
        "schedule": "constant",
        "warmup_ratio": 0.0,
    }
    return Grpo.model_validate(values | changes)


def short(completions: list[Conversation], **columns: Any) -> list[float]:
    """A reward that a random model can learn in a few steps: many of one frequent byte."""
    texts = [completion[0]["content"] for completion in completions]
    return [text.count("།") - 0.1 * len(text) for text in texts]


def fresh(policy: Path, dropout: float = 0.0) -> tuple[PeftModel, Any]:
    base, tokenizer = load_policy(policy, "float32", "cpu")
    return new_adapter(base, Lora(rank=8, alpha=16, dropout=dropout), seed=0), tokenizer


def test_sft_moves_the_adapter_and_not_the_base(tiny_policy: Path, tmp_path: Path) -> None:
    model, tokenizer = fresh(tiny_policy)
    before = digest(model, adapter=True), digest(model, adapter=False)
    report, history = train_sft(model, tokenizer, PAIRS, PROMPT, SFT, **HERE, folder=tmp_path)
    assert report["adapter_sha256"] == digest(model, adapter=True) != before[0]
    assert report["base_sha256"] == digest(model, adapter=False) == before[1]
    # rank 8 on seven projections of two layers: q, k, v, o are 32×32; gate, up, down 32×64
    assert report["trainable_parameters"] == 2 * 8 * (4 * (32 + 32) + 3 * (32 + 64))
    losses = [entry["loss"] for entry in history if "loss" in entry]
    assert report["steps"] == len(losses) == 2 * len(PAIRS) // 4
    assert losses[-1] < losses[0]


def test_sft_learns_from_the_completion_alone(tiny_policy: Path, tmp_path: Path) -> None:
    model, tokenizer = fresh(tiny_policy)
    report, _ = train_sft(model, tokenizer, PAIRS, PROMPT, SFT, **HERE, folder=tmp_path)
    changed = [row | {"target": "ཀ" * 3} for row in PAIRS]
    other, _ = fresh(tiny_policy)
    again, _ = train_sft(other, tokenizer, changed, PROMPT, SFT, **HERE, folder=tmp_path)
    assert again["final_loss"] != report["final_loss"]


def test_sft_is_repeatable_bit_by_bit(tiny_policy: Path, tmp_path: Path) -> None:
    digests = set()
    for _ in range(2):
        model, tokenizer = fresh(tiny_policy, dropout=0.05)
        report, _ = train_sft(model, tokenizer, PAIRS, PROMPT, SFT, **HERE, folder=tmp_path)
        digests.add(report["adapter_sha256"])
    assert len(digests) == 1


def test_sft_refuses_to_cut_an_example(tiny_policy: Path, tmp_path: Path) -> None:
    model, tokenizer = fresh(tiny_policy)
    settings = SFT.model_copy(update={"max_tokens": 20})
    with pytest.raises(InputError, match="max_tokens = 20"):
        train_sft(model, tokenizer, PAIRS, PROMPT, settings, **HERE, folder=tmp_path)


def test_a_frozen_adapter_is_refused(tiny_policy: Path, tmp_path: Path) -> None:
    model, _ = fresh(tiny_policy)
    save_adapter(model, tmp_path / "adapter")
    base, _ = load_policy(tiny_policy, "float32", "cpu")
    with pytest.raises(RuntimeError, match="no trainable parameters"):
        TrainingProof(load_adapter(base, tmp_path / "adapter", trainable=False))


def test_proof_sees_an_unmoved_adapter_and_a_moved_base(tiny_policy: Path) -> None:
    model, _ = fresh(tiny_policy)
    proof = TrainingProof(model)
    with pytest.raises(RuntimeError, match="left the adapter unchanged"):
        proof.check()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1e-3)
    with pytest.raises(RuntimeError, match="changed the base"):
        proof.check()


def test_grpo_trains_the_loaded_adapter_and_the_reward_rises(tiny_policy: Path, tmp_path: Path) -> None:
    model, tokenizer = fresh(tiny_policy)
    save_adapter(model, tmp_path / "cold")
    base, _ = load_policy(tiny_policy, "float32", "cpu")
    policy = load_adapter(base, tmp_path / "cold", trainable=True)
    before = digest(policy, adapter=True), digest(policy, adapter=False)
    report, history, rollouts = train_grpo(
        policy, tokenizer, PAIRS, PROMPT, {short: 1.0}, grpo(), **HERE, folder=tmp_path
    )
    assert report["trainable_parameters"] > 0
    assert report["adapter_sha256"] != before[0]
    assert report["base_sha256"] == before[1]
    assert report["mean_reward_last_tenth"] > report["mean_reward_first_tenth"] + 0.1
    steps = 6 * len(PAIRS) * 8 // 16
    assert report["steps"] == steps
    assert len(rollouts) == steps * 16
    assert {"step", "id", "completion", "short"} == rollouts[0].keys()
    rewards = [entry["reward"] for entry in history if "reward" in entry]
    assert rewards[0] == pytest.approx(np.mean([row["short"] for row in rollouts[:16]]))


def test_grpo_starts_at_zero_kl_to_the_cold_start(tiny_policy: Path, tmp_path: Path) -> None:
    """With LoRA dropout configured, as in the paper: it must be off, and the reference must be the cold start."""
    model, tokenizer = fresh(tiny_policy, dropout=0.05)
    train_sft(model, tokenizer, PAIRS, PROMPT, SFT, **HERE, folder=tmp_path)
    save_adapter(model, tmp_path / "cold")
    base, _ = load_policy(tiny_policy, "float32", "cpu")
    policy = load_adapter(base, tmp_path / "cold", trainable=True)
    settings = grpo(beta=0.1, epochs=1)
    _, history, _ = train_grpo(policy, tokenizer, PAIRS, PROMPT, {short: 1.0}, settings, **HERE, folder=tmp_path)
    kl = [entry["kl"] for entry in history if "kl" in entry]
    assert kl[0] == pytest.approx(0, abs=1e-7)
    assert kl[-1] > 1e-4


def test_grpo_stops_when_no_group_has_a_spread(tiny_policy: Path, tmp_path: Path) -> None:
    def constant(completions: list[Conversation], **columns: Any) -> list[float]:
        return [1.0] * len(completions)

    model, tokenizer = fresh(tiny_policy)
    with pytest.raises(RuntimeError, match=r"unchanged|equal rewards"):
        train_grpo(model, tokenizer, PAIRS, PROMPT, {constant: 1.0}, grpo(epochs=1), **HERE, folder=tmp_path)


def test_grpo_counts_prompts_that_are_too_long(tiny_policy: Path, tmp_path: Path) -> None:
    model, tokenizer = fresh(tiny_policy)
    rows = [*PAIRS, PAIRS[0] | {"id": "long", "source": "书" * 200}]
    report, _, rollouts = train_grpo(
        model, tokenizer, rows, PROMPT, {short: 1.0}, grpo(epochs=1), **HERE, folder=tmp_path
    )
    assert report["prompts_too_long"] == 1
    assert "long" not in {row["id"] for row in rollouts}
    with pytest.raises(InputError, match="max_prompt_tokens = 3"):
        train_grpo(model, tokenizer, rows, PROMPT, {short: 1.0}, grpo(max_prompt_tokens=3), **HERE, folder=tmp_path)
