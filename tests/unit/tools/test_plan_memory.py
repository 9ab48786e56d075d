"""A plan's memory by hand, and what it says of a card."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import Qwen3Config, Qwen3ForCausalLM

from bench.floors import MINIATURE_ENCODER, QWEN3_4B, Shape, memory_of
from semalign.preflight.root import Config, validate
from tests.conftest import ROOT
from tests.unit.bench.test_floors import SMALL
from tests.unit.shipped import laid
from tools.plan import main
from tools.planning.dag import Job, merged
from tools.planning.memory import CONTEXT, GIB, Training, fits, layer_bytes, memory, peak, training_of


def config(policy: dict[str, Any] | None = None, **changes: Any) -> Config:
    raw = laid()
    raw["policy"] |= {"dtype": "bfloat16", "cuda_graphs": False} | (policy or {})
    return validate(raw | {"device": "cuda"} | changes)


def test_sft_by_hand() -> None:
    """Two rows of five tokens: ten, of a vocabulary of ten. Inputs of the projections: 4 five times, 4 and 8: 32."""
    training = Training(rows=2, length=5, dropout=True)
    layer = 18 * 4 + 10 * 4 + 8 * 2 + 8 * 8 + 2 * 1 * 7 + 4 * 32
    assert layer_bytes(SMALL, dropout=True) == layer
    parts = memory(training, config(), SMALL, MINIATURE_ENCODER, None)
    assert parts == {
        "weights": 144 * 2 + 40 * 2,
        "adapter": 64 * 18,  # itself, gradient, two moments, and in bfloat16
        "update": 10 * (1 * 2 * 4 + layer) + 10 * 10 * 4,  # the layer's input, one layer, a tile of logits
        "generation": 0,
        "encoder": 0,
        "context": CONTEXT,
    }
    assert peak(parts) == sum(parts.values())
    kept = memory(training, config(gradient_checkpointing=False), SMALL, MINIATURE_ENCODER, None)
    assert kept["update"] == 10 * layer + 10 * 10 * 4


def saved(layers: int, dropout: float) -> int:
    """Bytes that autograd saves of a forward pass of 4 × 64 tokens, weights aside."""
    shape: dict[str, Any] = {
        "hidden_size": 128,
        "intermediate_size": 320,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "num_hidden_layers": layers,
        "head_dim": 48,
    }
    model: Any = Qwen3ForCausalLM(Qwen3Config(vocab_size=60, **shape))
    lora = LoraConfig(r=8, lora_dropout=dropout, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model.bfloat16(), lora).train()
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = tensor
        return tensor

    ids = torch.ones((4, 64), dtype=torch.long)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), torch.autocast("cpu", torch.bfloat16):
        output = model.get_base_model().model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
    assert output is not None
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_layer_keeps_what_autograd_saves(dropout: float) -> None:
    """Beside the adapter's copies in bfloat16, which autocast makes once."""
    shape = Shape(1, 128, 320, 4, 2, 48, 60, lora_rank=8)
    found = saved(3, dropout) - saved(2, dropout) - 2 * shape.lora
    assert layer_bytes(shape, dropout > 0) == pytest.approx(found / (4 * 64), rel=0.03)


def test_grpo_by_hand() -> None:
    """Six completions of three tokens to prompts of two; the cache has 8 bytes a token."""
    training = Training(rows=2, length=5, reference=True, sampled=6, prompt=2, encoder=True)
    parts = memory(training, config(), SMALL, SMALL, None)
    assert parts["adapter"] == 64 * 22
    assert parts["generation"] == 6 * (5 * 8 + 10 * 24 + 2 * 2 * (4 * 4 + 3 * 8))
    assert parts["encoder"] == 4 * (144 + 40)
    assert peak(parts) == sum(parts.values()) - min(parts["update"], parts["generation"])


def test_weights_in_4_bits() -> None:
    """Half a byte, a 64th for its scale and a 4096th for the scale's; the largest projection of 4×8 is there in 16."""
    parts = memory(Training(1, 1), config({"quantization": "nf4"}), SMALL, SMALL, None)
    assert parts["weights"] == pytest.approx(144 * (1 / 2 + 1 / 64 + 1 / 4096) + 2 * 32 + 40 * 2)
    of_4b = memory(Training(1, 1), config({"quantization": "nf4"}), QWEN3_4B, SMALL, None)
    assert of_4b["weights"] / GIB == pytest.approx(2.5, abs=0.1)


def test_trainings_are_those_of_the_config() -> None:
    shipped = config(lora={"rank": 64, "alpha": 128, "dropout": 0.05})

    def of(rule: str, model: str) -> Training:
        found = training_of(shipped, Job(rule, {"task": "mt", "model": model, "seed": "0"}))
        assert found is not None
        return found

    most, rl = shipped.tasks["mt"].max_tokens, shipped.rl
    cold = of("train_sft", "cold_sft")
    assert cold == Training(16, min(most, shipped.cold_sft.max_tokens), dropout=True)
    grpo = of("train_grpo", "rl")
    assert (grpo.rows, grpo.length, grpo.sampled) == (64, rl.max_prompt_tokens + rl.max_new_tokens, 64)
    dpo, to_base = of("train_method", "dpo@1600"), of("train_method", "grpo_kl_base@0.1")
    assert (dpo.length, dpo.reference, dpo.dropout) == (2 * most, True, False)
    assert to_base.reference
    kl = of("train_method", "kl_sft@1200")
    assert kl.kl
    untrained = {"task": "mt", "model": "interpolation@0.5", "seed": "0"}
    assert training_of(shipped, Job("train_method", untrained)) is None
    assert training_of(shipped, Job("generate", {"run": "base"})) is None


def test_what_fits() -> None:
    card = memory_of("NVIDIA GeForce RTX 4090")
    assert card == 24 * GIB
    assert memory_of("abacus") is None
    assert [fits(size * GIB, card) for size in (21, 23, 25)] == ["yes", "hardly", "no"]
    assert fits(1.0, None) == ""


def test_a_plan_says_what_a_card_needs_without_the_packages(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    overlay = tmp_path / "nf4.yaml"
    overlay.write_text("policy: {quantization: nf4}\n")
    shipped = ROOT / "config" / "public.yaml"
    assert merged([shipped, overlay])["policy"]["quantization"] == "nf4"
    main([str(shipped), str(overlay), "--target", "results/mt/rl/0/adapter"])
    said = capsys.readouterr().out
    assert "| at the peak | of 24 GiB? |" in said
    assert "| train_grpo | mt/rl | 0.507 | " in said  # 0.440e9 weights in 4 bits, 0.156e9 in bfloat16
