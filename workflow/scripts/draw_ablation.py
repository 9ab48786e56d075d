"""Figure: similarity against what is kept, of RL with other rewards, a marker a variant."""

from pathlib import Path
from typing import Any

from semalign.figures.points import tradeoff
from semalign.runtime import job
from semalign.statistics.retained import Retained


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    tasks, primary = dict(settings["tasks"]), Retained(**settings["primary"])
    tradeoff(Path("results"), tasks, settings["models"], settings["seeds"], primary, output.png, output.svg)


job.run(main, snakemake)
