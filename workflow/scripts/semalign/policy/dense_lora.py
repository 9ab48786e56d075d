"""LoRA as one matrix where that takes fewer operations.

peft computes x Wᵀ + s (x Aᵀ) Bᵀ. Of a layer with few inputs and outputs the products with A and B, and their gradients,
cost more than x (W + s B A)ᵀ and its: a function and gradients that differ by rounding alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import Linear


@contextmanager
def dense_lora(model: PeftModel) -> Iterator[None]:
    """Within the block the layers whose adapter is large beside their weights are trained as one matrix each.

    Only float32 layers without dropout, outside autocast: below float32, the sum would round the adapter away.
    """
    layers = [layer for layer in model.modules() if type(layer) is Linear and _is_shorter(layer, model.active_adapter)]
    for layer in layers:
        vars(layer)["forward"] = partial(_forward, layer)
    try:
        yield
    finally:
        for layer in layers:
            del vars(layer)["forward"]


def _is_shorter(layer: Any, adapter: Any) -> bool:
    """Operations a token, forward and backward: three products of A and of B, and two of W, beside three of the sum."""
    base = layer.get_base_layer()
    plain = type(base) is torch.nn.Linear and base.weight.dtype == torch.float32 and adapter in layer.lora_A
    if not plain or layer.fan_in_fan_out or layer.lora_variant or layer.lora_bias[adapter]:
        return False
    kept = all(getattr(dropout, "p", 0.0) == 0.0 for dropout in layer.lora_dropout.values())
    inputs, outputs = base.in_features, base.out_features
    return kept and 3 * layer.r[adapter] * (inputs + outputs) > inputs * outputs


def _forward(layer: Any, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
    base = layer.get_base_layer()
    lower = torch.is_autocast_enabled(x.device.type)
    if args or kwargs or lower or layer.disable_adapters or len(layer.active_adapters) != 1:
        return Linear.forward(layer, x, *args, **kwargs)
    if layer.merged:
        return torch.nn.functional.linear(x, base.weight, base.bias)
    (adapter,) = layer.active_adapters
    a, b = layer.lora_A[adapter].weight, layer.lora_B[adapter].weight
    weight = torch.addmm(base.weight, b, a, alpha=layer.scaling[adapter])
    return torch.nn.functional.linear(x, weight, base.bias)
