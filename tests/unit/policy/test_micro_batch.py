"""How a batch is cut into forward passes changes no result, and `auto` finds a cut that fits."""

from pathlib import Path
from typing import Any

import pytest
import torch

from semalign.config.training import Grpo, Lora, Sft
from semalign.policy import micro_batch
from semalign.policy.grpo import train_grpo
from semalign.policy.micro_batch import accumulation, chosen, largest
from semalign.policy.models import load_policy, new_adapter
from semalign.policy.sft import train_sft
from semalign.rewards.builtin import length_reward
from semalign.runtime.files import read_json
from semalign.runtime.workspace import Workspace
from tests.conftest import PAIRS

# rows of unlike length: a mean over micro-batches would not be the mean over the batch
ROWS = [row | {"target": row["target"] * (1 + i % 3)} for i, row in enumerate(PAIRS)]
BATCH: dict[str, Any] = {
    "learning_rate": 1e-3,
    "batch_size": 8,
    "warmup_ratio": 0.0,
    "schedule": "constant",
    "epochs": 1,
}
GROUPS: dict[str, Any] = {
    "num_generations": 4,
    "max_new_tokens": 8,
    "rewards": {"length": 1.0},
    "temperature": 1.0,
    "top_p": 1.0,
}


def trained(policy: Path, folder: Path, kind: str, micro: Any, dtype: str = "float64", **changes: Any) -> Any:
    """(report, log, trainable weights) of two steps and more without dropout."""
    base, tokenizer = load_policy(policy, dtype, "cpu")
    with torch.no_grad():
        base.lm_head.weight[tokenizer.eos_token_id] *= 8  # so that completions end early, now and then
    model = new_adapter(base, Lora(rank=4, alpha=8, dropout=0.0), seed=0)
    given = (model, tokenizer, ROWS, "{source}")
    folder.mkdir()
    to: dict[str, Any] = {"dtype": dtype, "device": "cpu", "seed": 0}
    to["workspace"] = Workspace(folder, 3600, changes.pop("gradient_checkpointing", None))
    values = BATCH | {"micro_batch_size": micro} | changes
    if kind == "sft":
        report, log = train_sft(*given, Sft.model_validate(values), **to)
    else:
        report, log = train_grpo(*given, {"length": length_reward}, Grpo.model_validate(values | GROUPS), **to)
    return report, log, {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("sft", {}),
        ("grpo", {"loss": "dapo"}),
        ("grpo", {"loss": "grpo"}),
        ("grpo", {"loss": "dr_grpo"}),
        ("grpo", {"loss": "dapo", "beta": 0.1}),
    ],
)
def test_the_size_of_a_forward_pass_changes_no_gradient(
    kind: str, changes: dict[str, Any], tiny_policy: Path, tmp_path: Path
) -> None:
    whole, log, weights = trained(tiny_policy, tmp_path / "8", kind, 8, **changes)
    cut, log_of_cut, weights_of_cut = trained(tiny_policy, tmp_path / "2", kind, 2, **changes)
    assert (whole["micro_batch_size"], cut["micro_batch_size"]) == (8, 2)
    assert cut["steps"] == whole["steps"] > 1
    norms = [row["grad_norm"] for row in log if "grad_norm" in row]
    assert min(norms) > 0
    if kind == "grpo":
        assert any(row["completions/min_length"] < row["completions/max_length"] for row in log if "reward" in row)
    assert [row["grad_norm"] for row in log_of_cut if "grad_norm" in row] == pytest.approx(norms, rel=1e-6)
    for name, weight in weights.items():
        torch.testing.assert_close(weights_of_cut[name], weight, atol=1e-6, rtol=0)


def test_under_bnpo_it_does_and_auto_is_refused(tiny_policy: Path, tmp_path: Path) -> None:
    _, log, _ = trained(tiny_policy, tmp_path / "8", "grpo", 8, loss="bnpo")
    _, log_of_cut, _ = trained(tiny_policy, tmp_path / "2", "grpo", 2, loss="bnpo")
    assert log_of_cut[0]["completions/mean_length"] == log[0]["completions/mean_length"]  # the same rollouts
    assert log_of_cut[0]["grad_norm"] != pytest.approx(log[0]["grad_norm"], rel=1e-3)
    with pytest.raises(ValueError, match="auto would change the result under loss: bnpo"):
        Grpo.model_validate(BATCH | GROUPS | {"micro_batch_size": "auto", "loss": "bnpo"})
    with pytest.raises(ValueError, match="auto would change how many rollouts steps_per_generation gives"):
        Grpo.model_validate(BATCH | GROUPS | {"micro_batch_size": "auto", "steps_per_generation": 4})


@pytest.mark.parametrize("kind", ["sft", "grpo"])
def test_activations_computed_twice_change_nothing(kind: str, tiny_policy: Path, tmp_path: Path) -> None:
    kept = trained(tiny_policy, tmp_path / "kept", kind, 4, "float32", gradient_checkpointing=False)
    twice = trained(tiny_policy, tmp_path / "twice", kind, 4, "float32", gradient_checkpointing=True)
    if kind == "sft":
        assert twice[:2] == kept[:2]  # losses and the adapter's digest, bit for bit
    else:  # with kept activations a prompt is read once for its group
        norms, again = ([row["grad_norm"] for row in log if "grad_norm" in row] for _, log, _ in (kept, twice))
        assert again == pytest.approx(norms, rel=1e-5)


@pytest.mark.parametrize("kind", ["sft", "grpo"])
def test_auto_is_the_run_with_that_number_written_down(
    kind: str, tiny_policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(tiny_policy, tmp_path / "whole", kind, "auto", "float32")
    assert whole[0]["micro_batch_size"] == 8
    noted = read_json(tmp_path / "whole" / "micro_batch.json")
    assert noted["micro_batch_size"] == 8
    monkeypatch.setattr(micro_batch, "CPU_TOKENS", 5 * noted["longest"])
    auto = trained(tiny_policy, tmp_path / "auto", kind, "auto", "float32")
    written = trained(tiny_policy, tmp_path / "written", kind, 4, "float32")
    assert auto[0]["micro_batch_size"] == 4  # the largest divisor of 8 of which at most 5 fit
    assert auto[:2] == written[:2]


def test_what_was_found_first_stays(tiny_policy: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    base, _ = load_policy(tiny_policy, "float32", "cpu")
    settings = Sft.model_validate(BATCH | {"micro_batch_size": "auto"})
    given: dict[str, Any] = {"dtype": "float32", "checkpointing": False, "workspace": workspace}
    monkeypatch.setattr(micro_batch, "CPU_TOKENS", 20)
    assert chosen(settings, base, 10, **given) == 2
    monkeypatch.setattr(micro_batch, "CPU_TOKENS", 1000)
    assert chosen(settings, base, 10, **given) == 2
    number = Sft.model_validate(BATCH | {"micro_batch_size": 4})
    assert chosen(number, base, 10, **given) == 4


@pytest.mark.parametrize(
    ("share", "memory", "expected"), [(32, 100, 32), (32, 31, 16), (24, 9, 8), (7, 6, 1), (4, 0, 1), (1, 0, 1)]
)
def test_the_largest_divisor_that_fits(share: int, memory: int, expected: int) -> None:
    tried = []

    def fits(rows: int) -> bool:
        tried.append(rows)
        if rows > memory:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return True

    assert largest(share, fits) == expected
    assert tried == sorted(tried, reverse=True)
    assert largest(share, lambda rows: rows <= memory) == expected


def test_a_trial_leaves_no_trace_on_a_gpu(tiny_policy: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    base, _ = load_policy(tiny_policy, "bfloat16", "cuda")
    model = new_adapter(base, Lora(rank=4, alpha=8, dropout=0.1), seed=0)
    state = torch.get_rng_state(), torch.cuda.get_rng_state(), model.training
    assert micro_batch._fits_gpu(model, 4, 32, "bfloat16", True)
    assert torch.equal(torch.get_rng_state(), state[0])
    assert torch.equal(torch.cuda.get_rng_state(), state[1])
    assert model.training == state[2]
    assert all(p.grad is None for p in model.parameters())
    assert not base.is_activation_checkpointing


def test_a_batch_that_does_not_come_out_even_is_an_error() -> None:
    assert accumulation(12, 4) == 3
    with pytest.raises(Exception, match="batch_size 12 is no multiple of micro_batch_size × processes = 5 × 1"):
        accumulation(12, 5)
