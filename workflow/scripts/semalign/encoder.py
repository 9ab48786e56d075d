"""Sentence encoders in use: loading, embeddings, and the similarity of two texts."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from semalign.clock import model_work
from semalign.device import checked_device
from semalign.errors import InputError
from semalign.progress import Progress

BATCH_SIZE = 64  # texts a forward pass where nothing is trained


def load_encoder(path: str | Path, device: str) -> SentenceTransformer:
    """The encoder of a folder, in evaluation mode and with all its parameters frozen, on a torch device.

    Raises InputError where the folder does not hold one.
    """
    if not (Path(path) / "modules.json").is_file():
        raise InputError(f"{path}: not a sentence encoder (modules.json is missing)")
    encoder = SentenceTransformer(
        str(path),
        device=checked_device(device),
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True, "dtype": torch.float32},
    )
    return encoder.requires_grad_(False).eval()


def embed(encoder: SentenceTransformer, texts: Iterable[str], batch_size: int = BATCH_SIZE) -> np.ndarray:
    """Embeddings of length 1, float32, shape (texts, dimension), in the order given.

    Each distinct text is encoded once, in batches sorted by length: the result does not depend on the order of the
    texts.
    """
    texts = list(texts)
    distinct = sorted(set(texts), key=lambda text: (len(text), text))
    with model_work(), _counted(encoder, Progress("text", len(distinct), brief=True)):
        embeddings = encoder.encode(
            distinct, batch_size=batch_size, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
    position = {text: index for index, text in enumerate(distinct)}
    return embeddings[[position[text] for text in texts]]


@contextmanager
def _counted(encoder: SentenceTransformer, progress: Progress) -> Iterator[None]:
    """Within the block say how many texts the encoder has read. It is asked for all at once, so that its batches stay
    what they are."""
    read = 0

    def count(module: torch.nn.Module, arguments: tuple[Any, ...], output: dict[str, torch.Tensor]) -> None:
        nonlocal read
        read += len(output["attention_mask"])
        progress.update(read)

    handle = encoder[0].register_forward_hook(count)
    try:
        yield
    finally:
        handle.remove()


def similarity(encoder: SentenceTransformer, a: list[str], b: list[str], batch_size: int = BATCH_SIZE) -> np.ndarray:
    """Cosine of a[i] (a candidate) and b[i] (its reference), float32 in -1..1, shape (len(a),).

    A blank candidate scores 0: its embedding, of special tokens alone, has no meaning. Both lists are of one length.
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} texts cannot be paired with {len(b)}")
    embeddings = embed(encoder, [*a, *b], batch_size)
    cosines = np.einsum("ij,ij->i", embeddings[: len(a)], embeddings[len(a) :])
    return np.where([bool(text.strip()) for text in a], np.clip(cosines, -1.0, 1.0), 0.0).astype(np.float32)


def truncation_rate(encoder: SentenceTransformer, texts: Sequence[str]) -> float:
    """Share (0..1) of the texts that the encoder reads only in part, special tokens counted; 0 where there are no
    texts."""
    if not texts:
        return 0.0
    lengths = encoder.tokenizer(list(texts), truncation=False, padding=False, return_length=True, verbose=False)[
        "length"
    ]
    return sum(length > encoder.max_seq_length for length in lengths) / len(texts)
