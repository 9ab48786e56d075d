"""The adapter of RL as it was after a number of steps, as a run of its own."""

import shutil
from pathlib import Path
from typing import Any

from semalign.runtime import job
from semalign.runtime.errors import InputError
from semalign.runtime.files import replacing_folder


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    snapshot = Path(input.snapshots) / str(settings["step"])
    if not snapshot.is_dir():
        kept = sorted(int(folder.name) for folder in Path(input.snapshots).iterdir() if folder.is_dir())
        raise InputError(f"frontier.rl_steps: RL was over before step {settings['step']}; its snapshots are {kept}")
    with replacing_folder(output.adapter) as folder:
        shutil.copytree(snapshot, folder, dirs_exist_ok=True)


job.run(main, snakemake)
