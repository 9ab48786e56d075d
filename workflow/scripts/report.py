"""A run as one HTML file that needs nothing else."""

from pathlib import Path
from typing import Any

from semalign.report.page import build
from semalign.report.request import Request, TaskOf
from semalign.runtime import job
from semalign.runtime.files import replacing
from semalign.statistics.retained import Retained


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    names = ("seeds", "tables", "figures", "judge", "thresholds", "examples", "contrasts", "seed")
    names += ("wanted", "audit", "max_zero_variance")
    request = Request(
        Path("."),
        tasks={entry.pop("name"): TaskOf(**entry) for entry in map(dict, settings["tasks"])},
        artefacts=[str(path) for path in input],
        sources=bool(input.sources),
        retention=[Retained(**entry) for entry in settings["retention"]],
        **{name: settings[name] for name in names},
        **{name: settings[name] for name in ("models", "given", "opponents") if name in settings},
    )
    with replacing(output.html) as file:
        file.write(build(request))


job.run(main, snakemake)
