"""Divide a task's pairs into cold start, RL, dev and test."""

from typing import Any

from semalign.config.data import Split
from semalign.data.splits import split_pairs
from semalign.runtime import job
from semalign.runtime.files import read_jsonl, write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    pools: dict[str, list[dict[str, Any]]] = {"train": [], "test": []}
    for row in read_jsonl(input.pairs):
        pools[row.pop("part")].append(row)
    split = Split.model_validate(settings["split"]) if settings["split"] else None
    key = f"tasks.{settings['task']}.{'split' if split else 'test'}"
    parts, report = split_pairs(pools["train"], pools["test"] or None, split, key=key)
    for name, rows in parts.items():
        write_jsonl(output[name], rows)
    write_json(output.report, report)


job.run(main, snakemake)
