"""Read a task's pairs from their sources, normalise them, and drop what cannot be used."""

from collections.abc import Iterator
from typing import Any

from semalign.config.data import Language
from semalign.data.preparation import prepare_pairs
from semalign.data.sources import PAIRS, origin, read_all_pairs
from semalign.runtime import job
from semalign.runtime.files import Row, write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    languages = [Language.model_validate(settings[name]) for name in ("source_language", "target_language")]
    reports: dict[str, Any] = {}

    def pairs() -> Iterator[Row]:
        for part in ("train", "test"):
            sources, key = PAIRS.validate_python(settings[part]), f"tasks.{settings['task']}.{part}"
            if sources:
                rows = read_all_pairs(sources, key)
                filtered = prepare_pairs(rows, *languages, origin=origin(key, sources))
                yield from (row | {"part": part} for row in filtered)
                reports[part] = filtered.report

    write_jsonl(output.pairs, pairs())
    write_json(output.report, reports)


job.run(main, snakemake)
