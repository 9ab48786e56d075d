"""The files and folders that a config names: are they there, and can the models among them be used?

Only names, headers and JSON are looked at, without a model's library: this runs before anything else does.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from semalign.config import Config
from semalign.config.downloads import FOLDER
from semalign.errors import InputError
from semalign.files import read_json

POLICY, ENCODER = "policy", "encoder"
WORLD = "results/world"
OF_ABLATION = re.compile(r"encoder_ablation\.encoders\.\w+\.")


def model_kind(key: str) -> str | None:
    """Which kind of model a config key names the folder of; None where it names none."""
    if key == "policy.path":
        return POLICY
    return ENCODER if re.fullmatch(r"(encoder_ablation\.)?encoders\.\w+\.path", key) else None


def named_files(config: Config) -> dict[str, Path]:
    """{config key: path} of everything that the config names and the workflow reads, made by its rules or not.

    What an encoder of the ablation has from the reward encoder stands under that one's key alone.
    """
    unused = {"policy.pretraining"} if config.policy.path else set()
    encoders = {f"encoders.{name}": encoder for name, encoder in config.encoders}
    if config.encoder_ablation:
        of_ablation = config.encoder_ablation.encoders
        encoders |= {f"encoder_ablation.encoders.{name}": encoder for name, encoder in of_ablation.items()}
    unused |= {f"{key}.tokenizer" for key, encoder in encoders.items() if encoder.path}
    found = {
        key: path for key, path in paths_within(config) if not any(key == u or key.startswith(f"{u}.") for u in unused)
    }
    return {key: path for key, path in found.items() if found.get(_above(key)) != path or not OF_ABLATION.match(key)}


def _above(key: str) -> str:
    """The reward encoder's key from which one of the ablation's has its value where it says nothing."""
    return OF_ABLATION.sub("encoders.reward.", key)


def is_external(path: Path) -> bool:
    """Is it the user's own, not made by a rule?"""
    return os.path.relpath(path).split(os.sep)[0] != "results"


def check_named_files(config: Config) -> None:
    """Raise InputError, a line a config key, for files that are not there and models that cannot be used."""
    problems = []
    for key, path in named_files(config).items():
        if config.world is None and path.is_relative_to(WORLD):
            problems.append(
                f"config key {key}: {path} is a file of the generated world, and world is null; name a file of your "
                "own, or set the part of the config that reads it to null"
            )
            continue
        fetched = path.is_relative_to(FOLDER) and path.is_dir()
        if (
            not is_external(path) and not fetched
        ):  # what is fetched is looked at then, and whenever another key reads it
            continue
        if not path.exists():
            problems.append(f"config key {key}: {path} does not exist (looked for in {Path.cwd()})")
        elif kind := model_kind(key):
            problem = next(_problems(path, kind), None)
            if problem:
                problems.append(f"config key {key}: {problem}")
        elif not path.is_file():
            problems.append(f"config key {key}: {path} is a folder; a file is needed")
        elif not os.access(path, os.R_OK):
            problems.append(f"config key {key}: {path} cannot be read; give yourself the right to")
    if problems:
        raise InputError("\n".join(problems))


def model_problem(folder: Path, kind: str) -> str | None:
    """Why a folder's model cannot be the policy or an encoder; None where it can, as far as names and headers tell."""
    return next(_problems(folder, kind), None)


def paths_within(value: Any, key: str = "") -> Iterator[tuple[str, Path]]:
    """(dotted key, path) of every path in a part of the config, however deep."""
    if isinstance(value, Path):
        yield key, value
    elif isinstance(value, BaseModel):
        for name, inner in value:
            yield from paths_within(inner, f"{key}.{name}".lstrip("."))
    elif isinstance(value, dict | list):
        items: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in items:
            yield from paths_within(inner, f"{key}.{name}".lstrip("."))


def _problems(folder: Path, kind: str) -> Iterator[str]:
    """What is wrong with a model's folder, the first thing first."""
    if not folder.is_dir():
        yield f"{folder} is a file; the folder of a pretrained model is needed"
        return
    if not (folder / "config.json").is_file():
        yield f"{folder} holds no config.json; the folder of a pretrained model is needed"
        return
    try:
        architectures = read_json(folder / "config.json").get("architectures") or []
    except (InputError, AttributeError) as error:
        yield f"{folder / 'config.json'} is no model's config: {error}"
        return
    if kind == POLICY and not any(name.endswith("ForCausalLM") for name in architectures):
        yield f"{folder} is no causal language model: its architecture is {', '.join(architectures) or 'not named'}"
    yield from _weights(folder)
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json")):
        yield f"{folder} holds no tokenizer (tokenizer.json); save the model's tokenizer there"
    elif kind == POLICY and not _has_chat_template(folder):
        yield f"{folder}: the tokenizer has no chat template; take an instruction-tuned model"


def _weights(folder: Path) -> Iterator[str]:
    files = set(folder.glob("*.safetensors"))
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
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    settings = folder / "tokenizer_config.json"
    return settings.is_file() and bool(read_json(settings).get("chat_template"))
