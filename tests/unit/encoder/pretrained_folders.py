"""Folders of pretrained encoders with random weights, plain or of sentence-transformers, and changes of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Transformer
from transformers import (
    BartConfig,
    BartModel,
    BertConfig,
    BertModel,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from semalign.config.models import Tokenizer
from semalign.runtime.files import read_json, write_json
from semalign.text.tokenizer import build_encoder_tokenizer
from tests.unit.encoder.test_encoder import CONCEPTS, SYLLABLES, chinese

WIDTH = 32
ATTENTION: dict[str, Any] = {"num_hidden_layers": 2, "num_attention_heads": 2}
SIZE: dict[str, Any] = {"hidden_size": WIDTH, "intermediate_size": WIDTH, "max_position_embeddings": 50, **ATTENTION}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Plain transformers folders with random weights, by the kind of model."""
    home = tmp_path_factory.mktemp("transformers")
    words = home / "words.txt"
    words.write_text("\n".join([*chinese(list(range(CONCEPTS))), *SYLLABLES, "Q"]) + "\n", encoding="utf-8")
    tokenizer = build_encoder_tokenizer(Tokenizer(lexicon=words, vocab_size=None), [], 40)
    tokens: dict[str, Any] = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    bart: dict[str, Any] = {
        f"{half}_{part}": 2 for half in ("encoder", "decoder") for part in ("layers", "attention_heads")
    }
    torch.manual_seed(0)
    models: dict[str, PreTrainedModel] = {
        "bert": BertModel(BertConfig(**tokens, **SIZE)),
        "xlm-r": XLMRobertaForMaskedLM(XLMRobertaConfig(**tokens, **SIZE)),
        "t5": T5ForConditionalGeneration(
            T5Config(**tokens, d_model=WIDTH, d_ff=64, num_layers=2, num_heads=2, d_kv=16)
        ),
        "qwen": Qwen3ForCausalLM(Qwen3Config(**tokens, **SIZE, num_key_value_heads=2, head_dim=16)),
        "modernbert": ModernBertForMaskedLM(
            ModernBertConfig(**tokens, **SIZE, cls_token_id=1, sep_token_id=2, bos_token_id=1, eos_token_id=2)
        ),
        "bart": BartModel(BartConfig(**tokens, **bart, d_model=WIDTH, max_position_embeddings=50)),
    }
    for name, model in models.items():
        model.save_pretrained(home / name)
        tokenizer.padding_side = "left" if name == "qwen" else "right"
        tokenizer.save_pretrained(home / name)
    return {name: home / name for name in models} | {"words": words}


def made(folder: Path, base: Path, modules: list[Any], prompt: str = "", limit: int | None = None) -> Path:
    """A sentence-transformers folder with these modules after the transformer of `base`."""
    torch.manual_seed(1)
    transformer = Transformer(str(base), **({"max_seq_length": limit} if limit else {}))
    prompts: dict[str, Any] = (
        {"prompts": {"query": prompt, "other": "X "}, "default_prompt_name": "query"} if prompt else {}
    )
    encoder = SentenceTransformer(modules=[transformer, *modules], device="cpu", **prompts)
    encoder.save_pretrained(str(folder), create_model_card=False)
    return folder


def json_of(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    """A JSON file of the folder, changed in place or replaced by what `change` returns."""

    def changed(folder: Path) -> None:
        content = read_json(folder / name)
        write_json(folder / name, change(content) or content)

    return changed


def tensors(name: str, change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def changed(folder: Path) -> None:
        held = load_file(folder / name)
        change(held)
        save_file(held, folder / name, metadata={"format": "pt"})

    return changed
