"""A search on dev: its trials as a table, and the recommended overlay."""

from pathlib import Path
from typing import Any

from semalign.config.statistics import Statistics
from semalign.runtime import job
from semalign.runtime.files import replacing
from semalign.statistics.retained import Retained
from semalign.tables.search_table import Request, build, overlay
from semalign.tables.writing import Part, write_table


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    names = ("name", "of", "task", "seeds", "steps", "measure", "trials", "shipped", "thresholds")
    request = Request(
        Path("results"),
        retention=[Retained(**entry) for entry in settings["retention"]],
        max_zero_variance_share=settings["max_zero_variance_share"],
        statistics=Statistics.model_validate(settings["statistics"]),
        **{name: settings[name] for name in names},
    )
    table, advice = build(request)
    lines = table.lines().drop(columns=sorted(request.shipped))
    part = Part(lines, table.note, keys=2, remarks=table.remarks)
    write_table(output, table.frame(), [part], table.sidecar | {"note": table.note})
    with replacing(output.overlay) as file:
        file.write(overlay(request, advice))


job.run(main, snakemake)
