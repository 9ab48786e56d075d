"""What a folder's safetensors files hold, by their headers alone: read before anything runs, without torch."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
AGAIN = "download the model again"
FLOATS = {"F64", "F32", "F16", "BF16"}
# Buffers that older checkpoints hold, and that a model computes for itself.
BUFFERS = re.compile(r"(^|\.)(position_ids|token_type_ids|num_batches_tracked|(attn|attention)\.(masked_)?bias)$")
NAMED = 3  # tensors in a message


def some(names: Any) -> str:
    """The first few names and how many there are: `a, b, c and 9 more`."""
    ordered = sorted(names)
    more = f" and {len(ordered) - NAMED} more" if len(ordered) > NAMED else ""
    return ", ".join(ordered[:NAMED]) + more


def weight_problems(folder: Path) -> Iterator[str]:
    """What is wrong with the weights of a model's folder, as far as headers tell, the first thing first."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        yield _without_safetensors(folder)
        return
    shards: dict[str, Any] = {}
    if (folder / INDEX).is_file():
        try:
            index = read_json(folder / INDEX)
            shards = index["weight_map"]
            listed = {folder / str(name) for name in shards.values()}
        except (InputError, KeyError, TypeError, AttributeError) as error:
            yield f"{folder / INDEX} is no index of weights ({error}); {AGAIN}"
            return
        missing = sorted(path.name for path in listed if not path.is_file())
        if missing:
            yield f"{folder}: {', '.join(missing)} of {INDEX} missing; {AGAIN}"
        if (folder / WEIGHTS).is_file() and folder / WEIGHTS not in listed:
            yield f"{folder} holds both {WEIGHTS} and {INDEX}; remove the one that is not the model's"
        if "metadata" not in index:
            yield f"{folder / INDEX} has no metadata, without which transformers does not read it; {AGAIN}"
        files = sorted(listed)
    elif not (folder / WEIGHTS).is_file():
        yield f"{folder} holds {some(path.name for path in files)}, but neither {WEIGHTS} nor {INDEX}; {AGAIN}"
        return
    for file in files:
        yield from _file_problems(file, {name for name, place in shards.items() if folder / str(place) == file}, shards)


def weight_paths(folder: Path) -> list[Path]:
    """The files that a model is read from: the one that holds all, else the shards of the index."""
    if (folder / WEIGHTS).is_file() or not (folder / INDEX).is_file():
        return [folder / WEIGHTS]
    return sorted({folder / str(name) for name in read_json(folder / INDEX)["weight_map"].values()})


def shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """{tensor: shape} of a file's header; empty where the file is damaged or cut off."""
    return {name: shape for name, (_, shape) in (_tensors(file) or {}).items()}


def _without_safetensors(folder: Path) -> str:
    pickled = sorted(path.name for path in [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")])
    found = f"only {', '.join(pickled)}, and pickled weights can run code when they are loaded" if pickled else "none"
    return (
        f"{folder}: safetensors weights are needed, found {found}; load the model elsewhere and write it with "
        "save_pretrained(…, safe_serialization=True)"
    )


def _file_problems(file: Path, listed: set[str], index: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one file. `listed`: the tensors that an index says are in it, where there is one."""
    tensors = _tensors(file)
    if tensors is None:
        yield f"{file}: damaged or cut off ({file.stat().st_size} bytes); {AGAIN}"
        return
    if not tensors:
        yield f"{file} holds no tensor; {AGAIN}"
    if index and (absent := listed - tensors.keys()):
        yield f"{file} lacks {some(absent)}, which {INDEX} says it holds; {AGAIN}"
    if index and (foreign := tensors.keys() - listed):
        yield f"{file} holds {some(foreign)}, which {INDEX} does not list there: a shard of another model; {AGAIN}"
    others = {name for name, (kind, _) in tensors.items() if kind not in FLOATS and not BUFFERS.search(name)}
    if others:
        kinds = ", ".join(sorted({tensors[name][0] for name in others}))
        yield (
            f"{file} holds {some(others)} as {kinds}: quantised weights cannot be read as they are; take the model in "
            "float32, bfloat16 or float16"
        )


def _tensors(file: Path) -> dict[str, tuple[str, tuple[int, ...]]] | None:
    """{tensor: (kind of number, shape)} by the file's header; None where the file is damaged or cut off."""
    try:
        with safe_open(file, framework="numpy") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118 it is no dictionary
            return {name: (str(one.get_dtype()), tuple(one.get_shape())) for name, one in slices.items()}
    except (SafetensorError, OSError):
        return None
