"""Read a task's pairs from their sources, normalise them, and drop what cannot be used."""

from typing import Any

from pydantic import TypeAdapter

from semalign import job
from semalign.config.data import Language, PairSource
from semalign.files import write_json, write_jsonl
from semalign.preparation import prepare_pairs
from semalign.sources import origin, read_all_pairs

SOURCES = TypeAdapter(list[PairSource])


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    languages = [Language.model_validate(settings[name]) for name in ("source_language", "target_language")]
    pairs, reports = [], {}
    for part in ("train", "test"):
        sources, key = SOURCES.validate_python(settings[part]), f"tasks.{settings['task']}.{part}"
        if sources:
            kept, reports[part] = prepare_pairs(read_all_pairs(sources, key), *languages, origin=origin(key, sources))
            pairs += [row | {"part": part} for row in kept]
    write_jsonl(output.pairs, pairs)
    write_json(output.report, reports)


job.run(main, snakemake)
