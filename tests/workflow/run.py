"""Running the workflow as a user does, in a folder of the test's own."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

DEFAULT = ROOT / "config" / "config.yaml"


def snakemake(folder: Path, *arguments: str, overlays: list[Path] | None = None) -> subprocess.CompletedProcess[str]:
    """Run Snakemake on this project with `folder` as its working directory and two cores."""
    configs = ["--configfile", str(DEFAULT), *map(str, overlays)] if overlays else []
    profile = ["--workflow-profile", str(ROOT / "profiles" / "default")]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    return subprocess.run(
        [*command, *profile, "--cores", "2", *configs, *arguments], capture_output=True, text=True, check=False
    )
