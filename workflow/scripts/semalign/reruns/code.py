"""Which of the project's own code a script's result depends on, as hashes that ignore comments, layout and prose.

Snakemake follows a script's date and text but not the modules that it imports, so each rule's settings hold these
hashes instead: an edited function reruns the rules that use its module; an edited comment, docstring or description of
a config key, or a fresh checkout, reruns nothing.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[2]
# These subpackages run a job, check before it, or give the config its shape. None changes a result: the values of the
# config are settings of the rules.
WITHOUT_EFFECT = {"runtime", "config", "network", "model_files", "resume", "preflight"}
# Arguments of pydantic's Field that change no value.
DESCRIBING = {"title", "description", "examples", "deprecated", "json_schema_extra"}


def _file(module: str) -> Path | None:
    path = SCRIPTS.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _imports(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.startswith("semalign") and _file(name)}


class _WithoutProse(ast.NodeTransformer):
    """Drops what only describes a field of a pydantic model, and what does nothing: texts that stand alone, docstrings
    among them, and the `...` or `pass` of a body that holds no more. What is left is read by nobody but `_form`."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        return None

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
        if name == "Field":
            node.keywords = [keyword for keyword in node.keywords if keyword.arg not in DESCRIBING]
        return self.generic_visit(node)


@cache
def _read(file: Path) -> tuple[str, frozenset[str]]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imports = frozenset(_imports(tree))
    return hashlib.sha256(_form(_WithoutProse().visit(tree)).encode()).hexdigest()[:16], imports


def _form(node: Any) -> str:
    """What code does, as text. `ast.dump` also has what is empty, and Python's versions differ in that."""
    if isinstance(node, list):
        return f"[{', '.join(map(_form, node))}]"
    if isinstance(node, ast.Constant):
        return f"Constant({node.value!r})"
    if not isinstance(node, ast.AST):
        return repr(node)
    filled = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
    return f"{type(node).__name__}({', '.join(f'{name}={_form(value)}' for name, value in filled)})"


def _has_effect(module: str) -> bool:
    """Whether a module of `semalign` can change a result: its subpackage decides."""
    return "." in module and module.split(".")[1] not in WITHOUT_EFFECT


def fingerprint(script: str, *modules: str) -> dict[str, str]:
    """Map a script, and each semalign module that it imports, directly or not, to the hash of its code.

    `script` is the rule's name: `workflow/scripts/<script>.py`. `modules`: those that it imports by a name in its
    settings.
    """
    waiting = [SCRIPTS / f"{script}.py"]
    hashes = {script: _read(waiting[0])[0]}
    named = set(modules)
    while waiting:
        _, imports = _read(waiting.pop())
        for module in sorted((imports | named) - hashes.keys()):
            file = _file(module)
            if file is not None and _has_effect(module):
                hashes[module] = _read(file)[0]
                waiting.append(file)
    return dict(sorted(hashes.items()))
