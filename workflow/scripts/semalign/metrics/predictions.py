"""A run's answers, joined with the test items they answer; a missing answer is an error."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, read_jsonl

# what a prediction shows of its item: our name, and the item's; a passage is long and shared, and named by its id
OF_PAIRS = {"source": "source", "reference": "target"}
OF_QUESTIONS = {"passage": "group", "question": "question", "answers": "answers"}


def predicted(testset: str, items: Iterable[Row], answers: Iterable[Row]) -> Iterator[Row]:
    """A row for each item of a test set, in order: what was asked and wanted, and the answer to it.

    `answers` are the fields of a `generation.Completion`.
    """
    for item, answer in zip(items, answers, strict=True):
        shown = {name: item[key] for name, key in (OF_QUESTIONS if "question" in item else OF_PAIRS).items()}
        given = {"output": answer["text"], "tokens": answer["tokens"], "truncated": answer["truncated"]}
        yield {"testset": testset, "id": item["id"]} | shown | given


def join(predictions: str | Path, tests: list[str]) -> dict[str, list[Row]]:
    """Map each test set (the name of its file's folder) to its rows in order, each with the run's `output`, `tokens`
    and `truncated`.

    Raises InputError when an item has no answer, an answer no item, or a row names neither.
    """
    answers: dict[tuple[str, str], Row] = {}
    for row in read_jsonl(predictions):
        if not isinstance(row.get("testset"), str) or not isinstance(row.get("id"), str):
            raise InputError(f"{predictions}: a row names no test set or no item; delete the file and run again")
        answers[row["testset"], row["id"]] = row
    joined: dict[str, list[Row]] = {}
    for path in tests:
        testset = Path(path).parent.name
        items = list(read_jsonl(path))
        asked = {(testset, item["id"]) for item in items}
        given = {key for key in answers if key[0] == testset}
        if asked != given:
            raise InputError(
                f"{predictions}: {len(asked - given)} items of {path} have no answer and {len(given - asked)} answers "
                "no item; the answers are to another test set: delete the file and run again"
            )
        joined[testset] = [answers[testset, item["id"]] | item for item in items]
    return joined
