"""Figure: distributions of token NLL and of token KL to the base."""

from pathlib import Path
from typing import Any

from semalign.figures.likelihood import likelihood
from semalign.runtime import job


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    shown = (settings["models"], settings["seeds"], output.png, output.svg, settings.get("given"))
    likelihood(Path("results"), dict(settings["tasks"]), *shown)


job.run(main, snakemake)
