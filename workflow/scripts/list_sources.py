"""The table of every data set and model that the config names: where it comes from, and under which licence."""

from typing import Any

from semalign.runtime import job
from semalign.runtime.files import read_json
from semalign.tables.sources_table import rows, write


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    records = [read_json(path) for path in input.get("records", [])]
    table = rows(settings["keys"], records, settings["downloads"], settings["licences"], settings.get("contents", {}))
    write(table, output.csv, output.markdown)


job.run(main, snakemake)
