"""What must hold of the judge's protocol, whoever compares."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.runtime.files import Row
from tests.unit.judging.test_judge import judged, summarise

Compare = Callable[[str, str, str], int]
OUTPUTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12)
NAMES = ("one", "two")


def systems(outputs: list[tuple[int, int]]) -> tuple[list[Row], list[Row]]:
    """Two systems' answers, each a number."""
    first, second = (
        [{"id": f"i{n}", "source": f"s{n}", "output": str(pair[side])} for n, pair in enumerate(outputs)]
        for side in (0, 1)
    )
    return first, second


def larger(source: str, one: str, two: str) -> int:
    """A comparer that sees the texts alone."""
    return 0 if one == two else 1 if int(one) > int(two) else 2


def whimsical(source: str, one: str, two: str) -> int:
    """A comparer without any principle, but the same every time."""
    return random.Random(f"{source}/{one}/{two}").randrange(3)


few_judged = settings(max_examples=40, deadline=None)


@few_judged
@given(OUTPUTS, st.integers(0, 999), st.sampled_from([larger, whimsical]))
def test_swapping_the_systems_swaps_the_wins(outputs: list[tuple[int, int]], seed: int, compare: Compare) -> None:
    first, second = systems(outputs)
    one = summarise(judged(first, second, compare, seed), NAMES)
    two = summarise(judged(second, first, compare, seed), NAMES)
    assert one["win"] == {"one": two["win"]["two"], "two": two["win"]["one"]}
    assert (one["tie"], one["position_consistency"]) == (two["tie"], two["position_consistency"])
    assert one["first_slot_share"] == two["first_slot_share"]  # both orders are asked for either way
    assert one["net"] == pytest.approx(-two["net"])
    assert one["n"] == two["n"] == len(outputs)


@few_judged
@given(OUTPUTS, st.integers(0, 999))
def test_a_verdict_does_not_hang_on_the_seed(outputs: list[tuple[int, int]], seed: int) -> None:
    def winners(seed: int) -> list[int]:
        return [verdict["winner"] for verdict in judged(*systems(outputs), whimsical, seed)]

    expected = []
    for n, (a, b) in enumerate(outputs):  # a win in slot 1 and a win in slot 2
        calls = whimsical(f"s{n}", str(a), str(b)), whimsical(f"s{n}", str(b), str(a))
        expected.append({(1, 2): 1, (2, 1): 2}.get(calls, 0))
    assert winners(seed) == expected
