"""Figure: length of rollouts and how many leave the script, over the steps of RL."""

from pathlib import Path
from typing import Any

from semalign.figures.training import rollouts
from semalign.runtime import job


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    rollouts(Path("results"), dict(settings["tasks"]), settings["seeds"], output.png, output.svg)


job.run(main, snakemake)
