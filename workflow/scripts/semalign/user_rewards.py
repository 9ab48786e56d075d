"""A user's own reward: found before anything runs, without importing it, and loaded from that very file."""

import ast
import os
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
    defined = {name for node in tree.body for name in _names(node)}
    if function not in defined:
        raise InputError(f"config key {key}: {file} defines no {function}, only {sorted(defined)}")
    return file


def modules_of(file: Path, folder: Path) -> list[str]:
    """The file and every module of `folder` that it imports, directly or not, as paths relative to `folder`."""
    found, waiting = {file}, [file]
    while waiting:
        for node in ast.walk(ast.parse(waiting.pop().read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            new = {path for name in names if (path := _module(name, folder)) is not None} - found
            found |= new
            waiting += new
    return sorted(os.path.relpath(path, folder) for path in found)


def _module(name: str, folder: Path) -> Path | None:
    """The file of a module in `folder`; None for one from elsewhere."""
    path = folder.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _names(node: ast.stmt) -> list[str]:
    """What a statement at a module's top level names: a function, an assigned value, something imported."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    return []


def load_user_reward(name: str, folder: Path) -> Callable[..., Any]:
    """The function; its module may import others of `folder`, and may bear a name that an installed one has."""
    file = find_user_reward(name, folder, "rewards")
    spec = spec_from_file_location(f"user_reward_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise InputError(f"{file}: cannot be loaded as a Python module")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickles look their module up
    if str(folder) not in sys.path:
        sys.path.append(str(folder))  # last: no file of the user's hides an installed package
    spec.loader.exec_module(module)
    function: Callable[..., Any] = getattr(module, name.partition(":")[2])
    return function
