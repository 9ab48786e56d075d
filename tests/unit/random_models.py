"""Tiny random language models without a tokenizer, and prompts for them."""

from typing import Any

import torch
from transformers import AutoModelForCausalLM, MambaConfig, PretrainedConfig

SHAPE: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "initializer_range": 0.3,
}
RECURRENT = MambaConfig(vocab_size=60, hidden_size=32, state_size=4, num_hidden_layers=2)


def model_of(config: PretrainedConfig) -> Any:
    torch.manual_seed(1)
    return AutoModelForCausalLM.from_config(config).eval()


def prompts(lengths: tuple[int, ...], copies: int = 1) -> dict[str, torch.Tensor]:
    """Random prompts of these lengths, each so many times, padded on the left."""
    generator = torch.Generator().manual_seed(sum(lengths))
    longest = max(lengths)
    ids = torch.randint(3, 60, (len(lengths), longest), generator=generator)
    mask = torch.tensor([[int(place >= longest - length) for place in range(longest)] for length in lengths])
    return {
        name: one.repeat_interleave(copies, 0) for name, one in (("input_ids", ids * mask), ("attention_mask", mask))
    }
