"""Figure: similarity in the task against what is kept, a marker a model."""

from pathlib import Path
from typing import Any

from semalign.figures.points import tradeoff
from semalign.runtime import job
from semalign.statistics.retained import Retained


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    tasks, primary = dict(settings["tasks"]), Retained(**settings["primary"])
    shown = (settings["models"], settings["seeds"], primary, output.png, output.svg, settings.get("given"))
    tradeoff(Path("results"), tasks, *shown)


job.run(main, snakemake)
