"""Running the workflow as a user does, in a folder of the test's own."""

import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def snakemake(folder: Path, *arguments: str, overlays: list[Path] | None = None) -> subprocess.CompletedProcess[str]:
    """Run Snakemake on this project with `folder` as its working directory and two cores."""
    configs = ["--configfile", *map(str, overlays)] if overlays else []  # last: it takes all that follows
    profile = ["--workflow-profile", str(ROOT / "profiles" / "default")]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    return subprocess.run(
        [*command, *profile, "--cores", "2", *arguments, *configs], capture_output=True, text=True, check=False
    )


def plan(folder: Path, target: str = "all", overlays: list[Path] | None = None) -> dict[str, int]:
    """Jobs by rule of a dry run."""
    result = snakemake(folder, target, "--dry-run", "--quiet", "rules", overlays=overlays)
    assert result.returncode == 0, result.stdout + result.stderr
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", result.stdout + result.stderr, re.M)}
