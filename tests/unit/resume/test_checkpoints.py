"""A training that is killed and run again ends bit for bit as one that was not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from semalign.config.models import Encoder, Pretraining, Tokenizer
from semalign.config.training import Grpo, Lora, Sft
from semalign.encoder.training import train_encoder
from semalign.policy.grpo import steps_of_a_generation, train_grpo
from semalign.policy.models import load_policy, new_adapter, save_adapter
from semalign.policy.pretraining import train_base
from semalign.policy.sft import train_sft
from semalign.resume.checkpoints import latest
from semalign.rewards.builtin import Reward, length_reward
from semalign.runtime.files import sha256
from semalign.runtime.step_progress import StepProgress as Progress
from semalign.runtime.workspace import Workspace
from semalign.text.tokenizer import build_tokenizer
from tests.conftest import PAIRS, work

HERE: dict[str, Any] = {"dtype": "float32", "device": "cpu", "seed": 0}
BATCHES = {"learning_rate": 1e-2, "batch_size": 4, "micro_batch_size": 2}
TEXTS = [row[side] for row in PAIRS for side in ("source", "target")]


def sft(policy: Path, output: Path, workspace: Workspace, dtype: str = "float32", **how: Any) -> Any:
    base, tokenizer = load_policy(policy, dtype, "cpu", quantization=how.pop("quantization", None))
    model = new_adapter(base, Lora(rank=4, alpha=8, dropout=0.1), seed=0)
    settings = Sft.model_validate(BATCHES | {"epochs": 2, "max_tokens": 128} | how)
    made = train_sft(model, tokenizer, PAIRS, "{source}", settings, **HERE | {"dtype": dtype}, workspace=workspace)
    save_adapter(model, output)
    return made


def sft_without_padding(policy: Path, output: Path, workspace: Workspace) -> Any:
    return sft(policy, output, workspace, padding_free=True)


def sft_in_4_bits(policy: Path, output: Path, workspace: Workspace) -> Any:
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    with pytest.MonkeyPatch.context() as patch:  # see test_quantised.py
        patch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: False)
        return sft(policy, output, workspace, "bfloat16", quantization="nf4")


def grpo(policy: Path, output: Path, workspace: Workspace, **changes: Any) -> Any:
    base, tokenizer = load_policy(policy, "float32", "cpu")
    model = new_adapter(base, Lora(rank=4, alpha=8, dropout=0.1), seed=0)
    values = {"epochs": 1, "num_generations": 2, "max_new_tokens": 6, "rewards": {"length": 1.0}, "snapshot_steps": 3}
    settings = Grpo.model_validate(BATCHES | values | changes)
    rewards: dict[str, Reward] = {"length": length_reward}
    made = train_grpo(model, tokenizer, PAIRS, "{source}", rewards, settings, **HERE, workspace=workspace)
    save_adapter(model, output)
    return made, sha256(workspace.folder / "rollouts.jsonl"), sha256(workspace.folder / "snapshots")


def grpo_with_kl_and_stale_rollouts(policy: Path, output: Path, workspace: Workspace) -> Any:
    return grpo(policy, output, workspace, beta=0.1, steps_per_generation=4)


def grpo_of_two_epochs(policy: Path, output: Path, workspace: Workspace) -> Any:
    return grpo(policy, output, workspace, epochs=2)


def encoder(policy: Path, output: Path, workspace: Workspace) -> Any:
    shape = {"architecture": "bert", "hidden_size": 16, "intermediate_size": 32, "layers": 1, "heads": 2}
    raw = {
        "shape": shape | {"dropout": 0.1},
        "tokenizer": {"vocab_size": 300},
        "train": [{"format": "jsonl", "path": "unused"}],
        "epochs": 2,
        "batch_size": 4,
        "learning_rate": 1e-2,
    }
    rows = [{"anchor": str(n) + r["source"], "positive": str(n) + r["target"]} for n, r in enumerate(PAIRS)]
    return train_encoder(Encoder.model_validate(raw), rows, output, workspace)


def base(policy: Path, output: Path, workspace: Workspace) -> Any:
    raw = {
        "corpus": [{"kind": "text", "source": {"format": "lines", "path": "unused"}}],
        "tokenizer": {"vocab_size": 300},
        "shape": {"hidden_size": 16, "intermediate_size": 32, "layers": 1, "heads": 2},
        "steps": 20,
        "batch_size": 4,
        "learning_rate": 1e-2,
    }
    tokenizer = build_tokenizer(Tokenizer(vocab_size=300), TEXTS)
    return train_base(
        Pretraining.model_validate(raw), [{"text": text} for text in TEXTS[:30]], tokenizer, output, workspace
    )


TRAININGS: dict[str, tuple[Callable[[Path, Path, Workspace], Any], list[int]]] = {
    "sft": (sft, [2, 5, 7]),
    "sft without padding": (sft_without_padding, [5]),
    "sft in 4 bits": (sft_in_4_bits, [5]),
    "grpo": (grpo, [1, 4, 7]),
    "grpo, KL, rollouts for two steps": (grpo_with_kl_and_stale_rollouts, [2, 5, 8]),
    "grpo, at the end of an epoch and in the second": (grpo_of_two_epochs, [9, 13]),
    "encoder": (encoder, [3, 6]),
    "base, in its first and later epochs": (base, [4, 11, 19]),
}


def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next training die in this step, after the update and before its checkpoint."""
    seen = Progress.on_log

    def on_log(self: Progress, args: Any, state: Any, *rest: Any, **kwargs: Any) -> None:
        if state.global_step == step:
            raise KeyboardInterrupt
        seen(self, args, state, *rest, **kwargs)

    monkeypatch.setattr(Progress, "on_log", on_log)


@pytest.mark.parametrize("name", TRAININGS)
def test_a_killed_training_ends_as_it_would_have(
    name: str, tiny_policy: Path, tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, steps = TRAININGS[name]
    whole = train(tiny_policy, tmp_path / "whole", workspace)
    killed = work(tmp_path / "killed", 0)
    for step in steps:
        with monkeypatch.context() as patch:
            killed_at(step, patch)
            with pytest.raises(KeyboardInterrupt):
                train(tiny_policy, tmp_path / "made", killed)
    again = train(tiny_policy, tmp_path / "made", killed)
    assert json.dumps(again) == json.dumps(whole)  # byte for byte in its log, too
    assert sha256(tmp_path / "made") == sha256(tmp_path / "whole")


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(
    tiny_policy: Path,
    tmp_path: Path,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    whole = grpo(tiny_policy, tmp_path / "whole", workspace)
    killed = work(tmp_path / "killed", 0)
    with monkeypatch.context() as patch:
        killed_at(6, patch)
        with pytest.raises(KeyboardInterrupt):
            grpo(tiny_policy, tmp_path / "made", killed)
    folder = killed.folder / "checkpoints"
    assert sorted(path.name for path in folder.glob("checkpoint-*")) == ["checkpoint-4", "checkpoint-5"]  # two are kept
    weights = folder / "checkpoint-5" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    assert json.dumps(grpo(tiny_policy, tmp_path / "made", killed)) == json.dumps(whole)
    assert "checkpoint-5: adapter_model.safetensors is damaged; passed over" in caplog.text
    assert "checkpoint-4: resuming from here" in caplog.text


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: (path / "complete.json").unlink(), "half-written"),
        (lambda path: (path / "complete.json").write_text('{"a'), "complete.json is damaged"),
        (lambda path: (path / "complete.json").write_text("[]"), "complete.json is damaged"),
        (lambda path: (path / "state").unlink(), "state is missing"),
        (lambda path: (path / "state").write_text("longer than before"), "state is damaged"),
        (lambda path: (path / "state").write_text(""), "state is damaged"),
    ],
)
def test_every_kind_of_damage_is_named(
    tmp_path: Path, damage: Callable[[Path], Any], problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    for step in (9, 10):  # 10 is the later one, though not in the order of names
        checkpoint = tmp_path / f"checkpoint-{step}"
        checkpoint.mkdir()
        (checkpoint / "state").write_text("s")
        (checkpoint / "complete.json").write_text(json.dumps({"state": sha256(checkpoint / "state")}))
    assert latest(tmp_path) == tmp_path / "checkpoint-10"
    damage(tmp_path / "checkpoint-10")
    assert latest(tmp_path) == tmp_path / "checkpoint-9"
    assert f"checkpoint-10: {problem}" in caplog.text
    assert not (tmp_path / "checkpoint-10").exists()
    damage(tmp_path / "checkpoint-9")
    assert latest(tmp_path) is None


@pytest.mark.parametrize(
    ("micro_batch", "steps_per_generation", "expected"), [(4, None, 1), (2, None, 1), (2, 4, 2), (1, 6, 3), (2, 3, 3)]
)
def test_checkpoints_fall_where_no_rollout_waits(
    micro_batch: int, steps_per_generation: int | None, expected: int
) -> None:
    values = {"epochs": 1, "num_generations": 2, "learning_rate": 1e-2, "batch_size": 4}
    settings = Grpo.model_validate(
        values | {"micro_batch_size": micro_batch, "steps_per_generation": steps_per_generation}
    )
    assert steps_of_a_generation(settings, micro_batch) == expected
