"""One of the paper's tables, from the scores of its runs."""

from pathlib import Path
from typing import Any

from semalign.runtime import job
from semalign.runtime.files import read_json
from semalign.tables.paper_request import Request
from semalign.tables.paper_tables import build
from semalign.tables.writing import Part, write_table


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    table = build(Request(Path("results"), **settings))
    judges = {path: read_json(path) for path in input.judge if path.endswith(".json")}
    exams = {Path(path).parent.name: read_json(path) for path in input.exams}
    extra = {"judge": judges, "encoder_exams": exams} if settings["table"] == "table3" else {}
    part = Part(table.lines(), table.note, keys=2, remarks=table.remarks)
    write_table(output, table.frame(), [part], table.sidecar | extra)


job.run(main, snakemake)
