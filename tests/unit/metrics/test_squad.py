"""SQuAD's rules on values worked out by hand."""

import pytest

from semalign.metrics.scoring import score_questions
from semalign.metrics.squad import exact_match, f1, normalised, score
from semalign.runtime.errors import InputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The  Cat,\tsat!", "cat sat"),
        ("A-team", "ateam"),  # punctuation goes first, so the article is part of a word
        ("an apple; a pear", "apple pear"),
        ("the", ""),
        ("Theatre and another", "theatre and another"),
        ("“the” cat", "“ ” cat"),  # of the marks ASCII's alone are dropped; a word's bound is beside them
        ("中国，the 书", "中国， 书"),
    ],
)
def test_texts_are_compared_as_squad_has_them(text: str, expected: str) -> None:
    assert normalised(text) == expected


@pytest.mark.parametrize(
    ("prediction", "answers", "em", "expected"),
    [
        ("The cat.", ["cat"], 100.0, 100.0),
        ("black cat", ["the cat"], 0.0, 200 / 3),  # P 1/2, R 1
        ("cat cat dog", ["cat dog dog"], 0.0, 200 / 3),  # cat and dog once each: 2 of 3 and 2 of 3
        ("cat dog", ["dog cat"], 0.0, 100.0),  # a bag: the order does not count
        ("red car", ["a blue car", "Red car!"], 100.0, 100.0),  # the best answer
        ("cat", ["dog"], 0.0, 0.0),
        ("", [""], 100.0, 100.0),  # unanswerable, and not answered
        ("cat", [""], 0.0, 0.0),
        ("the", [""], 100.0, 100.0),  # nothing is left of it
        ("", ["cat"], 0.0, 0.0),
        ("", ["the", "cat"], 0.0, 0.0),  # an answer of which nothing is left is none
    ],
)
def test_marks_by_hand(prediction: str, answers: list[str], em: float, expected: float) -> None:
    assert exact_match(prediction, answers) == em
    assert f1(prediction, answers) == pytest.approx(expected)


def test_a_whole_set_with_a_missing_and_an_unanswerable_question() -> None:
    found = score({"a": ["cat"], "b": [""], "c": ["red car"]}, {"a": "the cat", "b": ""})
    assert (found.em, found.f1, found.n, found.skipped) == (pytest.approx(200 / 3), pytest.approx(200 / 3), 3, 1)
    assert found.answer_length == 3.5
    with pytest.raises(InputError, match="no questions"):
        score({}, {})
    with pytest.raises(InputError, match="'a' has no answer"):
        score({"a": []}, {"a": "x"})


def test_the_words_for_no_answer_count_as_none() -> None:
    rows = [
        {"id": "a", "group": "p", "answers": [""], "output": "Unanswerable.", "truncated": False},
        {"id": "b", "group": "p", "answers": ["cat"], "output": "<think>x</think>unanswerable", "truncated": False},
    ]
    scores, items = score_questions(rows, "squad", "unanswerable")
    assert (scores["em"], scores["f1"]) == (50.0, 50.0)
    assert [item["em"] for item in items] == [100.0, 0.0]
    assert scores["floor"] == {"em": 50.0, "f1": 50.0}  # the second gets the first one's empty answer
    assert "avg" not in scores
    assert scores["signature"].endswith("no_answer:'unanswerable'")
    assert score_questions(rows, "squad")[0]["em"] == 0.0
