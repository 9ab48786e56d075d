"""Which of the project's own code a script's result depends on, as hashes that ignore comments, layout and prose.

Snakemake follows a script's date and text but not the modules that it imports, so each rule's settings hold these
hashes instead: an edited function reruns the rules that use its module; an edited comment, docstring or description of
a config key, or a fresh checkout, reruns nothing.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2]
# These subpackages run a job, check before it, or give the config its shape. None changes a result: the values of the
# config are settings of the rules.
WITHOUT_EFFECT = {"runtime", "config", "network", "model_files", "resume", "preflight"}
DESCRIBING = {"title", "description", "examples"}  # arguments of pydantic's Field that change no value
BLOCKS = ("body", "orelse", "finalbody")


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
    """Drops texts that stand alone, docstrings among them, and what only describes a field of a pydantic model."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        alone = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if alone else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
        if name == "Field":
            node.keywords = [keyword for keyword in node.keywords if keyword.arg not in DESCRIBING]
        return self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        blocks = [name for name, value in ast.iter_fields(node) if isinstance(value, list) and value]
        super().generic_visit(node)
        for name in blocks:  # a body that held only prose does what `pass` does
            if not getattr(node, name) and name in BLOCKS and not isinstance(node, ast.Module):
                setattr(node, name, [ast.Pass()])
        return node


@cache
def _read(file: Path) -> tuple[str, frozenset[str]]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imports = frozenset(_imports(tree))
    return hashlib.sha256(ast.dump(_WithoutProse().visit(tree)).encode()).hexdigest()[:16], imports


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
