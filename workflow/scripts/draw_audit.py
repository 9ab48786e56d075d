"""Figure: signs of a gamed reward over the steps of RL."""

from pathlib import Path
from typing import Any

from semalign.figures.auditing import audit
from semalign.runtime import job


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    audit(Path("results"), dict(settings["tasks"]), settings["seeds"], output.png, output.svg)


job.run(main, snakemake)
