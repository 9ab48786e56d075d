"""Figure: mean reward and its parts over the steps of RL."""

from pathlib import Path
from typing import Any

from semalign.figures.training import reward
from semalign.runtime import job


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    reward(Path("results"), dict(settings["tasks"]), settings["seeds"], settings["rewards"], output.png, output.svg)


job.run(main, snakemake)
