"""Running what a page of the documentation tells its reader to run, word for word, in a copy of the project."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

NOT_THE_PROJECT = (".git", ".venv", ".venv-*", "results", ".snakemake", "_build", "__pycache__", ".*_cache")


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of docs/<page>.md in a language, in their order."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def named_files(page: str) -> dict[str, str]:
    """The files that a page shows whole: YAML blocks whose first line is `# <name>.yaml`."""
    found = {}
    for block in blocks(page, "yaml"):
        if name := re.match(r"# ([\w-]+\.yaml)\n", block):
            found[name[1]] = block
    return found


def project(folder: Path) -> Path:
    """A copy of the project, set up: its .venv calls the Python that runs the tests."""
    copy = Path(shutil.copytree(ROOT, folder / "project", ignore=shutil.ignore_patterns(*NOT_THE_PROJECT)))
    tools = copy / ".venv" / "bin"
    tools.mkdir(parents=True)
    for name, start in {"python": sys.executable, "snakemake": f"{sys.executable} -m snakemake"}.items():
        (tools / name).write_text(f'#!/bin/sh\nexec {start} "$@"\n')
        (tools / name).chmod(0o755)
    (copy / ".venv" / "ready").touch()
    return copy


def run(folder: Path, block: str) -> str:
    """What a block of commands prints; an error where one of them fails."""
    result = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", block], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, f"{block}\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}"
    return result.stdout + result.stderr
