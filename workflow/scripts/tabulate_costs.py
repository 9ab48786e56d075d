"""What the points of the frontier cost in device-seconds."""

from pathlib import Path
from typing import Any

import pandas as pd

from semalign import costs, job
from semalign.files import replacing, write_json
from semalign.frontier.curves import in_order
from semalign.lineage import records_by_output
from semalign.tables import CSV_DIGITS, frame_latex, frame_markdown


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    made = records_by_output(Path("."))
    frame = costs.collect(Path("results"), settings["tasks"], settings["seeds"], in_order(settings["curves"]), made)
    equal = costs.at_equal_adequacy(frame, pd.read_csv(input.frontier))
    table, text = costs.shown(frame, equal), costs.note(frame)
    with replacing(output.csv) as file:
        frame.to_csv(file, index=False, float_format=CSV_DIGITS)
    with replacing(output.markdown) as file:
        file.write(frame_markdown(table, text))
    with replacing(output.latex) as file:
        file.write(frame_latex(table, text, keys=3))
    write_json(output.sidecar, {"equal_adequacy": equal, "note": text})


job.run(main, snakemake)
