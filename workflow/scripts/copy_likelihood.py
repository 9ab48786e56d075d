"""Copy NLL and KL from the model that a decoding method samples from: the weights are the same."""

import shutil
from typing import Any

from semalign.runtime import job
from semalign.runtime.files import replacing_binary


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    for source, target in zip(input, output, strict=True):
        with open(source, "rb") as original, replacing_binary(target) as copy:
            shutil.copyfileobj(original, copy)


job.run(main, snakemake)
