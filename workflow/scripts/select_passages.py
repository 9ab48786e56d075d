"""The reading-comprehension passages on which NLL and KL are measured."""

from typing import Any

from semalign import job
from semalign.files import read_jsonl, write_json, write_jsonl
from semalign.passages import select_passages


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    rows, report = select_passages(read_jsonl(input.questions), settings["passages"], settings["sha256"])
    write_jsonl(output.passages, rows)
    write_json(output.report, report)


job.run(main, snakemake)
