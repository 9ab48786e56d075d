"""A training that diverges ends with its step and a remedy, and leaves nothing that is not finite."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from semalign.config.models import Pretraining
from semalign.encoder.training import train_encoder
from semalign.model_files.weights import non_finite
from semalign.policy.models import TrainingProof
from semalign.policy.preferences import train_dpo
from semalign.policy.pretraining import train_base
from semalign.policy.sft import train_sft
from semalign.resume.checkpoints import latest
from semalign.runtime.errors import InputError
from semalign.runtime.files import sha256, write_json
from semalign.runtime.workspace import Workspace
from tests.conftest import PAIRS
from tests.unit.encoder.test_encoder import lexicon as lexicon
from tests.unit.encoder.test_encoder import settings, triplets
from tests.unit.policy.test_training import HERE, PROMPT, SFT, fresh, run_grpo


def sft(policy: Path, workspace: Workspace, **changes: Any) -> Any:
    model, tokenizer = fresh(policy)
    recipe = SFT.model_copy(update={"warmup_ratio": 0.0} | changes)
    return train_sft(model, tokenizer, PAIRS, PROMPT, recipe, **HERE, workspace=workspace)


def grpo(policy: Path, workspace: Workspace, **changes: Any) -> Any:
    model, tokenizer = fresh(policy)
    return run_grpo(model, tokenizer, workspace, **changes)


def dpo(policy: Path, workspace: Workspace, **changes: Any) -> Any:
    model, tokenizer = fresh(policy)
    rows = [{"source": row["source"], "chosen": row["target"], "rejected": row["source"]} for row in PAIRS]
    recipe = SFT.model_copy(update={"warmup_ratio": 0.0} | changes)
    return train_dpo(model, tokenizer, rows, PROMPT, recipe, 0.1, **HERE, workspace=workspace)


def base(policy: Path, workspace: Workspace, **changes: Any) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(policy)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    corpus = [{"kind": "text", "source": {"format": "jsonl", "path": "unused"}}]
    shape = {"hidden_size": 32, "intermediate_size": 64, "layers": 1, "heads": 2}
    values = {"corpus": corpus, "tokenizer": {"vocab_size": 300}, "shape": shape, "batch_size": 4, "warmup_ratio": 0.0}
    recipe = Pretraining.model_validate(values | {"steps": 4} | changes)
    documents = [{"text": row["target"]} for row in PAIRS]
    return train_base(recipe, documents, tokenizer, workspace.folder / "model", workspace)


DIVERGED: dict[str, tuple[Callable[..., Any], dict[str, Any], str]] = {
    "SFT": (sft, {"learning_rate": 1e30}, "at step 2 of 8: the gradient's norm is nan"),
    "SFT that overflows": (sft, {"learning_rate": 3e38}, "at step 2 of 8: the gradient's norm is nan"),
    "SFT of one step": (sft, {"learning_rate": 1e30, "epochs": 0.25}, "after step 1 of 1: NaN, infinite or huge"),
    "SFT to flat logits": (
        sft,
        {"learning_rate": 1e10},
        "after step 8 of 8: what the model computes is not finite, or",
    ),
    "GRPO": (grpo, {"learning_rate": 1e30, "epochs": 1}, "after step 1 of 8: the model's logits are not finite"),
    "DPO": (dpo, {"learning_rate": 1e30}, "at step 2 of 8: the gradient's norm is nan"),
    "base training": (base, {"learning_rate": 1e30}, "at step 2 of 4: the gradient's norm is nan"),
    "base training of one step": (
        base,
        {"learning_rate": 1e30, "steps": 1},
        "after step 1 of 1: NaN, infinite or huge",
    ),
}


@pytest.mark.parametrize("name", DIVERGED)
def test_a_training_that_diverged_ends(name: str, tiny_policy: Path, workspace: Workspace) -> None:
    train, changes, said = DIVERGED[name]
    with pytest.raises(InputError) as caught:
        train(tiny_policy, workspace, **changes)
    assert str(caught.value).startswith(f"the training diverged {said}")
    assert "lower its learning_rate (now " in str(caught.value)
    assert not (workspace.folder / "model").exists()


def test_so_does_an_encoders(lexicon: Path, tmp_path: Path, workspace: Workspace) -> None:
    with pytest.raises(InputError, match="the training diverged at step"):
        train_encoder(settings(lexicon, learning_rate=3.0e38), triplets(128, 0), tmp_path / "encoder", workspace)
    assert not (tmp_path / "encoder").exists()


def test_no_checkpoint_holds_what_diverged(tiny_policy: Path, tmp_path: Path) -> None:
    """One is due after every step; that of the first step, whose weights are huge, is not written."""
    with pytest.raises(InputError, match="after step 1 of 8: NaN, infinite or huge numbers in base_model"):
        sft(tiny_policy, Workspace(tmp_path, 0.0), learning_rate=1e30)
    assert list((tmp_path / "checkpoints").glob("checkpoint-*")) == []


def test_a_checkpoint_that_is_not_finite_is_passed_over(tiny_policy: Path, tmp_path: Path) -> None:
    sft(tiny_policy, Workspace(tmp_path, 0.0))
    good, poisoned = sorted((tmp_path / "checkpoints").glob("checkpoint-*"))
    file = poisoned / "adapter_model.safetensors"
    data = bytearray(file.read_bytes())
    data[-4:] = b"\x00\x00\xc0\x7f"  # the last float32 is a NaN
    file.write_bytes(data)
    assert non_finite(load_file(file).items())
    files = [path for path in poisoned.rglob("*") if path.is_file() and path.name != "complete.json"]
    write_json(poisoned / "complete.json", {path.relative_to(poisoned).as_posix(): sha256(path) for path in files})
    assert latest(tmp_path / "checkpoints") == good
    assert not poisoned.exists()


def test_the_proof_does_not_take_a_nan_for_a_change(tiny_policy: Path) -> None:
    model, _ = fresh(tiny_policy)
    proof = TrainingProof(model)
    adapter = [parameter for name, parameter in model.named_parameters() if "lora_B" in name]
    with torch.no_grad():
        adapter[0][0, 0] = float("nan")
    with pytest.raises(RuntimeError, match=r"training left NaN, infinite or huge numbers in .*lora_B"):
        proof.check()
