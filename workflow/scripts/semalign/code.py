"""Which of the project's own code a script's result depends on, as hashes that ignore comments and layout.

Snakemake follows a script's date and text but not the modules that it imports, so each rule's settings hold these
hashes instead: an edited function reruns the rules that use its module; an edited comment, an edited docstring or a
fresh checkout reruns nothing.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent
# Logs, progress, sidecars, checkpoints, checks and the shape of the config change no result; its values are settings.
WITHOUT_EFFECT = {
    "semalign",
    "semalign.job",
    "semalign.provenance",
    "semalign.errors",
    "semalign.code",
    "semalign.clock",
    "semalign.ending",
    "semalign.progress",
    "semalign.step_progress",
    "semalign.model_folders",
    "semalign.encoder_modules",
    "semalign.weight_files",
    "semalign.weights",
    "semalign.divergence",
    "semalign.named_files",
    "semalign.device",
    "semalign.signals",
    "semalign.workspace",
    "semalign.checkpoints",
    "semalign.ranks",
    "semalign.config",
}


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


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return tree


@cache
def _read(file: Path) -> tuple[str, frozenset[str]]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imports = frozenset(_imports(tree))
    return hashlib.sha256(ast.dump(_without_docstrings(tree)).encode()).hexdigest()[:16], imports


def _has_effect(module: str) -> bool:
    return module not in WITHOUT_EFFECT and not module.startswith("semalign.config.")


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
