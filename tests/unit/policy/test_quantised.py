"""A base in 4 bits: loaded, proven, trained through float32 adapters, and released on the weights of its folder.

All but the refusal needs bitsandbytes (envs/requirements-nf4.txt), which computes on a CPU too.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from semalign.config.training import Grpo, Lora, Sft
from semalign.generation.answers import generate
from semalign.policy.grpo import train_grpo
from semalign.policy.likelihood import token_statistics
from semalign.policy.lora_targets import lora_targets
from semalign.policy.models import digest, load_adapter, load_policy, merged_adapter, new_adapter, save_adapter
from semalign.policy.preferences import train_dpo
from semalign.policy.sft import train_sft
from semalign.rewards.builtin import length_reward
from semalign.runtime.errors import InputError
from semalign.runtime.workspace import Workspace
from tests.conftest import PAIRS
from tests.unit.policies import policy, stirred, tokenizer_of
from tests.unit.policy.test_precision import HERE, ONE_STEP, trainable
from tools.releasing.folder import write_merged

needs_bitsandbytes = pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")
NF4: dict[str, Any] = {"dtype": "bfloat16", "device": "cpu", "quantization": "nf4"}
SFT = Sft.model_validate(ONE_STEP | {"epochs": 1, "max_tokens": 128})
GRPO = Grpo.model_validate(
    ONE_STEP
    | {"epochs": 1 / 8, "num_generations": 8, "max_new_tokens": 8, "temperature": 1.0, "top_p": 1.0, "beta": 0.1}
    | {"rewards": {"length": 1.0}}
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama, whose output is not its embedding, wide enough for blocks of 64 weights."""
    return policy(tmp_path_factory.mktemp("policy"), tokenizer_of("chatml"), hidden_size=64, intermediate_size=128)


@pytest.fixture(autouse=True)
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """In evaluation a processor with AVX512-BF16 has weights packed anew in place, and such ones have no gradient."""
    if find_spec("bitsandbytes") is not None:
        monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: False)


def adapted(folder: Path) -> tuple[PeftModel, Any]:
    """The base in 4 bits with an adapter both of whose matrices have values."""
    base, tokenizer = load_policy(folder, **NF4)
    return stirred(new_adapter(base, Lora(rank=8, alpha=16, dropout=0.0), seed=0)), tokenizer


@pytest.mark.skipif(find_spec("bitsandbytes") is not None, reason="bitsandbytes is installed")
def test_without_bitsandbytes_the_library_refuses(tiny_policy: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be loaded as a causal language model: .*bitsandbytes"):
        load_policy(tiny_policy, **NF4)


@needs_bitsandbytes
def test_projections_are_in_4_bits_and_the_rest_is_not(folder: Path) -> None:
    base, _ = load_policy(folder, **NF4)
    packed = {name for name, p in base.named_parameters() if p.dtype == torch.uint8}
    assert len(packed) == 2 * 7
    assert all("_proj" in name for name in packed)
    assert {p.dtype for name, p in base.named_parameters() if name not in packed} == {torch.bfloat16}
    q = base.get_parameter("model.layers.0.self_attn.q_proj.weight")
    assert q.numel() == 64 * 64 / 2
    assert lora_targets(base, None) == ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]


@needs_bitsandbytes
def test_what_the_folder_holds_is_verified_before_4_bits_hide_it(folder: Path, tmp_path: Path) -> None:
    broken = policy(tmp_path, tokenizer_of("chatml"), hidden_size=64, intermediate_size=128)
    weights = load_file(broken / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][3, 5] = float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"NaN, infinite or huge numbers in model\.layers\.1\.mlp\.up_proj\.weight"):
        load_policy(broken, **NF4)


@needs_bitsandbytes
@pytest.mark.parametrize("kind", ["sft", "grpo", "dpo"])
def test_a_step_moves_nearly_every_weight_of_a_float32_adapter(kind: str, folder: Path, workspace: Workspace) -> None:
    model, tokenizer = adapted(folder)
    before = {name: p.detach().clone() for name, p in trainable(model).items()}
    given = (model, tokenizer, PAIRS, "{source}")
    if kind == "sft":
        report, _ = train_sft(*given, SFT, **HERE, workspace=workspace)
    elif kind == "dpo":
        rows = [{"source": row["source"], "chosen": row["target"], "rejected": row["source"]} for row in PAIRS]
        report, _ = train_dpo(model, tokenizer, rows, "{source}", SFT, 0.1, **HERE, workspace=workspace)
    else:
        report, _ = train_grpo(*given, {"length": length_reward}, GRPO, **HERE, workspace=workspace)
    after = trainable(model)
    assert {p.dtype for p in after.values()} == {torch.float32}
    moved = sum(int((after[name] != was).sum()) for name, was in before.items())
    assert moved > 0.9 * report["trainable_parameters"]
    assert report["base_sha256"] == digest(model, adapter=False)


@needs_bitsandbytes
def test_the_proof_sees_a_scale_that_moved(folder: Path) -> None:
    model, _ = adapted(folder)
    before = digest(model, adapter=False)
    packed: Any = next(p for p in model.parameters() if p.dtype == torch.uint8)
    packed.quant_state.state2.absmax.add_(1.0)
    assert digest(model, adapter=False) != before


@needs_bitsandbytes
def test_it_answers_and_is_measured_unmerged(folder: Path, workspace: Workspace) -> None:
    model, tokenizer = adapted(folder)
    before = digest(model, adapter=False)
    with merged_adapter(model):
        assert digest(model, adapter=False) == before
    texts = [row["source"] for row in PAIRS[:4]]
    answers = generate(model, tokenizer, texts, max_new_tokens=6, batch_size=2, workspace=workspace, name="x")
    assert len(answers) == 4
    found, _ = token_statistics(model, tokenizer, texts, max_tokens=32, batch_size=2, chunk_tokens=16)
    assert (found["kl"] > 0).any()


@needs_bitsandbytes
def test_a_saved_adapter_belongs_to_the_base_in_4_bits_and_is_merged_into_the_folder_s(
    folder: Path, tmp_path: Path
) -> None:
    model, _ = adapted(folder)
    save_adapter(model, tmp_path / "adapter")
    again = load_adapter(load_policy(folder, **NF4)[0], tmp_path / "adapter", trainable=True)
    assert digest(again, adapter=True) == digest(model, adapter=True)
    with pytest.raises(InputError, match="the adapter was trained on another base"):
        load_adapter(load_policy(folder, "bfloat16", "cpu")[0], tmp_path / "adapter", trainable=False)
    write_merged(folder, tmp_path / "adapter", "bfloat16", "nf4", tmp_path / "merged")
    stored = load_file(folder / "model.safetensors")
    whole = load_file(tmp_path / "merged" / "model.safetensors")
    name = "model.layers.0.self_attn.q_proj"
    adapter = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    a, b = (adapter[f"base_model.model.{name}.lora_{side}.weight"] for side in "AB")
    expected = stored[f"{name}.weight"] + 16 / 8 * b @ a
    assert torch.allclose(whole[f"{name}.weight"].float(), expected, rtol=2**-8, atol=1e-6)
    assert {tensor.dtype for tensor in whole.values()} == {torch.bfloat16}
