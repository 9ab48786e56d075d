"""Read and check the items of a benchmark that is measured by likelihood: choices, or texts."""

from typing import Any

from semalign.data.benchmarks import TABLES, TEXTS, read_all_choices, read_all_texts
from semalign.data.preparation import prepare_items
from semalign.data.sources import origin
from semalign.runtime import job
from semalign.runtime.files import write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    entry, key = settings["entry"], settings["key"]
    of_choices = entry["kind"] == "multiple_choice"
    sources: list[Any] = (TABLES if of_choices else TEXTS).validate_python(entry["test"])
    rows = read_all_choices(sources, entry, key) if of_choices else read_all_texts(sources, key)
    text = "context" if of_choices else "text"
    items, report = prepare_items(rows, entry["limit"], origin=origin(key, sources), text=text).all()
    write_jsonl(output.tests, items)
    write_json(output.report, report)


job.run(main, snakemake)
