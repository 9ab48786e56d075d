"""The gate before RL, as a job that tables require: stop when the encoder's exam is below a threshold."""

from pathlib import Path
from typing import Any

from semalign.preflight.gates import check_exams
from semalign.runtime import job


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    check_exams(settings, input)
    Path(output.passed).touch()


job.run(main, snakemake)
