"""Read and check the questions of a reading-comprehension benchmark."""

from typing import Any

from pydantic import TypeAdapter

from semalign.config.data import QuestionSource
from semalign.data.preparation import prepare_questions
from semalign.data.sources import origin, read_all_questions
from semalign.runtime import job
from semalign.runtime.files import write_json, write_jsonl

SOURCES = TypeAdapter(list[QuestionSource])


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    sources = SOURCES.validate_python(settings["test"])
    rows = read_all_questions(sources, settings["key"])
    questions, report = prepare_questions(rows, settings["limit"], origin=origin(settings["key"], sources)).all()
    write_jsonl(output.questions, questions)
    write_json(output.report, report)


job.run(main, snakemake)
