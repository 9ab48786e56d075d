"""SFT and GRPO on a random model: what must move moves, what must not does not."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel, get_peft_model_state_dict
from transformers import PreTrainedModel

from semalign.config.training import Grpo, Lora, Sft
from semalign.policy.grpo import train_grpo
from semalign.policy.models import (
    TrainingProof,
    digest,
    load_adapter,
    load_policy,
    merged_adapter,
    new_adapter,
    save_adapter,
)
from semalign.policy.rollouts import zero_variance_share
from semalign.policy.sft import first, train_sft
from semalign.rewards.builtin import Reward
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_jsonl
from semalign.runtime.workspace import Workspace
from tests.conftest import PAIRS, work

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
        "rewards": {"mine:short": 1.0},
    }
    return Grpo.model_validate(values | changes)


def short(completions: list[str], references: list[str], sources: list[str]) -> list[float]:
    """A reward that a random model can learn in a few steps: many of one frequent byte."""
    return [text.count("།") - 0.1 * len(text) for text in completions]


def constant(completions: list[str], references: list[str], sources: list[str]) -> list[float]:
    return [1.0] * len(completions)


def run_grpo(policy: PeftModel, tokenizer: Any, workspace: Workspace, rows: Any = PAIRS, **changes: Any) -> Any:
    """(report, log, rollouts) of train_grpo with the rewards above, found by the names after the colon."""
    settings = grpo(**changes)
    known: dict[str, Reward] = {"short": short, "constant": constant}
    rewards = {name: known[name.partition(":")[2]] for name in settings.rewards}
    report, history = train_grpo(policy, tokenizer, rows, PROMPT, rewards, settings, **HERE, workspace=workspace)
    return report, history, list(read_jsonl(workspace.folder / "rollouts.jsonl"))


def fresh(policy: Path, dropout: float = 0.0) -> tuple[PeftModel, Any]:
    base, tokenizer = load_policy(policy, "float32", "cpu")
    return new_adapter(base, Lora(rank=8, alpha=16, dropout=dropout), seed=0), tokenizer


def test_sft_moves_the_adapter_and_not_the_base(tiny_policy: Path, workspace: Workspace) -> None:
    model, tokenizer = fresh(tiny_policy)
    before = digest(model, adapter=True), digest(model, adapter=False)
    report, history = train_sft(model, tokenizer, PAIRS, PROMPT, SFT, **HERE, workspace=workspace)
    assert report["adapter_sha256"] == digest(model, adapter=True) != before[0]
    assert report["base_sha256"] == digest(model, adapter=False) == before[1]
    # rank 8 on seven projections of two layers: q, k, v, o are 32×32; gate, up, down 32×64
    assert report["trainable_parameters"] == 2 * 8 * (4 * (32 + 32) + 3 * (32 + 64))
    losses = [entry["loss"] for entry in history if "loss" in entry]
    assert report["steps"] == len(losses) == 2 * len(PAIRS) // 4
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("kl_weight", [0.0, 0.5])
def test_sft_without_padding_learns_the_same_in_as_many_updates(
    kl_weight: float, tiny_policy: Path, workspace: Workspace, tmp_path: Path
) -> None:
    """PyTorch's attention keeps a row's conversations apart by a mask; flash attention, on a GPU, needs none."""
    found = {}
    for padding_free in (False, True):
        model, tokenizer = fresh(tiny_policy)
        settings = SFT.model_copy(update={"padding_free": padding_free, "learning_rate": 1e-3, "micro_batch_size": 4})
        own = work(tmp_path / str(padding_free))
        report, history = train_sft(
            model, tokenizer, PAIRS, PROMPT, settings, **HERE, workspace=own, kl_weight=kl_weight
        )
        found[padding_free] = report, history, get_peft_model_state_dict(model)
    (padded, losses, weights), (flat, flat_losses, flat_weights) = found[False], found[True]
    assert (flat["steps"], flat["examples"], flat["tokens"]) == (padded["steps"], padded["examples"], padded["tokens"])
    assert [row["loss"] for row in flat_losses] == pytest.approx([row["loss"] for row in losses], rel=1e-5)
    assert all(torch.allclose(flat_weights[name], weight, atol=1e-5) for name, weight in weights.items())


def test_sft_refuses_to_cut_an_example(tiny_policy: Path, workspace: Workspace) -> None:
    model, tokenizer = fresh(tiny_policy)
    settings = SFT.model_copy(update={"max_tokens": 20})
    with pytest.raises(InputError, match="max_tokens = 20"):
        train_sft(model, tokenizer, PAIRS, PROMPT, settings, **HERE, workspace=workspace)


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


def test_grpo_trains_the_loaded_adapter_and_the_reward_rises(
    tiny_policy: Path, tmp_path: Path, workspace: Workspace
) -> None:
    model, tokenizer = fresh(tiny_policy)
    save_adapter(model, tmp_path / "cold")
    base, _ = load_policy(tiny_policy, "float32", "cpu")
    policy = load_adapter(base, tmp_path / "cold", trainable=True)
    before = digest(policy, adapter=True), digest(policy, adapter=False)
    report, history, rollouts = run_grpo(policy, tokenizer, workspace)
    assert report["trainable_parameters"] > 0
    assert report["adapter_sha256"] != before[0]
    assert report["base_sha256"] == before[1]
    assert report["mean_reward_last_tenth"] > report["mean_reward_first_tenth"] + 0.1
    steps = 6 * len(PAIRS) * 8 // 16
    assert report["steps"] == steps
    assert len(rollouts) == steps * 16
    assert {"step", "id", "completion", "mine:short"} == rollouts[0].keys()
    rewards = [entry["reward"] for entry in history if "reward" in entry]
    assert rewards[0] == pytest.approx(np.mean([row["mine:short"] for row in rollouts[:16]]))


def test_grpo_starts_at_zero_kl_to_the_cold_start(tiny_policy: Path, tmp_path: Path, workspace: Workspace) -> None:
    """With LoRA dropout configured, as in the paper: it must be off, and the reference must be the cold start."""
    model, tokenizer = fresh(tiny_policy, dropout=0.05)
    train_sft(model, tokenizer, PAIRS, PROMPT, SFT, **HERE, workspace=workspace)
    save_adapter(model, tmp_path / "cold")
    base, _ = load_policy(tiny_policy, "float32", "cpu")
    policy = load_adapter(base, tmp_path / "cold", trainable=True)
    _, history, _ = run_grpo(policy, tokenizer, workspace, beta=0.1, epochs=1)
    kl = [entry["kl"] for entry in history if "kl" in entry]
    assert kl[0] == pytest.approx(0, abs=1e-7)
    assert kl[-1] > 1e-4


def test_grpo_without_any_spread_is_an_error(tiny_policy: Path, workspace: Workspace) -> None:
    model, tokenizer = fresh(tiny_policy)
    with pytest.raises(RuntimeError, match="left the adapter unchanged"):
        run_grpo(model, tokenizer, workspace, epochs=1, rewards={"mine:constant": 1.0})


def test_groups_without_spread_are_counted() -> None:
    earned = [1.0] * 8 + [0.0] * 7 + [1.0] + [0.1 + 0.2] * 8
    count, share = zero_variance_share([{"mine:short": value} for value in earned], grpo())
    assert count == 24
    assert share == pytest.approx(2 / 3)


def test_grpo_counts_prompts_that_are_too_long(tiny_policy: Path, workspace: Workspace) -> None:
    model, tokenizer = fresh(tiny_policy)
    rows = [*PAIRS, PAIRS[0] | {"id": "long", "source": "书" * 200}]
    report, _, rollouts = run_grpo(model, tokenizer, workspace, rows, epochs=1)
    assert report["prompts_too_long"] == 1
    assert "long" not in {row["id"] for row in rollouts}
    with pytest.raises(InputError, match="max_prompt_tokens = 3"):
        run_grpo(model, tokenizer, workspace, rows, max_prompt_tokens=3)


def test_rewards_add_up_by_their_weights_and_a_weight_of_nothing_only_records(
    tiny_policy: Path, workspace: Workspace
) -> None:
    model, tokenizer = fresh(tiny_policy)
    weights = {"mine:short": 2.0, "mine:constant": 0.5, "also:short": 0.0}
    _, history, rollouts = run_grpo(model, tokenizer, workspace, epochs=1, rewards=weights)
    first_step = rollouts[:16]
    expected = np.mean([2 * row["mine:short"] + 0.5 * row["mine:constant"] for row in first_step])
    entries = [entry for entry in history if "reward" in entry]
    assert entries[0]["reward"] == pytest.approx(expected, abs=1e-5)
    assert entries[0]["rewards/also:short/mean"] == pytest.approx(np.mean([row["also:short"] for row in first_step]))


def test_snapshots_are_kept_before_the_last_step(tiny_policy: Path, workspace: Workspace) -> None:
    model, tokenizer = fresh(tiny_policy)
    report, _, _ = run_grpo(model, tokenizer, workspace, epochs=1, snapshot_steps=3)
    assert report["steps"] == 8
    assert sorted(folder.name for folder in (workspace.folder / "snapshots").iterdir()) == ["3", "6"]
    digests = {report["adapter_sha256"]}
    for step in ("3", "6"):
        base, _ = load_policy(tiny_policy, "float32", "cpu")
        digests.add(digest(load_adapter(base, workspace.folder / "snapshots" / step, trainable=False), adapter=True))
    assert len(digests) == 3


def test_merged_weights_say_the_same_and_leave_no_trace(tiny_policy: Path, workspace: Workspace) -> None:
    model, tokenizer = fresh(tiny_policy)
    train_sft(model, tokenizer, PAIRS, PROMPT, SFT, **HERE, workspace=workspace)
    model.eval()
    before = digest(model, adapter=True), digest(model, adapter=False)
    tokens = torch.tensor([tokenizer(PAIRS[0]["target"])["input_ids"]])
    with torch.no_grad():
        plain = model(tokens).logits.log_softmax(-1)
        with merged_adapter(model):
            merged = model(tokens).logits.log_softmax(-1)
            assert digest(model, adapter=False) != before[1]
    assert torch.allclose(plain, merged, atol=1e-5)
    assert (digest(model, adapter=True), digest(model, adapter=False)) == before


def test_transfer_continues_the_given_adapter(tiny_policy: Path, tmp_path: Path, workspace: Workspace) -> None:
    model, tokenizer = fresh(tiny_policy)
    train_sft(model, tokenizer, PAIRS, PROMPT, SFT, **HERE, workspace=workspace)
    save_adapter(model, tmp_path / "first")
    base, _ = load_policy(tiny_policy, "float32", "cpu")
    continued = load_adapter(base, tmp_path / "first", trainable=True)
    assert digest(continued, adapter=True) == digest(model, adapter=True)
    report, _ = train_sft(continued, tokenizer, PAIRS[:4], PROMPT, SFT, **HERE, workspace=workspace)
    assert report["adapter_sha256"] != digest(model, adapter=True)


def test_fewer_pairs_are_the_first_and_more_than_there_are_is_an_error() -> None:
    assert first(PAIRS, 3, "few_shot.pairs") == PAIRS[:3]
    assert first(PAIRS, None, None) == PAIRS
    with pytest.raises(InputError, match=r"config key few_shot\.pairs: 17 pairs are asked for, .* hold 16"):
        first(PAIRS, 17, "few_shot.pairs")


def test_an_adapter_of_another_base_is_refused(tiny_policy: Path, tmp_path: Path) -> None:
    model, _ = fresh(tiny_policy)
    save_adapter(model, tmp_path / "adapter")

    def refused(change: Callable[[PreTrainedModel], None]) -> str:
        base, _ = load_policy(tiny_policy, "float32", "cpu")
        change(base)
        with pytest.raises(InputError) as caught:
            load_adapter(base, tmp_path / "adapter", trainable=False)
        return str(caught.value)

    def nudged(base: PreTrainedModel) -> None:
        next(iter(base.parameters())).data[0] += 1e-6

    def wider(base: PreTrainedModel) -> None:
        for layer in base.model.layers:
            layer.mlp.down_proj = torch.nn.Linear(80, 32, bias=False)

    assert "the adapter was trained on another base; delete its folder, and it is trained again" in refused(nudged)
    assert "no adapter of this base" in refused(wider)
    weights = tmp_path / "adapter" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    assert "no adapter of this base" in refused(lambda base: None)
    shutil.rmtree(tmp_path / "adapter")
    assert "no adapter of this base" in refused(lambda base: None)
