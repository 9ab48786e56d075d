"""What the points of the frontier cost in device-seconds."""

from pathlib import Path
from typing import Any

from semalign.frontier import curves
from semalign.reporting.lineage import records_by_output
from semalign.runtime import job
from semalign.tables import costs
from semalign.tables.spreadsheets import read_csv
from semalign.tables.writing import Part, write_table


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    made = records_by_output(Path("."))
    given = curves.given(settings.get("given", {}))
    shown = curves.in_order(settings["curves"]) | given
    frame = costs.collect(Path("results"), settings["tasks"], settings["seeds"], shown, made)
    equal = costs.at_equal_adequacy(frame, read_csv(input.frontier))
    part = Part(costs.shown(frame, equal, alone={"base", *given}), costs.note(frame, given), keys=3)
    write_table(output, frame, [part], {"equal_adequacy": equal, "note": part.note})


job.run(main, snakemake)
