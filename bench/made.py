"""Models of a true shape with random weights, and texts of an exact length, made on the spot: speed does not depend on
what a model knows."""

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from sentence_transformers import SentenceTransformer
from transformers import AutoModelForCausalLM, PreTrainedTokenizerBase, Qwen3Config

from bench.floors import Shape
from semalign.config.data import Table
from semalign.config.models import Encoder, EncoderShape, Tokenizer
from semalign.config.training import Lora
from semalign.encoder.model import load_encoder
from semalign.encoder.training import train_encoder
from semalign.policy.decoding import decode_on_cpu
from semalign.policy.models import new_adapter
from semalign.runtime.workspace import Workspace
from semalign.text.prompts import conversation_text, prompt_text
from semalign.text.tokenizer import build_tokenizer

NEVER = 1e9  # seconds between checkpoints
PROMPT = "{source}"
PIECES = 7  # special tokens and the template's words, beside a tokenizer's characters
# Letters first, then planes for private use: as many characters as any vocabulary has entries, each one a token.
BLOCKS = [(0x4E00, 0x9FFF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD)]


def characters() -> Iterator[str]:
    return (chr(code) for first, last in BLOCKS for code in range(first, last + 1))


@dataclass(frozen=True)
class Texts:
    """Random texts of exactly so many tokens, of the policy and, special tokens aside, of the encoder."""

    tokenizer: PreTrainedTokenizerBase
    alphabet: list[str]
    random: random.Random

    def text(self, tokens: int) -> str:
        return "".join(self.random.choices(self.alphabet, k=tokens))

    def source(self, tokens: int) -> str:
        """A source whose whole prompt, chat template included, has so many tokens."""
        return self.text(tokens - self._count(prompt_text(self.tokenizer, "")))

    def pair(self, tokens: int, number: int) -> dict[str, str]:
        """A row whose whole conversation has so many tokens, half of them of the answer."""
        answer = tokens // 2
        rest = tokens - answer - self._count(conversation_text(self.tokenizer, "", ""))
        return {"id": str(number), "source": self.text(rest), "target": self.text(answer)}

    def _count(self, text: str) -> int:
        return len(self.tokenizer(text, add_special_tokens=False)["input_ids"])


def make_texts(vocabulary: int, seed: int) -> Texts:
    """A tokenizer of so many entries, and texts in it."""
    alphabet = [character for _, character in zip(range(vocabulary - PIECES), characters(), strict=False)]
    with tempfile.TemporaryDirectory() as folder:
        lexicon = Path(folder) / "lexicon.txt"
        lexicon.write_text("\n".join(alphabet), encoding="utf-8")
        tokenizer = build_tokenizer(Tokenizer(lexicon=lexicon), [])
    if len(tokenizer) != vocabulary:
        raise ValueError(f"the tokenizer has {len(tokenizer)} entries instead of {vocabulary}")
    return Texts(tokenizer, alphabet, random.Random(seed))


def make_policy(shape: Shape, texts: Texts, dtype: str, device: str, seed: int) -> PeftModel:
    """A Qwen3 of this shape with a fresh adapter, both random, made where it runs."""
    config = Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        eos_token_id=[texts.tokenizer.eos_token_id],
        pad_token_id=texts.tokenizer.pad_token_id,
    )
    torch.manual_seed(seed)
    with torch.device(device):
        model: Any = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype))
    if device == "cpu":  # as `load_policy` does
        decode_on_cpu(model)
    return new_adapter(model.eval(), Lora(rank=shape.lora_rank, alpha=2 * shape.lora_rank, dropout=0.05), seed)


def check_parameters(model: PeftModel, shape: Shape) -> None:
    """Raise ValueError unless the model has the parameters that the floors are computed from; norms, which no floor
    counts, are a small share."""
    total = sum(parameter.numel() for parameter in model.parameters())
    counted = shape.linear + shape.embedding + shape.lora
    if not counted <= total <= counted * 1.01:
        raise ValueError(f"the model has {total} parameters, its shape {counted}")


def make_encoder(shape: Shape, texts: Texts, max_tokens: int, device: str, seed: int) -> SentenceTransformer:
    """An XLM-R of this shape with random weights after one step of the project's training, whose vocabulary is the
    texts': an embedding that is looked up costs the same at any size."""
    with tempfile.TemporaryDirectory() as folder:
        lexicon = Path(folder) / "lexicon.txt"
        lexicon.write_text("\n".join(texts.alphabet), encoding="utf-8")
        settings = Encoder(
            shape=EncoderShape(
                architecture="xlm-roberta",
                hidden_size=shape.hidden,
                intermediate_size=shape.intermediate,
                layers=shape.layers,
                heads=shape.heads,
            ),
            tokenizer=Tokenizer(lexicon=lexicon),
            train=[Table(format="jsonl", path=lexicon)],  # not read: the rows are given
            seed=seed,
            batch_size=2,
            learning_rate=1e-5,
            max_tokens=max_tokens,
        )
        rows = [{"anchor": texts.text(8), "positive": texts.text(8)} for _ in range(2)]
        work, output = Path(folder) / "work", Path(folder) / "encoder"
        work.mkdir()
        train_encoder(settings, rows, output, Workspace(work, NEVER), device)
        return load_encoder(output, device)
