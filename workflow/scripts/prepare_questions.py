"""Read and check the questions of a reading-comprehension benchmark."""

from typing import Any

from semalign.data.preparation import prepare_questions
from semalign.data.sources import QUESTIONS, origin, read_all_questions
from semalign.runtime import job
from semalign.runtime.files import write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    sources = QUESTIONS.validate_python(settings["test"])
    key, unanswerable = settings["key"], settings["unanswerable"]
    rows = read_all_questions(sources, key, unanswerable)
    filtered = prepare_questions(rows, settings["limit"], origin=origin(key, sources), unanswerable=unanswerable)
    questions, report = filtered.all()
    write_jsonl(output.questions, questions)
    write_json(output.report, report)


job.run(main, snakemake)
