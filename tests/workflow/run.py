"""Running the workflow as a user does, in a folder of the test's own."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import IO, Any

from tests.conftest import ROOT
from tests.workflow import forks


def command(folder: Path, *arguments: str, overlays: list[Path] | None = None, project: Path = ROOT) -> list[str]:
    """Snakemake on this project, or a copy, with `folder` as its working directory and two cores."""
    configs = ["--configfile", *map(str, overlays)] if overlays else []  # last: it takes all that follows
    profile = ["--workflow-profile", str(project / "profiles" / "default")]
    start = [sys.executable, "-m", "snakemake", "--snakefile", str(project / "Snakefile"), "--directory", str(folder)]
    return [*start, *profile, "--cores", "2", *arguments, *configs]


def snakemake(
    folder: Path,
    *arguments: str,
    overlays: list[Path] | None = None,
    project: Path = ROOT,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run it as a user does, but as a fork of a process that has imported Snakemake, and its jobs likewise.

    environment: variables beside those of this process.
    """
    call = command(folder, *arguments, overlays=overlays, project=project)
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        status = forked(call, stdout, stderr, environment)
        return subprocess.CompletedProcess(call, status, _read(stdout), _read(stderr))


def forked(call: list[str], stdout: IO[str], stderr: IO[str], environment: dict[str, str] | None = None) -> int:
    """Run a command of Snakemake in such a fork; returns its exit status."""
    folder, owner = _servers()
    kind = "snakemake" if str(ROOT / "Snakefile") in call else "bare"
    server = forks.started(folder, kind, owner, dict(os.environ))
    with open(os.devnull) as nothing:
        descriptors = [file.fileno() for file in (nothing, stdout, stderr)]
        more = environment or {}
        return forks.ask(server, os.environ | more, descriptors, arguments=call[3:], python=str(folder / "python"))


@cache
def _servers() -> tuple[Path, int]:
    """A folder for the servers' sockets, and what runs a job's script in place of Python; whose end is theirs.

    All workers of pytest-xdist share them.
    """
    if "PYTEST_XDIST_TESTRUNUID" in os.environ:
        folder, owner = Path(tempfile.gettempdir(), f"forks-{os.environ['PYTEST_XDIST_TESTRUNUID'][:12]}"), os.getppid()
        folder.mkdir(exist_ok=True)
    else:
        folder, owner = Path(tempfile.mkdtemp(prefix="forks-")), os.getpid()
    call = shlex.join([sys.executable, forks.__file__, "job", str(folder), str(owner)])
    own = folder / f"python.{os.getpid()}"
    own.write_text(f'#!/bin/sh\nexec {call} "$@"\n')
    own.chmod(0o755)
    own.rename(folder / "python")
    return folder, owner


def _read(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def plan(folder: Path, target: str = "all", overlays: list[Path] | None = None) -> dict[str, int]:
    """Jobs by rule of a dry run."""
    result = snakemake(folder, target, "--dry-run", "--quiet", "rules", overlays=overlays)
    assert result.returncode == 0, result.stdout + result.stderr
    return counted(result.stdout + result.stderr)


def plans(folder: Path, overlays: list[list[Path]], project: Path = ROOT, target: str = "all") -> list[dict[str, Any]]:
    """Jobs by rule of many dry runs, each with its own overlays; {"error": what was printed} of one that fails."""
    commands = [
        command(folder, target, "-n", "--quiet", "rules", overlays=files, project=project) for files in overlays
    ]
    return [
        {"error": output} if status else {rule: jobs for rule, jobs in counted(output).items() if rule != "total"}
        for status, output in runs(commands)
    ]


def runs(commands: list[list[str]]) -> list[tuple[int, str]]:
    """(exit status, what was printed) of many commands, two at a time, each a fork as above."""

    def one(call: list[str]) -> tuple[int, str]:
        with tempfile.TemporaryFile("w+", errors="replace") as said:
            return forked(call, said, said), _read(said)

    _servers()  # before threads would ask for it at once
    with ThreadPoolExecutor(2) as two:
        return list(two.map(one, commands))


def counted(output: str) -> dict[str, int]:
    """Jobs by rule, as Snakemake prints them before it begins."""
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", output, re.M)}


def differing(whole: Path, part: Path) -> list[str]:
    """Results in `part` not byte for byte those of `whole`; logs, times (costs too), configs and provenance aside."""
    aside = ("configs", "logs", "benchmarks", "unfinished")
    made = [path.relative_to(part) for path in part.rglob("*") if path.is_file()]
    compared = [
        path
        for path in made
        if path.parts[0] not in aside
        and not path.name.endswith((".provenance.json", ".snakemake_timestamp"))
        and path.stem != "costs"
    ]
    assert compared
    return [str(path) for path in compared if (whole / path).read_bytes() != (part / path).read_bytes()]
