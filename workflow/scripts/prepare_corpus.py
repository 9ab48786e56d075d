"""Read the corpus of a policy that is pretrained here, with prompts as the policy will see them.

Texts of test sets, and of the pairs that a test set is drawn from, are left out.
"""

from collections.abc import Iterator
from typing import Any

from semalign.config.data import CorpusItem
from semalign.data.benchmarks import TABLES, TEXTS, read_all_choices, read_all_texts
from semalign.data.corpus import pretraining_documents, texts_of_tests
from semalign.data.sources import PAIRS, QUESTIONS
from semalign.runtime import job
from semalign.runtime.files import Row, write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    items = [CorpusItem.model_validate(item) for item in settings["corpus"]]
    tests = {key: PAIRS.validate_python(sources) for key, sources in settings["tests"].items()}
    questions = {key: QUESTIONS.validate_python(sources) for key, sources in settings["questions"].items()}
    held_out = texts_of_tests(tests, questions, _others(settings["benchmarks"]))
    documents, report = pretraining_documents(items, settings["prompts"], settings["question_prompt"], held_out)
    write_jsonl(output.corpus, documents)
    write_json(output.report, report)


def _others(benchmarks: dict[str, dict[str, Any]]) -> Iterator[Row]:
    """The rows of benchmarks of choices and of texts, by the config keys of their sources."""
    for key, entry in benchmarks.items():
        if entry["kind"] == "multiple_choice":
            yield from read_all_choices(TABLES.validate_python(entry["test"]), entry, key)
        else:
            yield from read_all_texts(TEXTS.validate_python(entry["test"]), key)


job.run(main, snakemake)
