"""A run as one HTML file that needs nothing else."""

from pathlib import Path
from typing import Any

from semalign.report.page import build
from semalign.report.request import Request
from semalign.runtime import job
from semalign.runtime.files import replacing


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    tasks = {entry["name"]: entry for entry in settings["tasks"]}
    read = {"artefacts": [str(path) for path in input], "sources": bool(input.sources)}
    request = Request(Path("."), **(settings | read | {"tasks": tasks}))
    with replacing(output.html) as file:
        file.write(build(request))


job.run(main, snakemake)
