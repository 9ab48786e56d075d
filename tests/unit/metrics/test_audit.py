"""Each sign of a gamed reward, counted by hand."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semalign.config.data import Language
from semalign.metrics.audit import audit, audit_step, common_substring, evenly_spaced, summarise

TIBETAN = Language(script="Tibetan", excluded_scripts=["Han"], latin_share=0.1, bleu_tokens="tibetan")


def test_measures_by_hand() -> None:
    outputs = ["ཀ་ཁ་ཀ་ཁ", "ཀ་ཁ་ཀ་ཁ", "书", ""]
    found = audit(outputs, ["ཀ་ཁ", "ཀ་ཁ", "ཀ", "ཀ"], ["ཀ་ཁ", "书", "书店", "x"], ["1", "2", "3", "4"], TIBETAN)
    assert found["length_ratio"] == pytest.approx(9 / 6)
    assert found["distinct_2"] == pytest.approx(2 / 6)  # ཀཁ, ཁཀ, ཀཁ twice over
    assert found["repeated_4grams"] == 0
    assert found["copied"] == pytest.approx((3 / 7 + 0 + 1) / 3)
    assert found["duplicates"] == 0.5
    assert found["off_script"] == 0.5
    assert found["empty"] == 0.25


def test_the_same_answer_to_one_item_is_no_duplicate() -> None:
    assert audit(["ཀ", "ཀ"], ["ཀ", "ཀ"], ["", ""], ["1", "1"], TIBETAN)["duplicates"] == 0


def test_nothing_to_count_is_none() -> None:
    found = audit([""], ["ཀ"], ["x"], ["1"], TIBETAN)
    assert found["distinct_2"] is None
    assert found["repeated_4grams"] is None
    assert found["copied"] is None


def test_repeats_within_a_text_alone() -> None:
    """Of the 4-grams of eight syllables one, and of two texts of four syllables none."""

    def repeated(*texts: str) -> float | None:
        empty = [""] * len(texts)
        return audit(list(texts), empty, empty, [str(n) for n, _ in enumerate(texts)], TIBETAN)["repeated_4grams"]

    assert repeated("ཀ་ཁ་ག་ང་ཀ་ཁ་ག་ང") == pytest.approx(1 / 5)
    assert repeated("ཀ་ཁ་ག་ང", "ཀ་ཁ་ག་ང") == 0


def naive(one: str, two: str) -> int:
    return max((j - i for i in range(len(one)) for j in range(i + 1, len(one) + 1) if one[i:j] in two), default=0)


@given(st.text("ab་", max_size=8), st.text("ab་", max_size=8))
def test_common_substring_is_the_longest(one: str, two: str) -> None:
    assert common_substring(one, two) == naive(one, two)


@given(st.integers(1, 60), st.integers(2, 20))
def test_steps_at_even_distances_keep_both_ends(count: int, wanted: int) -> None:
    steps = list(range(count))
    chosen = evenly_spaced(steps, wanted)
    assert len(chosen) == min(count, wanted)
    assert (chosen[0], chosen[-1]) == (0, count - 1)
    distances = [b - a for a, b in pairwise(chosen)]
    assert max(distances, default=1) - min(distances, default=1) <= 1


def row(item: str, text: str, similarity: float, language: float) -> dict[str, object]:
    return {
        "id": item,
        "completion": text,
        "source": "x",
        "target": "ཀ",
        "similarity": similarity,
        "language": language,
    }


def test_a_step_counts_groups_without_spread() -> None:
    rows = [row("1", "ཀ", 0.5, 1.0), row("1", "ཁ", 0.5, 1.0), row("2", "ཀ", 0.2, 1.0), row("2", "ཁ", 0.4, 0.0)]
    found = audit_step(rows, {"similarity": 2.0, "language": 1.0}, TIBETAN)
    assert found["zero_variance_groups"] == 0.5
    assert found["reward"] == pytest.approx((2 + 2 + 1.4 + 0.8) / 4)
    assert found["reward similarity"] == pytest.approx(0.4)
    assert found["duplicates"] == 1.0


def test_first_and_last_tenth() -> None:
    by_step = [{"step": i, "reward": float(i), "copied": None if i else 1.0} for i in range(20)]
    found = summarise(by_step)
    assert found["first_tenth"] == {"steps": 2, "reward": 0.5, "copied": 1.0}
    assert found["last_tenth"] == {"steps": 2, "reward": 18.5, "copied": None}
    assert found["all"]["reward"] == 9.5
