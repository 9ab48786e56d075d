"""Figure: similarity against reading comprehension of RL with other rewards, a marker a variant."""

from pathlib import Path
from typing import Any

from semalign.figures.points import tradeoff
from semalign.runtime import job


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    tradeoff(Path("results"), dict(settings["tasks"]), settings["models"], settings["seeds"], output.png, output.svg)


job.run(main, snakemake)
