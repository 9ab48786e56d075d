"""Accuracy by likelihood, and perplexity, worked out by hand."""

from math import exp, log

import pytest

from semalign.metrics.choices import chosen, score_choices
from semalign.metrics.perplexity import score_texts
from semalign.runtime.errors import InputError

ROWS = [
    {"id": "1", "group": "1", "choices": ["ab", "abcdef"], "label": 0},
    {"id": "2", "group": "1", "choices": ["书", "ab"], "label": 0},
    {"id": "3", "group": "3", "choices": ["a", "b", "c", "d"], "label": 3},
]
SUMS = [[-4.0, -6.0], [-3.0, -2.5], [-1.0, -1.0, -2.0, -3.0]]


def test_the_likeliest_and_the_likeliest_by_byte() -> None:
    assert chosen(SUMS[0], ["ab", "abcdef"]) == (0, 1)  # −4 and −6; −2 and −1 a byte
    assert chosen(SUMS[1], ["书", "ab"]) == (1, 0)  # three bytes: −1 against −1.25
    assert chosen(SUMS[2], list("abcd")) == (0, 0)  # the first of equals


def test_accuracy_is_percent_with_its_floor() -> None:
    scores, items = score_choices(ROWS, SUMS)
    assert scores["acc"] == pytest.approx(100 / 3)
    assert scores["acc_norm"] == pytest.approx(100 / 3)
    assert scores["floor"] == pytest.approx(100 * (1 / 2 + 1 / 2 + 1 / 4) / 3)
    assert [(item["acc"], item["acc_norm"]) for item in items] == [(100.0, 0.0), (0.0, 100.0), (0.0, 0.0)]
    assert [item["group"] for item in items] == ["1", "1", "3"]
    assert items[0]["log_likelihoods"] == [-4.0, -6.0]
    with pytest.raises(InputError, match="no items"):
        score_choices([], [])


def test_perplexity_pools_the_tokens() -> None:
    rows = [{"id": str(i), "group": str(i)} for i in range(3)]
    scores, items = score_texts(rows, [-6.0, -2.0, 0.0], [3, 1, 0], [9, 3, 1])
    assert (scores["nll"], scores["ppl"]) == (2.0, pytest.approx(exp(2.0)))
    assert scores["bits_per_byte"] == pytest.approx(8 / (12 * log(2)))
    assert (scores["n"], scores["tokens"], scores["bytes"], scores["empty"]) == (2, 4, 12, 1)
    weighted = sum(item["nll"] * item["tokens"] for item in items) / sum(item["tokens"] for item in items)
    assert weighted == scores["nll"]
    with pytest.raises(InputError, match="no text"):
        score_texts(rows[2:], [0.0], [0], [1])
