"""A run's answers, joined with the test items they answer; a missing answer is an error."""

from pathlib import Path

from semalign.errors import InputError
from semalign.files import Row, read_jsonl


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
        joined[testset] = [item | answers[testset, item["id"]] for item in items]
    return joined
