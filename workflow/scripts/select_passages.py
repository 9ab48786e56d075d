"""The reading-comprehension passages on which NLL and KL are measured."""

from typing import Any

from semalign.data.passages import select_passages
from semalign.runtime import job
from semalign.runtime.files import read_jsonl, write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    rows, report = select_passages(read_jsonl(input.questions), settings["passages"], settings["sha256"])
    write_jsonl(output.passages, rows)
    write_json(output.report, report)


job.run(main, snakemake)
