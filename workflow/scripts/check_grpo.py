"""The gate after GRPO, as a job that tables require: stop where too many groups earned equal rewards."""

from pathlib import Path
from typing import Any

from semalign.preflight.gates import check_variance
from semalign.runtime import job


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    check_variance(settings, input)
    Path(output.passed).touch()


job.run(main, snakemake)
