"""Whether a loaded model is what its folder claims: every tensor present, of its shape, finite, and part of the model.

Used wherever pretrained weights are read, and for what a training leaves. Reading minimum and maximum of each tensor
takes 0.05 s a GB on one core.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel

from semalign.model_files.weight_files import AGAIN, some, weight_paths, weight_problems
from semalign.runtime.errors import InputError

TIED = (
    "config.json ties the output to the input embeddings, and the weights hold two that differ; write "
    "tie_word_embeddings: false there, or take the model again"
)
CHECKED = {"output_loading_info": True, "ignore_mismatched_sizes": True}  # `check_loaded` tells of them by name
LARGEST = 1.0e19  # of a weight: float32 does not hold the square of a larger one
SAFE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
# What libraries raise for a folder whose config or weights are not a model's.
UNREADABLE: tuple[type[Exception], ...] = (
    *(OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError),
    *(SafetensorError, StrictDataclassError),
)


def non_finite(tensors: Iterable[tuple[str, torch.Tensor]], most: float = LARGEST) -> list[str]:
    """The names of those that hold a NaN, an infinity or what is beyond `most`."""
    return [name for name, tensor in tensors if not _finite(tensor, most)]


def _finite(tensor: torch.Tensor, most: float = LARGEST) -> bool:
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return True
    ends = torch.stack(torch.aminmax(tensor.detach()))  # a NaN is both
    return bool((ends.double().abs() <= most).all())


def check_finite(model: torch.nn.Module, what: str, remedy: str) -> None:
    """Raise InputError where a parameter or a saved buffer of the model is not finite."""
    names = non_finite(model.state_dict().items())
    if names:
        raise InputError(f"{what}: NaN, infinite or huge numbers in {some(names)}; {remedy}")


def check_filled(tensors: Iterable[tuple[str, torch.Tensor]], folder: Path) -> None:
    """Raise InputError where a whole matrix is 0: a file whose end was set aside on the disk, and never written.

    Token types are left out, which models that have but one may leave at 0; so is what has one dimension.
    """
    matrices = ((name, tensor) for name, tensor in tensors if tensor.ndim > 1 and tensor.is_floating_point())
    blank = [name for name, tensor in matrices if "token_type" not in name and not tensor.any()]
    if blank:
        raise InputError(f"{folder}: nothing but zeros in {some(blank)}; {AGAIN}")


def check_vocabulary(tokenizer: Any, model: Any) -> tuple[int, int]:
    """How many tokens and embeddings there are. Raises InputError where a token has no embedding.

    The mask is left out: libraries add it to a tokenizer that has none, and no text that is read holds it.
    """
    vocabulary, rows = tokenizer.get_vocab(), model.get_input_embeddings().num_embeddings
    largest = max(number for token, number in vocabulary.items() if token != tokenizer.mask_token)
    if largest >= rows:
        token = tokenizer.convert_ids_to_tokens(largest)
        raise InputError(
            f"the tokenizer's token {token} is number {largest}, and the model has embeddings for {rows}; take the "
            "tokenizer that belongs to the model, or enlarge the model elsewhere with resize_token_embeddings"
        )
    return largest + 1, rows


def answers_finite(model: Any) -> bool:
    """Is what a language model or a sentence encoder computes of a few tokens finite, and not the same whatever it
    reads? No random state changes.

    Finite weights can be so large that their products are not; a norm then makes zeros of them.
    """
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            if hasattr(model, "encode"):
                found = model.encode(["a", "b c"], show_progress_bar=False)
                return bool(np.isfinite(found).all() and found.any())
            tokens = torch.arange(4, device=next(model.parameters()).device)[None]
            output = model(input_ids=tokens, attention_mask=torch.ones_like(tokens), use_cache=False)
            least, most = torch.aminmax(output.logits, dim=-1)
            return bool(torch.isfinite(output.logits).all() and (least < most).any())
    finally:
        model.train(training)


def check_loaded(model: PreTrainedModel, info: dict[str, Any], folder: Path, *, backbone: bool = False) -> None:
    """Raise InputError unless the model is the folder's, tensor by tensor, by name and shape.

    `info`: what from_pretrained gives with `output_loading_info` and `ignore_mismatched_sizes`. `backbone`: the model
    is what a checkpoint has below its heads, as sentence encoders need it: then a head may be left out, which is a
    tensor outside of the backbone and of no numbered layer; so may an encoder-decoder's decoder; and a pooler, which is
    not read, may be missing.
    """
    check_architecture(model, folder)
    missing, unexpected = set(info["missing_keys"]), set(info["unexpected_keys"])
    if backbone:
        missing = {name for name in missing if not name.startswith("pooler.")}
        unexpected = {name for name in unexpected if not _left_out(model, name)}
    called = f"the {type(model).__name__} that config.json describes"
    remedy = f"config and weights are not of one model: {AGAIN}"
    if missing:
        raise InputError(f"{folder}: the weights lack {some(missing)}, which {called} has; {remedy}")
    if unexpected:
        raise InputError(f"{folder}: the weights hold {some(unexpected)}, which {called} has not; {remedy}")
    wrong = [f"{name} of shape {tuple(found)} for {tuple(needed)}" for name, found, needed in info["mismatched_keys"]]
    if wrong or info["error_msgs"]:
        raise InputError(f"{folder}: {some([*wrong, *info['error_msgs']])} in {called}; {remedy}")


def _left_out(model: PreTrainedModel, name: str) -> bool:
    """Whether it is a tensor of a head, or of the decoder that an encoder is taken from."""
    prefix = f"{model.base_model_prefix}." if model.base_model_prefix else ""
    own = {child for child, _ in model.named_children()}
    first, *others = name.removeprefix(prefix).split(".")
    halves = any(hasattr(model.config, layers) for layers in ("num_decoder_layers", "decoder_layers"))
    if first == "decoder" and first not in own and halves:  # without halves it is a head's, as ModernBERT has one
        return True
    of_backbone = first in own or (prefix and name.startswith(prefix))
    return not of_backbone and not any(part.isdigit() for part in others)


def check_architecture(model: PreTrainedModel, folder: Path) -> None:
    """Raise InputError where config.json names an architecture of another kind than its model_type."""
    for name in model.config.architectures or []:
        known = getattr(transformers, name, None)
        if known is None or not hasattr(known, "config_class"):
            raise InputError(
                f"{folder}: transformers has no architecture {name}, which config.json names, and a model's own code "
                "is not run; take a model that transformers knows"
            )
        kind = known.config_class.model_type
        if kind != model.config.model_type:
            raise InputError(
                f"{folder}: config.json has architecture {name}, whose model_type is {kind}, and model_type "
                f"{model.config.model_type}; restore the model's own config.json"
            )


def read_policy(
    folder: Path, dtype: str, device: str, quantization: str | None = None, **options: Any
) -> PreTrainedModel:
    """The causal language model of a folder, on a device, all its tensors checked; `options`: of from_pretrained.

    quantization: nf4 puts its projections into 4 bits, their scales into 8. Raises InputError where it is not what the
    folder claims.
    """
    if quantization:
        check_policy_weights(folder, dtype)  # 4 bits would hide what the files hold
        options |= {"device_map": {"": torch.cuda.current_device() if device == "cuda" else device}}
    model, info = _from_pretrained(folder, dtype, quantization, **options)
    check_loaded(model, info, folder)
    head, embeddings = model.get_output_embeddings(), model.get_input_embeddings()
    if model.config.tie_word_embeddings and head.weight is not embeddings.weight:
        raise InputError(f"{folder}: {TIED}")
    moved: Any = model
    if not quantization:
        moved.to(device)
    check_finite(model, str(folder), AGAIN)
    check_filled(model.state_dict().items(), folder)
    try:
        finite = answers_finite(model)
    except (RuntimeError, IndexError, TypeError, ValueError) as error:  # shapes that fit no tensor of another shape
        raise InputError(
            f"{folder}: {type(model).__name__} cannot compute as config.json says ({error}); {AGAIN}"
        ) from error
    if not finite:
        raise InputError(
            f"{folder}: what the model computes is not finite, or flat, though its weights are finite; {AGAIN}"
        )
    return model


def check_policy_weights(folder: Path, dtype: str) -> None:
    """The same, one tensor at a time and without a model in memory: raise what `read_policy` would."""
    model, info = _from_pretrained(folder, dtype, device_map="meta")
    check_loaded(model, info, folder)
    names = non_finite((name, tensor.to(getattr(torch, dtype))) for name, tensor in stored(folder))
    if names:
        raise InputError(f"{folder}: NaN, infinite or huge numbers in {some(names)}; {AGAIN}")
    check_filled(stored(folder), folder)
    if model.config.tie_word_embeddings:
        pair = [module.weight for module in (model.get_output_embeddings(), model.get_input_embeddings())]
        parameters = model.named_parameters(remove_duplicate=False)
        both = {name for name, parameter in parameters if any(parameter is one for one in pair)}
        tied = [tensor.to(getattr(torch, dtype)) for name, tensor in stored(folder) if name in both]
        if len(tied) == 2 and not torch.equal(*tied):
            raise InputError(f"{folder}: {TIED}")


def check_stored(loaded: dict[str, torch.Tensor], file: Path) -> None:
    """Raise InputError unless a file holds the tensors of these names, and no others, all finite."""
    names = set()
    for name, tensor in stored(file):
        names.add(name)
        if not _finite(tensor):
            raise InputError(f"{file}: NaN, infinite or huge numbers in {name}")
    if lacks := loaded.keys() - names:
        raise InputError(f"{file} lacks {some(lacks)}")
    if foreign := names - loaded.keys():
        raise InputError(f"{file} holds {some(foreign)}, which the model has not")


def stored(folder: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """Each tensor of a folder's safetensors files, or of one such file, with its name."""
    for file in weight_paths(folder) if folder.is_dir() else [folder]:
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 it is no dictionary
                yield name, tensors.get_tensor(name)


def _from_pretrained(
    folder: Path, dtype: str, quantization: str | None = None, **options: Any
) -> tuple[PreTrainedModel, dict[str, Any]]:
    problem = next(weight_problems(folder), None)
    if problem:
        raise InputError(problem)
    wanted: dict[str, Any] = {"dtype": getattr(torch, dtype), "use_safetensors": True, **SAFE, **CHECKED, **options}
    try:
        if quantization:
            wanted["quantization_config"] = BitsAndBytesConfig(
                load_in_4bit=True,
                bnb_4bit_quant_type=quantization,
                bnb_4bit_use_double_quant=True,
                bnb_4bit_compute_dtype=getattr(torch, dtype),
            )
        loaded: Any = AutoModelForCausalLM.from_pretrained(folder, **wanted)
    except UNREADABLE as error:
        raise InputError(f"{folder}: cannot be loaded as a causal language model: {error}") from error
    model, info = loaded
    return model, info
