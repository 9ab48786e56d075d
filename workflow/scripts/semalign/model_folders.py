"""Can the model in a folder be used? What its names, headers and JSON tell, without a model's library.

This runs before anything else does.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from semalign.errors import InputError
from semalign.files import read_json

POLICY, ENCODER = "policy", "encoder"
ADAPTER = "adapter_config.json"  # transformers loads what lies beside it into any model
# what a tokenizer's words stand in, in the formats that are read
VOCABULARIES = (
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
    "vocab.json",
    "vocab.txt",
)


def model_problem(folder: Path, kind: str) -> str | None:
    """Why a folder's model cannot be the policy or an encoder; None where it can, as far as names and headers tell."""
    return next(_problems(folder, kind), None)


def _problems(folder: Path, kind: str) -> Iterator[str]:
    """What is wrong with a model's folder, the first thing first."""
    if not folder.is_dir():
        yield f"{folder} is a file; the folder of a pretrained model is needed"
        return
    whole = (folder / "config.json").is_file()
    if (folder / ADAPTER).is_file():
        merged = (
            "merge it into its base with peft's merge_and_unload and give the folder that save_pretrained then writes"
        )
        yield (
            f"{folder} holds a whole model and {ADAPTER}, whose adapter would be loaded into it; move {ADAPTER} and "
            f"adapter_model.safetensors out of the folder, or {merged}"
            if whole
            else f"{folder} holds an adapter and no whole model; {merged}, or give the base"
        )
        return
    if not whole:
        yield f"{folder} holds no config.json; the folder of a pretrained model is needed"
        return
    try:
        settings = read_json(folder / "config.json")
        architectures = [str(name) for name in settings.get("architectures") or []]
    except (InputError, AttributeError, TypeError) as error:
        yield f"{folder / 'config.json'} is no model's config: {error}"
        return
    if kind == POLICY and not any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures):
        yield f"{folder} is no causal language model: its architecture is {', '.join(architectures) or 'not named'}"
    if settings.get("quantization_config"):
        yield f"{folder} holds quantised weights (quantization_config in config.json); take the model as it was before"
    yield from _weights(folder)
    if not any((folder / name).is_file() for name in VOCABULARIES):
        yield f"{folder} holds no tokenizer (tokenizer.json); save the model's tokenizer there"
        return
    try:
        if kind == POLICY and not _has_chat_template(folder):
            yield f"{folder}: the tokenizer has no chat template; take an instruction-tuned model"
    except (InputError, AttributeError) as error:
        yield f"{folder / 'tokenizer_config.json'} is no tokenizer's config: {error}; download it again"


def _weights(folder: Path) -> Iterator[str]:
    files = {path for path in folder.glob("*.safetensors") if not path.name.startswith("adapter_")}
    if not files:
        pickled = sorted(path.name for path in [*folder.glob("*.bin"), *folder.glob("*.pt"), *folder.glob("*.pth")])
        found = (
            f"only {', '.join(pickled)}, and pickled weights can run code when they are loaded" if pickled else "none"
        )
        yield (
            f"{folder}: safetensors weights are needed, found {found}; load the model elsewhere and write it with "
            "save_pretrained(…, safe_serialization=True)"
        )
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        listed = {folder / name for name in read_json(index).get("weight_map", {}).values()}
        missing = sorted(path.name for path in listed - files)
        if missing:
            yield f"{folder}: {', '.join(missing)} of {index.name} missing; download the model again"
    for file in sorted(files):
        expected = _expected_size(file)
        if expected != file.stat().st_size:
            yield f"{file}: damaged or cut off ({file.stat().st_size} bytes); download the model again"


def _expected_size(file: Path) -> int | None:
    """The size that a safetensors file's header announces; None where the header is broken."""
    with open(file, "rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        try:
            header = json.loads(handle.read(min(length, file.stat().st_size)))
            tensors = [entry for name, entry in header.items() if name != "__metadata__"]
            return 8 + length + max((entry["data_offsets"][1] for entry in tensors), default=0)
        except (ValueError, AttributeError, KeyError, TypeError, IndexError):
            return None


def _has_chat_template(folder: Path) -> bool:
    if (folder / "chat_template.jinja").is_file() or (folder / "additional_chat_templates").is_dir():
        return True
    settings = folder / "tokenizer_config.json"
    return settings.is_file() and bool(read_json(settings).get("chat_template"))
