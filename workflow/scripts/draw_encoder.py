"""Figure: what the encoders' exam found, with an example of each grade."""

from pathlib import Path
from typing import Any

from semalign.figures.encoder import encoder
from semalign.runtime import job
from semalign.runtime.files import read_json


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    encoder({Path(path).parent.name: read_json(path) for path in input.exams}, output.png, output.svg)


job.run(main, snakemake)
