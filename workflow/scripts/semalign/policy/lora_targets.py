"""Which modules LoRA adapts: every linear projection of the layers, whatever an architecture calls them."""

from collections.abc import Iterable
from typing import Any

from torch import nn
from transformers.pytorch_utils import Conv1D

from semalign.runtime.errors import InputError

KEY = "config key lora.target_modules"


def is_linear(module: Any) -> bool:
    return isinstance(module, nn.Linear | Conv1D)


def matches(name: str, targets: Iterable[str]) -> bool:
    """Is a module's name one of these, or does it end in one, as peft reads them?"""
    return any(f".{name}".endswith(f".{one}") for one in targets)


def lora_targets(model: Any, own: Iterable[str] | None) -> list[str]:
    """The names that peft is given: `own`, or those found in the model, which may lie on the meta device.

    Found are the leaf names of all linear modules within layers; the head and what lies beside the layers is left out.
    Raises InputError where a name of one's own matches nothing, or where layers hold weights that LoRA cannot adapt, as
    a mixture of experts does.
    """
    head = model.get_output_embeddings()
    linear = {name for name, module in model.named_modules() if is_linear(module) and module is not head}
    inside = sorted(name for name in linear if any(part.isdigit() for part in name.split(".")[:-1]))
    leaves = sorted({name.rpartition(".")[2] for name in inside})
    there = f"the linear modules of {type(model).__name__}'s layers are {', '.join(leaves) or 'none'}"
    if own is not None:
        if missing := [name for name in own if not any(matches(one, [name]) for one in linear)]:
            raise InputError(f"{KEY}: {', '.join(missing)} matches no module; {there}")
        return list(own)
    held = {f"{name}.{part}" for name in linear for part in ("weight", "bias")}
    others = {
        name.rpartition(".")[2]: name
        for name, weight in model.named_parameters()
        if weight.ndim > 2 and name not in held and any(part.isdigit() for part in name.split(".")[:-1])
    }
    if others or not leaves or any(leaf.isdigit() for leaf in leaves):
        why = (
            f"its layers also hold {', '.join(sorted(others.values()))}, which LoRA would leave out; " if others else ""
        )
        raise InputError(f"{KEY}: not every projection can be found: {why}{there}; name those to be adapted")
    return leaves
