"""One of the paper's tables, from the scores of its runs."""

from pathlib import Path
from typing import Any

from semalign.config.statistics import Statistics
from semalign.runtime import job
from semalign.runtime.files import read_json
from semalign.statistics.retained import Retained
from semalign.tables.paper_request import Request
from semalign.tables.paper_tables import build
from semalign.tables.writing import Part, write_table


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    statistics = Statistics.model_validate(settings["statistics"])
    retention = [Retained(**entry) for entry in settings["retention"]]
    names = ("table", "tasks", "models", "seeds", "rewards", "judged", "thresholds", "published")
    values = {name: settings[name] for name in names} | {"titles": dict(settings["titles"]), "retention": retention}
    values |= {name: settings.get(name, {}) for name in ("given", "opponents")}
    table = build(Request(Path("results"), statistics=statistics, **values))
    judges = {path: read_json(path) for path in input.judge if path.endswith(".json")}
    exams = {Path(path).parent.name: read_json(path) for path in input.exams}
    extra = {"judge": judges, "encoder_exams": exams} if settings["table"] == "table3" else {}
    part = Part(table.lines(), table.note, keys=2, remarks=table.remarks)
    write_table(output, table.frame(), [part], table.sidecar | extra)


job.run(main, snakemake)
