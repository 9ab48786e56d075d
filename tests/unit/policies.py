"""Folders of tiny random policies, as those of well-known families."""

import json
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import processors
from transformers import AutoConfig, AutoModelForCausalLM

from semalign.config.models import Tokenizer
from semalign.text.tokenizer import build_tokenizer
from tests.conftest import PAIRS

_TURNS = "{% for m in messages %}"
_END = "{% endfor %}"
# As the families have them: {name: (template, control tokens, begin token)}
TEMPLATES = {
    "chatml": (
        _TURNS
        + "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}"
        + _END
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
        ["<|im_start|>", "<|im_end|>", "<|endoftext|>"],
        None,
    ),
    "llama3": (
        "{{- bos_token }}{% if not date_string is defined %}{% if strftime_now is defined %}"
        "{% set date_string = strftime_now('%d %b %Y') %}{% else %}{% set date_string = '26 Jul 2024' %}{% endif %}"
        "{% endif %}{{- '<|start_header_id|>system<|end_header_id|>\n\nToday: ' + date_string + '\n\n<|eot_id|>' }}"
        + _TURNS
        + "{{- '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim + '<|eot_id|>' }}"
        + _END
        + "{% if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
        ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|end_of_text|>", "<|begin_of_text|>"],
        "<|begin_of_text|>",
    ),
    "gemma": (
        "{{ bos_token }}"
        + _TURNS
        + "{% if m['role'] == 'assistant' %}{% set role = 'model' %}{% else %}{% set role = m['role'] %}{% endif %}"
        "{{ '<start_of_turn>' + role + '\n' + m['content'] | trim + '<end_of_turn>\n' }}"
        + _END
        + "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}",
        ["<start_of_turn>", "<end_of_turn>", "<eos>", "<bos>"],
        "<bos>",
    ),
    "mistral": (
        "{{ bos_token }}" + _TURNS + "{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
        "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}" + _END,
        ["[INST]", "[/INST]", "</s>", "<s>"],
        "<s>",
    ),
    "phi3": (
        _TURNS
        + "{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}"
        + _END
        + "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}",
        ["<|user|>", "<|assistant|>", "<|end|>", "<|endoftext|>"],
        None,
    ),
    "zephyr": (
        _TURNS
        + "{{ '<|' + m['role'] + '|>\n' + m['content'] + eos_token + '\n' }}"
        + _END
        + "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}",
        ["</s>", "<s>"],
        "<s>",
    ),
}
ENDS = {"chatml": "<|endoftext|>", "llama3": "<|end_of_text|>", "gemma": "<eos>", "mistral": "</s>"} | {
    "phi3": "<|endoftext|>",
    "zephyr": "</s>",
}
SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}


def tokenizer_of(family: str, **changes: Any) -> Any:
    """A byte-level tokenizer with a family's template and control tokens; `changes`: of its attributes."""
    texts = [row[side] for row in PAIRS for side in ("source", "target")]
    tokenizer: Any = build_tokenizer(Tokenizer(lexicon=None, vocab_size=300), texts)
    template, control, start = TEMPLATES[family]
    tokenizer.add_special_tokens({"additional_special_tokens": control})
    tokenizer.chat_template = template
    tokenizer.eos_token = ENDS[family]
    tokenizer.bos_token = start
    if start:
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{start} $A", special_tokens=[(start, tokenizer.convert_tokens_to_ids(start))]
        )
    for name, value in changes.items():
        setattr(tokenizer, name, value)
    return tokenizer


def policy(folder: Path, tokenizer: Any, model_type: str = "llama", rows: int = 320, **shape: Any) -> Path:
    """The folder of a random model of so many embeddings, with this tokenizer."""
    torch.manual_seed(0)
    config = AutoConfig.for_model(model_type, **SMALL | {"vocab_size": rows, "initializer_range": 0.1} | shape)
    config.pad_token_id, config.eos_token_id = tokenizer.pad_token_id, tokenizer.eos_token_id
    config.bos_token_id = tokenizer.bos_token_id
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def laid_on(base: Path, **changes: Any) -> Any:
    """A model with an adapter that plain peft has made, as another project would."""
    lora: dict[str, Any] = {"r": 2, "target_modules": ["q_proj", "v_proj"], "task_type": "CAUSAL_LM"} | changes
    return get_peft_model(AutoModelForCausalLM.from_pretrained(base), LoraConfig(**lora))


def stirred(model: Any, std: float = 0.05, only: str = "lora_") -> Any:
    """The model with random values in its adapter, or a part of it; B of a fresh one is 0."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if only in name:
                parameter.normal_(std=std)
    return model


def rewritten(folder: Path, name: str, **changes: Any) -> None:
    path = folder / name
    path.write_text(json.dumps((json.loads(path.read_text()) if path.exists() else {}) | changes))
