"""What the points of the frontier cost in device-seconds."""

from pathlib import Path
from typing import Any

from semalign.frontier.curves import in_order
from semalign.reporting.lineage import records_by_output
from semalign.runtime import job
from semalign.runtime.files import replacing, write_json
from semalign.tables import costs
from semalign.tables.spreadsheets import read_csv, write_csv
from semalign.tables.tables import frame_latex, frame_markdown


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    made = records_by_output(Path("."))
    frame = costs.collect(Path("results"), settings["tasks"], settings["seeds"], in_order(settings["curves"]), made)
    equal = costs.at_equal_adequacy(frame, read_csv(input.frontier))
    table, text = costs.shown(frame, equal), costs.note(frame)
    write_csv(output.csv, frame)
    with replacing(output.markdown) as file:
        file.write(frame_markdown(table, text))
    with replacing(output.latex) as file:
        file.write(frame_latex(table, text, keys=3))
    write_json(output.sidecar, {"equal_adequacy": equal, "note": text})


job.run(main, snakemake)
