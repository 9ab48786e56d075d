"""The gate before GRPO: stop when the encoder's exam is under a bar."""

from pathlib import Path
from typing import Any

from semalign.config.models import ExamThresholds
from semalign.encoder.exam import check_exam
from semalign.runtime import job
from semalign.runtime.files import read_json


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    check_exam(read_json(input.exam), ExamThresholds.model_validate(settings["thresholds"]))
    Path(output.passed).touch()


job.run(main, snakemake)
