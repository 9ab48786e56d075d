"""Figure: what each method costs along its strength."""

from pathlib import Path
from typing import Any

from semalign.figures.frontier import frontier
from semalign.runtime import job


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    frontier(Path(input.frontier), dict(settings["tasks"]), settings["primary"], output.png, output.svg)


job.run(main, snakemake)
