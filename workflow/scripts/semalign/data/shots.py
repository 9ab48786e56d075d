"""Few-shot examples: drawn by a seed from other data than the test set, and put before a prompt."""

import random
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.text.matching import comparable
from semalign.text.prompts import fill

TEXTS = ("context", "source", "target")
"""Columns whose text an example may not share with the test set; a question may be asked of many passages."""


def draw_shots(
    rows: Iterable[Row], test: Collection[Row], count: int, seed: int, key: str
) -> tuple[list[Row], dict[str, Any]]:
    """So many rows, in the order of the draw, and a report: how many there were, and how many of the test set.

    Rows hold `answer` and what fills the prompt. One is of the test set where its passage, source or target is, as
    `matching.comparable` has it. The draw depends on the seed and on the rows that are left, in their order. Raises
    InputError, naming the config key, where too few are left.
    """
    held_out = {comparable(row[name]) for row in test for name in TEXTS if name in row}
    read, left = 0, []
    for row in rows:
        read += 1
        texts = {comparable(row[name]) for name in TEXTS if name in row}
        if held_out.isdisjoint(texts) and comparable(row["answer"]):
            left.append(row)
    if len(left) < count:
        raise InputError(
            f"config key {key}.count: {count} are asked for, and {len(left)} of {read} rows are neither of the test "
            "set nor without an answer; name another source, or ask for fewer"
        )
    report = {"read": read, "of_the_test_set_or_without_answer": read - len(left), "shots": count}
    return random.Random(seed).sample(left, count), report


def examples(prompt: str, shots: Sequence[Row], delimiter: str, separator: str) -> str:
    """The examples as one text, to stand before a filled prompt: each prompt, its answer, and what parts them."""
    return "".join(asked(prompt, row) + delimiter + row["answer"] + separator for row in shots)


def asked(prompt: str, row: Row) -> str:
    """A prompt filled with the texts of a row."""
    return fill(prompt, **{key: value for key, value in row.items() if isinstance(value, str)})
