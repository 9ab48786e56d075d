"""Whether the adapter in a folder fits a base, by its config and headers alone, without a model's library.

This runs before anything else does; what only the base's modules tell is looked at by a job (`policy.given_models`).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semalign.config.downloads import COMMIT
from semalign.model_files.model_folders import ADAPTER
from semalign.model_files.weight_files import AGAIN, shapes, some, weight_paths
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json

WEIGHTS = "adapter_model.safetensors"
PREFIX = "base_model.model."
LORA = re.compile(r"\.lora_[AB]\.weight$|\.lora_magnitude_vector(\.weight)?$")
MERGE = "merge it into its base with peft's merge_and_unload, and give the whole model as `model`"


def adapter_problem(folder: Path, base: Path | None, revision: str | None = None) -> str | None:
    """Why a folder's adapter cannot be measured on a base; None where it can, as far as names and headers tell.

    base: the folder of the base; None: it is not there yet. revision: the commit that the base is of, where known.
    """
    return next(_problems(folder, base, revision), None)


def _problems(folder: Path, base: Path | None, revision: str | None) -> Iterator[str]:
    if not folder.is_dir():
        yield f"{folder} is a file; the folder that peft's save_pretrained writes is needed"
        return
    if not (folder / ADAPTER).is_file():
        whole = "; it holds a whole model, so give it as `model`" if (folder / "config.json").is_file() else ""
        yield f"{folder} holds no {ADAPTER}; the folder that peft's save_pretrained writes is needed{whole}"
        return
    try:
        settings = read_json(folder / ADAPTER)
        kind, bias = settings.get("peft_type"), settings.get("bias", "none")
        kept = settings.get("modules_to_save")
    except (InputError, AttributeError) as error:
        yield f"{folder / ADAPTER} is no adapter's config: {error}; copy the adapter again"
        return
    if kind != "LORA":
        yield f"{folder} is an adapter of type {kind}, and LoRA alone can be switched off and on; {MERGE}"
    if bias != "none":
        yield f"{folder} changes the base's biases (bias: {bias}), which cannot be switched off; {MERGE}"
    if kept:
        yield f"{folder} holds whole modules of its own ({some(map(str, kept))}); {MERGE}"
    yield from _weights(folder, settings, base)
    own = settings.get("revision")
    if revision and isinstance(own, str) and COMMIT.fullmatch(own) and own != revision:
        yield f"{folder} was trained on revision {own} of its base, and policy.path is {revision}; take that one"


def _weights(folder: Path, settings: dict[str, Any], base: Path | None) -> Iterator[str]:
    """What is wrong with the adapter's tensors, by themselves and beside those of the base's files."""
    file = folder / WEIGHTS
    if not file.is_file():
        pickled = (folder / "adapter_model.bin").is_file()
        found = "only adapter_model.bin, and pickled weights can run code when they are loaded" if pickled else "none"
        yield (
            f"{folder} holds no {WEIGHTS}, found {found}; load the adapter elsewhere and write it with "
            "save_pretrained(…, safe_serialization=True)"
        )
        return
    tensors = shapes(file)
    if not tensors:
        yield f"{file}: damaged, cut off or empty; {AGAIN.replace('download', 'copy').replace('model', 'adapter')}"
        return
    if others := [name for name in tensors if not LORA.search(name)]:
        yield f"{file} holds tensors that are none of LoRA's ({some(others)}); {MERGE}"
    if base is None or not base.is_dir():
        return
    of_base = {name: shape for path in weight_paths(base) if path.is_file() for name, shape in shapes(path).items()}
    wrong = []
    for module, (inner, outer) in modules(tensors).items():
        shape = of_base.get(f"{module}.weight")
        if shape and inner and outer and sorted(shape) != sorted((outer, inner)):
            wrong.append(f"{module} from {inner} to {outer}, where the base has {' × '.join(map(str, shape))}")
    if wrong:
        named = settings.get("base_model_name_or_path")
        yield (
            f"{folder} is an adapter of another base than {base}: it adapts {some(wrong)}; it names its base "
            f"{named!r}: set policy.path to that model, or {MERGE}"
        )


def modules(tensors: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, int]]:
    """{module of the base: (inputs, outputs)} that LoRA's tensors adapt; 0 where one of a pair is missing."""
    found: dict[str, tuple[int, int]] = {}
    for name, shape in tensors.items():
        module, _, which = name.removeprefix(PREFIX).partition(".lora_")
        inner, outer = found.get(module, (0, 0))
        if which == "A.weight" and len(shape) == 2:
            found[module] = shape[1], outer
        elif which == "B.weight" and len(shape) == 2:
            found[module] = inner, shape[0]
    return found
