"""Checks that the files and folders that a config names exist, and that the models among them can be used."""

import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel

from semalign.config.downloads import COMMIT, FOLDER
from semalign.miniature import WORLD, WORLD_FILES
from semalign.model_files.adapter_folders import adapter_problem
from semalign.model_files.model_folders import ENCODER, POLICY, model_problem
from semalign.preflight.root import Config
from semalign.runtime.errors import InputError

SPLITS = ("cold", "rl", "dev", "test")  # of a task's pairs
READS_SPLITS = re.compile(r"(encoder_ablation\.)?encoders\.\w+\.train\.|exam\.|frontier\.methods\.\w+\.texts\.")
OF_METRIC = re.compile(r"tasks\.\w+\.metrics\.\d+\.model")
OF_GIVEN = re.compile(r"models\.(?P<name>\w+)\.(?P<kind>adapter|model)")
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
    unused |= {f"{key}.tokenizer" for key, encoder in config.all_encoders().items() if encoder.path}
    found = {
        key: path for key, path in paths_within(config) if not any(key == u or key.startswith(f"{u}.") for u in unused)
    }
    return {key: path for key, path in found.items() if found.get(_above(key)) != path or not OF_ABLATION.match(key)}


def _above(key: str) -> str:
    """The reward encoder's key from which one of the ablation's has its value where it says nothing."""
    return OF_ABLATION.sub("encoders.reward.", key)


def is_external(path: Path) -> bool:
    """Whether it is the user's own, not made by a rule."""
    return os.path.relpath(path).split(os.sep)[0] != "results"


def check_named_files(config: Config) -> None:
    """Raise InputError, a line a config key, for files that are not there and models that cannot be used."""
    found = {key: _problem(config, key, path) for key, path in named_files(config).items()}
    if problems := [f"config key {key}: {problem}" for key, problem in found.items() if problem]:
        raise InputError("\n".join(problems))


def _problem(config: Config, key: str, path: Path) -> str | None:
    """What is wrong with a path; of what is fetched or made by a rule, before it is there, only its name can be."""
    if problem := path_problem(str(path)):
        return problem
    place = PurePosixPath(os.path.relpath(path))
    if place.parts[:1] == (".snakemake",):
        return f"{path} is Snakemake's own; copy it elsewhere and name the copy"
    if not is_external(path):
        if place.as_posix() != path.as_posix():
            return f"{path} is a result of this workflow; write it as {place}"
        if not (place.is_relative_to(FOLDER) and path.is_dir()):
            return _problem_with_result(config, key, place)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return f"{path} does not exist (looked for in {Path.cwd()}){_not_expanded(str(path))}"
    except OSError as error:
        return f"{path} cannot be looked for ({error.strerror}); check the path and your rights"
    if given := OF_GIVEN.fullmatch(key):
        return _given_problem(config, given["name"], path)
    if kind := model_kind(key):
        return model_problem(path, kind, template=config.policy.chat_template is not None)
    if OF_METRIC.fullmatch(key):  # a file or a folder, as its function has it
        return None
    if not stat.S_ISREG(mode):
        return f"{path} is {'a folder' if stat.S_ISDIR(mode) else 'no regular file'}; a file is needed"
    try:
        path.open("rb").close()
    except OSError as error:
        return f"{path} cannot be read ({error.strerror}); give yourself the right to"
    return None


def _given_problem(config: Config, name: str, path: Path) -> str | None:
    """Why a model that was trained elsewhere cannot be measured."""
    entry, base = config.models[name], config.policy.path
    if entry.adapter is not None:
        return adapter_problem(path, base, _revision(config, base) if base else None)
    problem = model_problem(path, POLICY, template=entry.chat_template is not None)
    return problem and problem.replace("policy.chat_template", f"models.{name}.chat_template").replace(
        "or give the base", f"or give it as models.{name}.adapter"
    )


def _revision(config: Config, base: Path) -> str | None:
    """The commit that the base is of: that of its download, or of the hub's cache that it lies in."""
    place = PurePosixPath(os.path.relpath(base))
    if place.is_relative_to(FOLDER) and len(place.parts) > len(FOLDER.parts):
        entry = config.downloads.get(place.parts[len(FOLDER.parts)])
        return getattr(entry, "revision", None)
    name = base.resolve().name
    return name if COMMIT.fullmatch(name) else None


def path_problem(path: str) -> str | None:
    """Why a path cannot be an input of the workflow, whether it is there or not."""
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in path):
        return f"{path!r} has a line break or another control character in it; rename it"
    if set("{}<>") & set(path):
        return f"{path}: to Snakemake {{…}} and <…> are wildcards; rename it, and name each file by itself"
    if re.match(r"[A-Za-z][\w+.-]+:/", path):
        return f"{path} is an address; a file of this machine is needed, or one that `downloads` fetches"
    return None


def _not_expanded(path: str) -> str:
    """What a shell would have made of it, which the config does not."""
    marks = [mark for mark in "$*?[" if mark in path] + ["~"] * path.startswith("~")
    return f"; the config does not expand {marks[0]}, so write the path out" if marks else ""


def _problem_with_result(config: Config, key: str, place: PurePosixPath) -> str | None:
    """Why no rule makes a path under results before it is read; `check_downloads` looks at what is fetched."""
    if place.is_relative_to(FOLDER):
        return None
    if place.is_relative_to(WORLD):
        if config.world is None:
            return (
                f"{place} is a file of the generated world, and world is null; name a file of your own, or set the "
                "part of the config that reads it to null"
            )
        names = [f"{WORLD}/{name}" for name in WORLD_FILES]
        return None if str(place) in names else f"{place} is not among the world's files: {', '.join(WORLD_FILES)}"
    splits = [f"results/data/{task}/{part}.jsonl" for task in config.tasks for part in SPLITS]
    if str(place) in splits and READS_SPLITS.match(key):
        return None
    allowed = f"; what may be named here is {', '.join(splits)}" if READS_SPLITS.match(key) else ""
    return f"{place} lies in results, which this workflow writes itself; copy it elsewhere and name the copy{allowed}"


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


def source_keys(config: Config) -> dict[str, list[str]]:
    """{source: config keys that read it}; a source is a download's path, a file or folder of the user's, or the world.

    What the workflow makes of others (results/data) is none.
    """
    found: dict[str, list[str]] = {}
    for key, path in named_files(config).items():
        place = PurePosixPath(path)
        if is_external(path) or place.is_relative_to(FOLDER):
            found.setdefault(str(path), []).append(key)
        elif place.is_relative_to(WORLD):
            found.setdefault(WORLD, []).append(key)
    return {source: sorted(found[source]) for source in sorted(found)}
