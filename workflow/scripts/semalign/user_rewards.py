"""A user's own reward: found before anything runs, without importing it, and loaded from that very file."""

import ast
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from semalign.errors import InputError


def find_user_reward(name: str, folder: Path, key: str) -> Path:
    """The file of `module:function`, looked up from `folder`.

    Raises InputError naming the config key where there is no such module, or no such function at its top level.
    """
    module, _, function = name.partition(":")
    places = [str(folder)]
    for part in module.split("."):
        spec = PathFinder.find_spec(part, places)
        places = list(spec.submodule_search_locations or []) if spec else []
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        place = f"{module.replace('.', '/')}.py"
        raise InputError(f"config key {key}: no module {module} in {folder}, where Snakemake works; put {place} there")
    file = Path(spec.origin)
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise InputError(f"{file}:{error.lineno}: {error.msg}; config key {key} names a function of it") from error
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    if function not in defined:
        raise InputError(f"config key {key}: {file} defines no function {function}, only {sorted(defined)}")
    return file


def load_user_reward(name: str, folder: Path) -> Callable[..., Any]:
    """The function; its module may import others of `folder`, and may bear a name that an installed one has."""
    file = find_user_reward(name, folder, "rewards")
    spec = spec_from_file_location(f"user_reward_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise InputError(f"{file}: cannot be loaded as a Python module")
    module = module_from_spec(spec)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    function: Callable[..., Any] = getattr(module, name.partition(":")[2])
    return function
