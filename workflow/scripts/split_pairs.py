"""Divide a task's pairs into cold start, RL, dev and test."""

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from semalign.config.data import Split
from semalign.data.splits import split_pairs
from semalign.runtime import job
from semalign.runtime.files import Row, read_places, rows_at, write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    def of(part: str) -> Iterator[Row]:
        return (row | {"place": place} for place, row in read_places(input.pairs) if row["part"] == part)

    split = Split.model_validate(settings["split"]) if settings["split"] else None
    key = f"tasks.{settings['task']}.{'split' if split else 'test'}"
    parts, report = split_pairs(of("train"), of("test"), split, key=key, kept=itemgetter("place"))
    for name, places in parts.items():
        write_jsonl(output[name], (_without_part(row) for row in rows_at(input.pairs, places)))
    write_json(output.report, report)


def _without_part(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "part"}


job.run(main, snakemake)
