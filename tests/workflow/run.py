"""Running the workflow as a user does, in a folder of the test's own."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.conftest import ROOT


def command(folder: Path, *arguments: str, overlays: list[Path] | None = None, project: Path = ROOT) -> list[str]:
    """Snakemake on this project, or a copy, with `folder` as its working directory and two cores."""
    configs = ["--configfile", *map(str, overlays)] if overlays else []  # last: it takes all that follows
    profile = ["--workflow-profile", str(project / "profiles" / "default")]
    start = [sys.executable, "-m", "snakemake", "--snakefile", str(project / "Snakefile"), "--directory", str(folder)]
    return [*start, *profile, "--cores", "2", *arguments, *configs]


def snakemake(folder: Path, *arguments: str, overlays: list[Path] | None = None) -> subprocess.CompletedProcess[str]:
    """Run it as a user does."""
    return subprocess.run(command(folder, *arguments, overlays=overlays), capture_output=True, text=True, check=False)


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
    """(exit status, what was printed) of many commands, two at a time, without starting Python anew for each."""
    forks = [sys.executable, str(Path(__file__).with_name("forks.py"))]
    lines = "\n".join(json.dumps(command[3:]) for command in commands)
    result = subprocess.run(forks, input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    return [(answer["status"], answer["output"]) for answer in answers]


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
