"""A function of the user's own (a reward, a metric, an identifier): found before anything runs, without importing it,
and loaded from that very file."""

import ast
import inspect
import os
import sys
import tokenize
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from io import BytesIO
from pathlib import Path
from typing import Any

from semalign.runtime.errors import InputError

LIBRARY = "semalign."
"""Modules of this project may be named like those of the user."""


def find_function(name: str, folder: Path, key: str) -> Path:
    """The file of `module:function`, looked up from `folder`.

    Raises InputError naming the config key where there is no such module, no such function at its top level, or no
    valid Python in it.
    """
    module, _, function = name.partition(":")
    if module.startswith(LIBRARY):
        folder = Path(__file__).resolve().parents[2]
    if module.endswith(".py"):
        raise InputError(
            f"config key {key}: {name}: write the module without .py: {module.removesuffix('.py')}:{function}"
        )
    places = [str(folder)]
    for part in module.split("."):
        spec = PathFinder.find_spec(part, places)
        places = list(spec.submodule_search_locations or []) if spec else []
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        place = f"{module.replace('.', '/')}.py"
        raise InputError(f"config key {key}: no module {module} in {folder}, where Snakemake works; put {place} there")
    file = Path(spec.origin)
    defined = set(_names(_parsed(file, f"config key {key}").body))
    if function not in defined and "*" not in defined:
        there = ", ".join(sorted(name for name in defined if not name.startswith("_"))) or "nothing"
        raise InputError(f"config key {key}: {file} defines no {function}; it defines {there}")
    return file


def modules_of(file: Path, folder: Path) -> list[str]:
    """The file and every module of `folder` that it imports, directly or not, as paths relative to `folder`.

    Raises InputError where one of them is no valid Python.
    """
    found, waiting = {file}, [file]
    while waiting:
        for node in ast.walk(
            _parsed(waiting.pop(), f"{file.name} holds a function that the config names, or is imported by it")
        ):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            new = {path for name in names if (path := _module(name, folder)) is not None} - found
            found |= new
            waiting += new
    return sorted(os.path.relpath(path, folder) for path in found)


def _parsed(file: Path, why: str) -> ast.Module:
    """The file as Python reads it: in UTF-8, or the encoding that it declares."""
    try:
        content = file.read_bytes()
        content.decode(_encoding(content))
        return ast.parse(content, filename=str(file))
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}; {why}") from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reason = f"byte 0x{content[error.start]:02x} is not {error.encoding}; save it as UTF-8"
        raise InputError(f"{file}:{line}: no valid Python: {reason}; {why}") from error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        place = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise InputError(f"{file}{place}: no valid Python: {reason}; {why}") from error


def _encoding(content: bytes) -> str:
    """The one that a file of Python declares, else UTF-8."""
    try:
        return tokenize.detect_encoding(BytesIO(content).readline)[0]
    except SyntaxError:
        return "utf-8"


def _module(name: str, folder: Path) -> Path | None:
    """The file of a module in `folder`; None for one from elsewhere."""
    path = folder.joinpath(*name.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _names(body: list[ast.stmt]) -> Iterator[str]:
    """What statements at a module's top level name, under `if` and `try` too; * where it cannot be known."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.If | ast.Try | ast.TryStar | ast.With | ast.For | ast.While | ast.Match):
            parts = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
            parts += [part.body for name in ("handlers", "cases") for part in getattr(node, name, [])]
            yield from (name for part in parts for name in _names(part))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name))


def load_function(name: str, folder: Path, what: str, arguments: Sequence[str]) -> Callable[..., Any]:
    """The function; its module may import others of `folder`, and may bear a name that an installed one has.

    what: `reward`, `metric` or `identifier`, for messages. arguments: the names of those that it is called with.
    Raises InputError, with the user's file and line, where the import fails or what is named cannot be called so.
    """
    file = find_function(name, folder, f"{what}s")
    module_name, _, function_name = name.partition(":")
    if module_name.startswith(LIBRARY):
        module = import_module(module_name)
    else:
        spec = spec_from_file_location(f"user_{what}_{module_name.replace('.', '_')}", file)
        if spec is None or spec.loader is None:
            raise InputError(f"{file}: cannot be loaded as a Python module")
        module = module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses and pickles look their module up
        if str(folder) not in sys.path:
            sys.path.append(str(folder))  # last: no file of the user's hides an installed package
        execute = spec.loader.exec_module
        guarded(f"{what} {name}: its file cannot be imported", folder, lambda: execute(module))
    function: Any = getattr(module, function_name, None)
    if not callable(function):
        raise InputError(f"{what} {name}: {file} has {function_name} = {function!r}, which is no function")
    if problem := _signature_problem(function, function_name, arguments):
        line = getattr(getattr(function, "__code__", None), "co_firstlineno", 1)
        raise InputError(f"{what} {name}: {file}:{line}: {problem}")
    return function


def _signature_problem(function: Callable[..., Any], name: str, arguments: Sequence[str]) -> str | None:
    """Why a function does not take these; None where it does, or where nobody knows, as of C code."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    try:
        signature.bind(*arguments)
    except TypeError as error:
        return f"{name}{signature} cannot be called as {name}({', '.join(arguments)}) ({error})"
    return None


def guarded(what: str, folder: Path, call: Callable[[], Any]) -> Any:
    """The result of the user's code. Raises InputError, with their file and line, for any exception of it."""
    try:
        return call()
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}".removesuffix(": ")
        if isinstance(error, ModuleNotFoundError):
            reason += f"; install it, or put {str(error.name).partition('.')[0]}.py into {folder}"
        raise InputError(f"{what}: {_place(error, folder)}{reason}") from error


def plain(values: Any) -> Any:
    """What a function of the user's gives, as a list of plain Python numbers, or as one: of arrays, tensors, series."""
    values = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(values, Sequence) and not isinstance(values, str | bytes):
        return [one.item() if hasattr(one, "item") else one for one in values]
    return values


def _place(error: BaseException, folder: Path) -> str:
    """The last line of the user's own code that an exception came through."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: "
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename, folder)]
    return f"{frames[-1].filename}:{frames[-1].lineno}: " if frames else ""


def _is_own(file: str, folder: Path) -> bool:
    path = Path(file)
    return path.is_relative_to(folder) and not path.is_relative_to(sys.prefix)
