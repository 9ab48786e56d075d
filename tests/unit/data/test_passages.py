"""The choice of passages, and its pin."""

import hashlib
import random

import pytest

from semalign.data.passages import digest, select_passages
from semalign.runtime.errors import InputError

QUESTIONS = [{"id": str(i), "context": f"段{i // 2}"} for i in range(20)]


def test_the_smallest_hashes_whatever_the_order() -> None:
    rows, report = select_passages(QUESTIONS, 4, None)
    shuffled = random.Random(0).sample(QUESTIONS, len(QUESTIONS))
    assert select_passages(shuffled, 4, report["sha256"])[0] == rows
    texts = {f"段{i}" for i in range(10)}
    assert [row["text"] for row in rows] == sorted(texts, key=lambda t: hashlib.sha256(t.encode()).hexdigest())[:4]
    assert report["available"] == 10
    assert digest(row["text"] for row in rows) == report["sha256"]


def test_other_passages_than_the_pinned_ones_are_refused() -> None:
    pin = select_passages(QUESTIONS, 4, None)[1]["sha256"]
    with pytest.raises(InputError, match=r"forgetting\.sha256: " + pin):
        select_passages(QUESTIONS, 5, pin)


def test_too_few_passages() -> None:
    with pytest.raises(InputError, match=r"forgetting\.passages: 11 are asked for, .* holds 10"):
        select_passages(QUESTIONS, 11, None)
