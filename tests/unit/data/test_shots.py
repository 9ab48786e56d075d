"""Few-shot examples: drawn by seed, never of the test set, and put before a prompt."""

import pytest

from semalign.data.shots import asked, draw_shots, examples
from semalign.runtime.errors import InputError

ROWS = [{"id": str(i), "context": f"passage {i}", "question": "who?", "answer": f"answer {i}"} for i in range(9)]
TEST = [{"id": "t", "context": "Passage 3", "question": "who?", "answers": ["x"]}]


def test_a_draw_follows_the_seed_and_leaves_the_test_set_out() -> None:
    drawn, report = draw_shots(ROWS, TEST, 8, 0, "tasks.mt.shots")
    assert {row["id"] for row in drawn} == set("01245678")
    assert report == {"read": 9, "of_the_test_set_or_without_answer": 1, "shots": 8}
    assert draw_shots(ROWS, TEST, 3, 1, "k")[0] == draw_shots(iter(ROWS), TEST, 3, 1, "k")[0]
    assert len({tuple(row["id"] for row in draw_shots(ROWS, TEST, 3, seed, "k")[0]) for seed in range(5)}) > 1


def test_too_few_are_named_with_their_key() -> None:
    rows = [*ROWS, {"id": "blank", "context": "c", "question": "q", "answer": " "}]
    with pytest.raises(InputError, match=r"tasks\.mt\.shots\.count: 9 are asked for, and 8 of 10 rows"):
        draw_shots(rows, TEST, 9, 0, "tasks.mt.shots")


def test_examples_stand_before_the_prompt_with_their_answers() -> None:
    prompt = "{context} {question} A:"
    assert examples(prompt, ROWS[:2], " ", "\n\n") == ("passage 0 who? A: answer 0\n\npassage 1 who? A: answer 1\n\n")
    assert asked(prompt, TEST[0]) == "Passage 3 who? A:"
    assert asked("{source}", {"source": "{target}", "target": "x", "answers": []}) == "{target}"
