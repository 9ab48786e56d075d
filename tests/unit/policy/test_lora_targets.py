"""LoRA adapts every projection of the layers, whatever an architecture calls them."""

from typing import Any

import pytest
import torch
from peft.tuners.lora import LoraLayer
from transformers import AutoConfig, AutoModelForCausalLM

from semalign.config.training import Lora
from semalign.policy.lora_targets import lora_targets
from semalign.policy.models import new_adapter
from semalign.runtime.errors import InputError
from tests.unit.policies import SMALL

SEVEN = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
GPT = {"n_embd": 32, "n_layer": 2, "n_head": 2}
BLOOM = ["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"]
FALCON = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
ARCHITECTURES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "llama": (SMALL, SEVEN),
    "qwen3": (SMALL, SEVEN),
    "qwen2": (SMALL, SEVEN),
    "gemma2": (SMALL, SEVEN),
    "gemma3_text": (SMALL, SEVEN),
    "mistral": (SMALL, SEVEN),
    "phi3": (SMALL | {"pad_token_id": 0}, ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]),
    "phi": (SMALL, ["q_proj", "k_proj", "v_proj", "dense", "fc1", "fc2"]),
    "gpt2": (GPT, ["c_attn", "c_proj", "c_fc"]),
    "gpt_neox": (SMALL, BLOOM),
    "bloom": ({"hidden_size": 32, "n_layer": 2, "n_head": 2}, BLOOM),
    "falcon": (FALCON, BLOOM),
    "opt": (
        {"hidden_size": 32, "ffn_dim": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "word_embed_proj_dim": 16},
        ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"],
    ),
    "nemotron": (SMALL, [name for name in SEVEN if name != "gate_proj"]),
    "glm4": (SMALL | {"pad_token_id": 0}, ["q_proj", "k_proj", "v_proj", "o_proj", "gate_up_proj", "down_proj"]),
}


def model_of(model_type: str, **shape: Any) -> Any:
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **shape | {"vocab_size": 64}))


@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_every_projection_of_every_layer_is_adapted(model_type: str) -> None:
    shape, names = ARCHITECTURES[model_type]
    with torch.device("meta"):
        assert sorted(lora_targets(model_of(model_type, **shape), None)) == sorted(names)
    adapted = new_adapter(model_of(model_type, **shape), Lora(rank=2), 0)
    layers = [name for name, module in adapted.named_modules() if isinstance(module, LoraLayer)]
    # a leaf may stand twice in a layer, as GPT-2's c_proj
    assert len(layers) == 2 * (len(names) + (model_type == "gpt2"))


@pytest.mark.parametrize("model_type", ["mixtral", "qwen3_moe", "gpt_oss"])
def test_a_mixture_of_experts_is_refused_but_with_names_of_ones_own(model_type: str) -> None:
    with torch.device("meta"):
        model = model_of(model_type, **SMALL)
    with pytest.raises(
        InputError, match=r"lora\.target_modules: .*experts.*k_proj, o_proj, q_proj, v_proj; name those"
    ):
        lora_targets(model, None)
    assert lora_targets(model, ["q_proj", "self_attn.o_proj"]) == ["q_proj", "self_attn.o_proj"]


@pytest.mark.parametrize(
    ("model_type", "own", "said"),
    [
        ("deepseek_v3", None, "peft leaves out model.layers.0.mlp.down_proj"),  # whose names it takes for experts'
        ("mamba", ["in_proj", "out_proj"], "peft cannot adapt what is named there: .*'out_proj' is incompatible"),
    ],
)
def test_what_peft_refuses_or_leaves_out_is_an_error(model_type: str, own: list[str] | None, said: str) -> None:
    with torch.device("meta"):
        model = model_of(model_type, **SMALL)
    with pytest.raises(InputError, match=rf"config key lora\.target_modules: {said}"):
        new_adapter(model, Lora(rank=2, target_modules=own), 0)


@pytest.mark.parametrize("wrong", ["query", "proj", "lm_head", "model.layers", "embed_tokens"])
def test_a_name_that_matches_no_projection_is_refused(wrong: str) -> None:
    with torch.device("meta"):
        model = model_of("llama", **SMALL)
    with pytest.raises(InputError, match=rf"lora\.target_modules: {wrong} matches no module; .*down_proj, gate_proj"):
        lora_targets(model, ["q_proj", wrong])
