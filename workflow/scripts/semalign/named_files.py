"""The files and folders that a config names: are they there, and can the models among them be used?"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from semalign.config.downloads import FOLDER
from semalign.config.whole import Config
from semalign.errors import InputError
from semalign.model_folders import ENCODER, POLICY, model_problem

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
            if problem := model_problem(path, kind):
                problems.append(f"config key {key}: {problem}")
        elif not path.is_file():
            problems.append(f"config key {key}: {path} is a folder; a file is needed")
        elif not os.access(path, os.R_OK):
            problems.append(f"config key {key}: {path} cannot be read; give yourself the right to")
    if problems:
        raise InputError("\n".join(problems))


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
