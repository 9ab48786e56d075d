"""Loading the policy and its adapters, and proofs of what training changed."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from transformers import AutoConfig, GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

from semalign.config.training import Lora
from semalign.model_files.model_folders import POLICY, model_problem
from semalign.model_files.weight_files import some
from semalign.model_files.weights import SAFE, UNREADABLE, check_stored, non_finite, read_policy
from semalign.policy.decoding import decode_on_cpu
from semalign.policy.graph_decoding import decode_with_graphs
from semalign.policy.lora_targets import KEY, is_linear, lora_targets, matches
from semalign.policy.policy_tokenizer import end_tokens, load_tokenizer, set_aside
from semalign.runtime import distributed
from semalign.runtime.device import checked_device
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json, write_json

log = logging.getLogger(__name__)

ADAPTER, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
BASE_DIGEST = "trained_on.json"


def load_policy(
    path: str | Path,
    dtype: str,
    device: str,
    *,
    quantization: str | None = None,
    attention: str = "sdpa",
    cuda_graphs: bool = False,
    chat_template: str | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The base model (evaluation mode) and its tokenizer, padding on the left; safetensors only, no remote code.

    quantization, attention, cuda_graphs: the config's keys of `policy`. chat_template: in place of the folder's own.

    Of the folder's settings for decoding only the tokens that end an answer are kept, and its dropout is off: the
    config has one for the adapter.
    """
    problem = model_problem(Path(path), POLICY, template=chat_template is not None)
    if problem:
        raise InputError(f"policy.path: {problem}")
    tokenizer = load_tokenizer(path, chat_template)
    ends = end_tokens(path, tokenizer)
    if aside := set_aside(path, tokenizer):
        log.info("%s: set aside, since the config alone says how answers are made: %s", path, aside)
    decoding = GenerationConfig(
        eos_token_id=ends, pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id
    )
    try:
        config = AutoConfig.from_pretrained(path, **SAFE)
    except UNREADABLE as error:
        raise InputError(f"{path}: its config.json cannot be read: {error}") from error
    for name in [name for name, value in config.to_dict().items() if "drop" in name and value]:
        log.info("%s: %s = %s of config.json is set to 0", path, name, getattr(config, name))
        setattr(config, name, 0.0)
    # what a folder may switch on: outputs as tuples, or more of them than anyone reads
    config.return_dict, config.output_attentions, config.output_hidden_states = True, False, False
    how: dict[str, Any] = {"config": config, "generation_config": decoding}
    if attention != "sdpa":  # transformers takes that by itself, and another where an architecture has none
        how["attn_implementation"] = attention
    model = read_policy(Path(path), dtype, checked_device(device), quantization, **how)
    if model.device.type == "cuda" and cuda_graphs:
        decode_with_graphs(model)
    elif model.device.type == "cpu":
        decode_on_cpu(model)
    return model.eval(), tokenizer


def new_adapter(model: PreTrainedModel, lora: Lora, seed: int) -> PeftModel:
    """A fresh LoRA adapter on every projection of the layers (paper: Appendix A), seeded.

    Raises InputError where peft refuses a module, or leaves one out, as it does where it takes an architecture's names
    for those of experts.
    """
    torch.manual_seed(seed)
    targets = lora_targets(model, lora.target_modules)
    wanted = {name for name, part in model.named_modules() if matches(name, targets) and is_linear(part)}
    settings = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    try:
        adapted = get_peft_model(model, settings)
    except ValueError as error:
        raise InputError(f"{KEY}: peft cannot adapt what is named there: {error}") from error
    layers = {
        name.removeprefix("base_model.model.") for name, part in adapted.named_modules() if isinstance(part, LoraLayer)
    }
    if lost := wanted - layers:
        raise InputError(f"{KEY}: peft leaves out {some(lost)} of {type(model).__name__}; take another model")
    return adapted


def load_adapter(model: PreTrainedModel, path: str | Path, trainable: bool, trained_in: str | None = None) -> PeftModel:
    """A saved adapter on the base; unmerged, since merging into bf16 would round the update away.

    trained_in: where the base is loaded in another precision than the adapter was trained on: that one, `float32`,
    `bfloat16` or `nf4`; a base in 4 bits cannot be made again from this one, so that it is not compared.

    Raises InputError where it cannot be loaded, or was trained on another base.
    """
    remedy = "delete its folder, and it is trained again"
    unusable: tuple[type[Exception], ...] = (*UNREADABLE, InputError)
    try:
        adapted = PeftModel.from_pretrained(model, str(path), is_trainable=trainable)
        trained_on = read_json(Path(path) / BASE_DIGEST)["sha256"]
        check_stored(get_peft_model_state_dict(adapted), Path(path) / ADAPTER)
    except unusable as error:
        raise InputError(f"{path}: no adapter of this base ({str(error)[:500]}); {remedy}") from error
    if trained_in != "nf4" and digest(adapted, adapter=False, dtype=trained_in) != trained_on:
        raise InputError(f"{path}: the adapter was trained on another base; {remedy}")
    return adapted


@contextmanager
def merged_adapter(model: PeftModel) -> Iterator[None]:
    """Within the block the active adapter is merged into the base's weights; afterwards they are bit for bit as before.

    Does nothing below float32, 4 bits among it, where merging would round the update away; nor where it is merged
    already, or is no plain LoRA (DoRA, or with a bias), as a model that was trained elsewhere may have it.
    """
    layers: list[Any] = [module for module in model.modules() if isinstance(module, LoraLayer)]
    if any(
        layer.get_base_layer().weight.dtype != torch.float32
        or layer.merged
        or layer.lora_variant
        or any(layer.lora_bias.values())
        for layer in layers
    ):
        yield
        return
    adapter: Any = model.active_adapter
    bases: list[Any] = [layer.get_base_layer() for layer in layers]
    originals = [base.weight.data for base in bases]
    with torch.no_grad():
        merged = [base.weight.data + layer.get_delta_weight(adapter) for base, layer in zip(bases, layers, strict=True)]
    try:
        for base, layer, weight in zip(bases, layers, merged, strict=True):
            base.weight.data = weight
            layer.merged_adapters = [adapter]
        yield
    finally:
        for base, layer, weight in zip(bases, layers, originals, strict=True):
            base.weight.data = weight
            layer.merged_adapters = []


@contextmanager
def full_precision(model: PeftModel) -> Iterator[None]:
    """Within the block the base's weights are float32; afterwards they are rounded to what they were.

    Merging an adapter and taking it out again leaves errors of float32's last bits, which the rounding removes.
    """
    base = [p for name, p in model.named_parameters() if "lora_" not in name]
    before = [p.dtype for p in base]
    for parameter in base:
        parameter.data = parameter.data.float()
    try:
        yield
    finally:
        for parameter, dtype in zip(base, before, strict=True):
            parameter.data = parameter.data.to(dtype)


def logits(model: Any, states: torch.Tensor) -> torch.Tensor:
    """A causal model's logits (…, vocabulary) in float32 of its last hidden states (…, width), taken in its own
    precision, as its own forward pass has them: some families scale or cap what the head gives."""
    head, config = model.get_output_embeddings(), model.config.get_text_config()
    found: torch.Tensor = head(states.to(head.weight.dtype)).float()
    factors = (getattr(config, name, None) for name in ("logit_scale", "output_multiplier", "lm_head_multiplier"))
    divisor, cap = (getattr(config, name, None) for name in ("logits_scaling", "final_logit_softcapping"))
    for factor in factors:
        found = found if factor is None else found * factor
    if divisor is not None:
        found = found * divisor if config.model_type == "hyperclovax" else found / divisor
    return found if cap is None else torch.tanh(found / cap) * cap


def digest(model: PeftModel, adapter: bool, dtype: str | None = None) -> str:
    """SHA-256 of the adapter's tensors, or of the base's, in the order of their names; of 4-bit ones with their scales.
    dtype: as if they were of this one."""
    state = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):
        # no other adapter counts, such as the reference copy that GRPO keeps for its KL term
        if ("lora_" in name) == adapter and (not adapter or f".{model.active_adapter}." in name):
            rounded = parameter.detach() if dtype is None else parameter.detach().to(getattr(torch, dtype))
            scales: Any = getattr(parameter, "quant_state", None)
            tensors = [rounded, *(scales.as_dict(packed=True).values() if scales is not None else ())]
            state.update(name.encode())
            for tensor in tensors:
                state.update(tensor.cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return state.hexdigest()


@contextmanager
def own_precision(model: PeftModel) -> Iterator[None]:
    """Within the block a trainer is made for the model; afterwards its adapter is as before. trl rounds one on a 4-bit
    base to bfloat16, and a small learning rate would not move it."""
    before = [(parameter, parameter.data) for parameter in model.parameters() if parameter.requires_grad]
    yield
    for parameter, data in before:
        parameter.data = data


class TrainingProof:
    """Taken before training; `check` afterwards fails loudly on a run that trained nothing or the wrong thing."""

    def __init__(self, model: PeftModel) -> None:
        self.model = model
        self.trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
        if self.trainable == 0:
            raise RuntimeError("no trainable parameters: the adapter was loaded frozen")
        self.adapter, self.base = digest(model, adapter=True), digest(model, adapter=False)

    def check(self) -> dict[str, int | str]:
        """Raise RuntimeError unless the adapter moved, the base did not and all processes have the same weights;
        returns both digests and the count."""
        moved = ((name, parameter) for name, parameter in self.model.named_parameters() if "lora_" in name)
        if names := non_finite(moved):
            raise RuntimeError(f"training left NaN, infinite or huge numbers in {some(names)}")
        adapter, base = digest(self.model, adapter=True), digest(self.model, adapter=False)
        if adapter == self.adapter:
            raise RuntimeError(
                "training left the adapter unchanged: no step had both a gradient and a learning rate above 0 (a "
                "warm-up begins at 0, and equal rewards give no gradient)"
            )
        if base != self.base:
            raise RuntimeError("training changed the base model's weights")
        of_all = distributed.gathered((adapter, base))
        if len(set(of_all)) > 1:
            raise RuntimeError(f"the processes of this training have different weights at its end: {of_all}")
        return {"trainable_parameters": self.trainable, "adapter_sha256": adapter, "base_sha256": base}


def save_adapter(model: PeftModel, output: Path, base: str | None = None) -> None:
    """Write the adapter alone, as safetensors; the same adapter gives the same bytes. `base`: its digest, if known."""
    model.save_pretrained(str(output), selected_adapters=["default"], safe_serialization=True)
    config = read_json(output / ADAPTER_CONFIG)
    write_json(output / BASE_DIGEST, {"sha256": base or digest(model, adapter=False)})
    write_json(output / ADAPTER_CONFIG, config | {"target_modules": sorted(config["target_modules"])})  # peft has a set
    log.info("adapter written to %s", output)
