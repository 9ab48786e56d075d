"""Sentence encoders in use: loading, embeddings, and the similarity of two texts."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer, WeightedLayerPooling

from semalign.model_files.encoder_modules import MODULES, transformer_folder
from semalign.model_files.model_folders import ENCODER, model_problem
from semalign.model_files.weight_files import AGAIN
from semalign.model_files.weights import (
    CHECKED,
    SAFE,
    UNREADABLE,
    check_filled,
    check_finite,
    check_loaded,
    check_vocabulary,
)
from semalign.runtime.clock import model_work
from semalign.runtime.device import checked_device
from semalign.runtime.errors import InputError
from semalign.runtime.progress import Progress
from semalign.text.matching import is_blank

BATCH_SIZE = 64  # texts a forward pass where nothing is trained


def load_encoder(path: str | Path, device: str) -> SentenceTransformer:
    """The encoder of a folder, in evaluation mode and with all its parameters frozen, on a torch device.

    Raises InputError where the folder does not hold one, or not the one that it claims to hold.
    """
    if not (Path(path) / MODULES).is_file():
        raise InputError(f"{path}: not a sentence encoder ({MODULES} is missing)")
    checked_device(device)
    return read_encoder(Path(path)).requires_grad_(False).eval().to(device)


def read_encoder(folder: Path) -> SentenceTransformer:
    """All modules that a folder's modules.json names, with its prompts and limits, on the CPU; of a folder without
    one, the transformer and the mean of its last layer. Every tensor is checked, and two texts are embedded.

    Raises InputError where something is missing, left over, not finite, or needs code of its own.
    """
    if problem := model_problem(folder, ENCODER):
        raise InputError(problem)
    root = transformer_folder(folder)
    options = {"use_safetensors": True, "dtype": torch.float32, "ignore_mismatched_sizes": True}
    try:
        if (folder / MODULES).is_file():
            encoder = SentenceTransformer(
                str(folder), device="cpu", local_files_only=True, trust_remote_code=False, model_kwargs=dict(options)
            )
        else:
            encoder = with_mean(folder, options)
        # once more without weights, since the library does not tell what it found of them
        model: Any = encoder[0].auto_model
        _, info = type(model).from_pretrained(root, device_map="meta", use_safetensors=True, **SAFE, **CHECKED)
    except UNREADABLE as error:
        raise InputError(f"{folder}: cannot be loaded as an encoder: {error}") from error
    if {"encoder", "decoder"} <= {name for name, _ in model.named_children()}:
        raise InputError(
            f"{folder}: {type(model).__name__} reads with a decoder; save its encoder alone, or take another"
        )
    check_loaded(model, info, root, backbone=True)
    check_finite(encoder, str(folder), AGAIN)
    check_filled(encoder[0].state_dict().items(), folder)
    model.config.output_attentions = False  # nobody reads them, and with them no encoder can be saved
    _check_embeddings(encoder, folder)
    return encoder


def with_mean(folder: str | Path, options: dict[str, Any], **settings: Any) -> SentenceTransformer:
    """The transformer of a folder with the mean of its last layer over the tokens."""
    transformer = Transformer(
        str(folder),
        model_kwargs=SAFE | options,
        processor_kwargs=dict(SAFE),
        config_kwargs=dict(SAFE),
        **settings,
    )
    pooling = Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    return SentenceTransformer(modules=[transformer, pooling], device="cpu")


def _check_embeddings(encoder: SentenceTransformer, folder: Path) -> None:
    """Raise InputError unless two texts get finite vectors of the length that the modules announce."""
    layers = any(isinstance(module, WeightedLayerPooling) for module in encoder)
    transformer: Any = encoder[0].auto_model
    if layers and not transformer.config.output_hidden_states:
        raise InputError(f"{folder}: WeightedLayerPooling needs output_hidden_states: true in config.json")
    try:
        check_vocabulary(encoder.tokenizer, transformer)
    except InputError as error:
        raise InputError(f"{folder}: {error}") from error
    try:
        encoder.tokenizer("A7 西藏 བོད་ཡིག")
    except Exception as error:  # the Rust library has no class of its own
        raise InputError(
            f"{folder}: its tokenizer cannot read every text ({error}); take the one that belongs to the model, with "
            "its tokenizer_config.json"
        ) from error
    try:
        embeddings = encoder.eval().encode(["a", "b c"], show_progress_bar=False)
    except UNREADABLE as error:
        raise InputError(f"{folder}: its modules do not fit one another: {error}") from error
    wanted = (2, encoder.get_embedding_dimension())
    if embeddings.shape != wanted:
        raise InputError(f"{folder}: its modules announce embeddings of shape {wanted}, and give {embeddings.shape}")
    if not np.isfinite(embeddings).all():
        raise InputError(f"{folder}: embeddings are not finite, though the weights are; {AGAIN}")


def described(encoder: SentenceTransformer) -> list[str]:
    """Its modules in a few words each: "XLMRobertaModel", "mean", "Dense 768→256", "Normalize"."""
    words = []
    for module in encoder:
        if isinstance(module, Transformer):
            words.append(type(module.auto_model).__name__)
        elif isinstance(module, Pooling):
            words.append(
                module.pooling_mode if isinstance(module.pooling_mode, str) else " + ".join(module.pooling_mode)
            )
        elif isinstance(module, Dense):
            words.append(f"Dense {module.in_features}→{module.out_features}")
        else:
            words.append(type(module).__name__)
    return words


def prompt_of(encoder: SentenceTransformer) -> str:
    """What is put before every text: the encoder's default prompt, or nothing."""
    return str(encoder.prompts.get(encoder.default_prompt_name or "") or "")


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
    if not np.isfinite(embeddings).all():
        raise InputError("an encoder gave embeddings that are not finite; train it anew, or take another")
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
    return np.where([not is_blank(text) for text in a], np.clip(cosines, -1.0, 1.0), 0.0).astype(np.float32)


def truncation_rate(encoder: SentenceTransformer, texts: Sequence[str]) -> float:
    """Share (0..1) of the texts that the encoder reads only in part, special tokens counted; 0 where there are no
    texts."""
    if not texts:
        return 0.0
    prompt = prompt_of(encoder)
    asked = [prompt + text for text in texts]
    lengths = encoder.tokenizer(asked, truncation=False, padding=False, return_length=True, verbose=False)["length"]
    return sum(length > encoder.max_seq_length for length in lengths) / len(texts)
