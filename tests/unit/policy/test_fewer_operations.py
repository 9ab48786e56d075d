"""What makes a training step cheaper changes neither what is computed nor its gradient."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import PretrainedConfig

from semalign.config.training import Grpo, Lora
from semalign.policy import trl_private
from semalign.policy.dense_lora import dense_lora
from semalign.policy.grpo import train_grpo
from semalign.policy.models import load_policy, new_adapter
from semalign.policy.shared_prompts import read_prompts
from tests.conftest import work
from tests.unit.policies import stirred
from tests.unit.policy.test_decoding import CONFIGS
from tests.unit.random_models import model_of, prompts


def adapted(config: PretrainedConfig, rank: int = 16) -> PeftModel:
    made: PeftModel = stirred(new_adapter(model_of(config), Lora(rank=rank, alpha=16, dropout=0.0), 0), 0.3, "lora_B")
    return made


def gradients(model: PeftModel, output: torch.Tensor) -> dict[str, torch.Tensor]:
    """Of a sum with other weights for each figure: a norm's own sum of squares has no gradient."""
    model.zero_grad()
    (output * torch.arange(output.numel()).view_as(output).cos()).sum().backward()
    return {name: one.grad.clone() for name, one in model.named_parameters() if one.grad is not None}


def assert_close(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert found.keys() == wanted.keys()
    for name, one in wanted.items():
        torch.testing.assert_close(found[name], one, rtol=1e-4, atol=1e-4 * float(one.abs().max()))


def test_one_matrix_gives_what_an_adapter_beside_its_weights_gives() -> None:
    model = adapted(CONFIGS["qwen3"])
    given = prompts((9, 6, 4))
    plain = model(**given).logits
    wanted = gradients(model, plain)
    with dense_lora(model):
        dense = model(**given).logits
        assert_close(gradients(model, dense), wanted)
        with model.disable_adapter():
            base = model(**given).logits
    torch.testing.assert_close(dense, plain, rtol=1e-4, atol=1e-4)
    with model.disable_adapter():
        assert torch.equal(model(**given).logits, base)
    assert torch.equal(model(**given).logits, plain)  # and afterwards it is peft's again


def test_under_autocast_the_sum_does_not_round_the_adapter_away() -> None:
    model = adapted(CONFIGS["qwen3"])
    given = prompts((9, 6, 4))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        plain = model(**given).logits
        with dense_lora(model):
            assert torch.equal(model(**given).logits, plain)


@pytest.mark.parametrize(("rank", "layers"), [(2, 0), (4, 4), (16, 14)])
def test_only_layers_that_it_makes_cheaper_are_changed(rank: int, layers: int) -> None:
    """With rank r a layer of i inputs and o outputs is cheaper as one matrix where 3 r (i + o) > i o. Of each of the
    two blocks, query and output have 32 × 32 (from 5.3), key and value 32 × 16 (from 3.6), the other three 32 × 64
    (from 7.1)."""
    model = adapted(CONFIGS["qwen3"], rank)
    with dense_lora(model):
        assert sum("forward" in vars(module) for module in model.modules()) == layers


@pytest.mark.parametrize("name", ["qwen3", "llama", "a window that fills up"])
def test_a_prompt_that_is_read_once_has_the_gradient_of_one_that_is_read_for_each(name: str) -> None:
    model = adapted(CONFIGS[name])
    backbone: Any = model.get_base_model().base_model
    given = prompts((12, 9), copies=4)
    order = torch.tensor([5, 0, 3, 6, 1, 4, 2, 7])  # as trl shuffles them
    ids, mask = given["input_ids"][order], given["attention_mask"][order]
    completions = torch.randint(3, 60, (8, 6), generator=torch.Generator().manual_seed(3))
    whole = torch.cat([mask, torch.ones_like(completions)], dim=1)
    plain = backbone(input_ids=torch.cat([ids, completions], dim=1), attention_mask=whole).last_hidden_state[:, 11:]
    wanted = gradients(model, plain)
    cache = read_prompts(backbone, ids, mask)
    rest = torch.cat([ids[:, -1:], completions], dim=1)
    shared = backbone(input_ids=rest, attention_mask=whole, past_key_values=cache).last_hidden_state
    torch.testing.assert_close(shared, plain, rtol=1e-4, atol=1e-4)
    assert_close(gradients(model, shared), wanted)


def test_prompts_that_differ_are_not_read_apart() -> None:
    backbone = adapted(CONFIGS["qwen3"]).get_base_model().base_model
    given = prompts((9, 6, 4))
    assert read_prompts(backbone, given["input_ids"], given["attention_mask"]) is None


def test_grpo_earns_the_same_with_prompts_read_once(
    tiny_policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"id": str(i), "source": "老师看书"[: 1 + i % 4], "target": "དགེ"} for i in range(8)]
    how: dict[str, Any] = {"epochs": 1, "learning_rate": 1e-3, "batch_size": 16, "micro_batch_size": 8}
    how |= {"num_generations": 8, "max_new_tokens": 8, "max_prompt_tokens": 64, "temperature": 1.0, "top_p": 1.0}
    settings = Grpo(**how, warmup_ratio=0.0, beta=0.05, rewards={"mine:length": 1.0})

    def trained(name: str) -> list[dict[str, Any]]:
        model, tokenizer = load_policy(tiny_policy, "float32", "cpu")
        _, history = train_grpo(
            new_adapter(model, Lora(rank=8, alpha=16, dropout=0.0), seed=0),
            tokenizer,
            rows,
            "{source}",
            {"mine:length": lambda completions, references, sources: [float(len(text)) for text in completions]},
            settings,
            dtype="float32",
            device="cpu",
            seed=0,
            workspace=work(tmp_path / name),
        )
        return [entry for entry in history if "reward" in entry]

    shared = trained("shared")
    calls: list[int] = []
    monkeypatch.setattr(trl_private, "read_prompts", lambda *prompts: calls.append(1))
    plain = trained("plain")
    assert calls
    assert [entry["reward"] for entry in shared] == [entry["reward"] for entry in plain]
    for name in ("loss", "kl", "entropy", "grad_norm"):
        assert [entry[name] for entry in shared] == pytest.approx([entry[name] for entry in plain], rel=1e-3, abs=1e-6)
