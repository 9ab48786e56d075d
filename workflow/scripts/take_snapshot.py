"""The adapter of RL as it was after a number of steps, as a run of its own."""

import os
import shutil
from pathlib import Path
from typing import Any

from semalign import job
from semalign.errors import InputError


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    snapshot = Path(input.snapshots) / str(settings["step"])
    if not snapshot.is_dir():
        kept = sorted(int(folder.name) for folder in Path(input.snapshots).iterdir() if folder.is_dir())
        raise InputError(f"frontier.rl_steps: RL was over before step {settings['step']}; its snapshots are {kept}")
    partial = Path(f"{output.adapter}.part")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(snapshot, partial)
    os.replace(partial, output.adapter)


job.run(main, snakemake)
