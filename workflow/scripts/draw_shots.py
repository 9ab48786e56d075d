"""Draw the few-shot examples of a test set from other data."""

from collections.abc import Iterator
from typing import Any

from semalign.data.benchmarks import TABLES, read_all_choices
from semalign.data.shots import draw_shots
from semalign.data.sources import PAIRS, QUESTIONS, read_all_pairs, read_all_questions
from semalign.runtime import job
from semalign.runtime.files import Row, read_jsonl, write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    shots, key = settings["shots"], settings["key"]
    rows = _rows(settings, f"{key}.source", input)
    drawn, report = draw_shots(rows, list(read_jsonl(input.test)), shots["count"], shots["seed"], key)
    write_jsonl(output.shots, drawn)
    write_json(output.report, report)


def _rows(settings: dict[str, Any], key: str, input: Any) -> Iterator[Row]:
    """Rows of what fills a prompt, and an answer."""
    source = settings["shots"]["source"]
    if settings["kind"] == "choices":
        yield from read_all_choices(TABLES.validate_python(source), settings["layout"], key)
        return
    if settings["kind"] == "questions":
        for row in read_all_questions(QUESTIONS.validate_python(source), key):
            yield {"id": row["id"], "context": row["context"], "question": row["question"], "answer": row["answers"][0]}
        return
    pairs = read_jsonl(input.pairs) if source == "train" else read_all_pairs(PAIRS.validate_python(source), key)
    for row in pairs:
        if "left_out" not in row:
            yield {"id": row["id"], "source": row["source"], "target": row["target"], "answer": row["target"]}


job.run(main, snakemake)
