"""The recommendation of a search, from measures and intervals written by hand."""

from collections.abc import Sequence

import pytest

from semalign.statistics.bootstrap import Interval
from semalign.statistics.recommendation import Between, Recommendation, Tried, recommend


def tried(label: str, *values: float, refused: str | None = None) -> Tried:
    return Tried(label, values, refused)


def half(width: float, tried: Sequence[Tried]) -> Between:
    """Intervals of this half-width around each difference."""

    def between(one: int, other: int) -> Interval:
        gain = tried[one].mean - tried[other].mean
        return Interval(gain - width, gain + width, 0.5, 10, 10)

    return between


def advice(*every: Tried, width: float) -> Recommendation:
    return recommend(every[0], every[1:], half(width, every), "similarity_independent")


OWN, BETTER, BEST = tried("own", 0.5), tried("better", 0.625), tried("best", 0.75)


def test_the_best_is_recommended_where_its_interval_leaves_out_no_difference() -> None:
    found = advice(OWN, BETTER, BEST, width=0.1)
    assert (found.chosen, found.alike) == (2, [])
    assert found.text == (
        "best reaches similarity_independent 0.7500, +0.2500 [0.1500, 0.3500] to the shipped setting, and is "
        "recommended."
    )


def test_others_within_noise_of_the_best_are_named() -> None:
    found = advice(OWN, BETTER, BEST, width=0.2)
    assert (found.chosen, found.alike) == (2, [1])
    assert found.text.endswith("and is recommended. Within noise of it: better.")


def test_a_gain_within_noise_recommends_no_change() -> None:
    found = advice(OWN, BETTER, BEST, width=0.3)
    assert found.chosen is None
    assert found.text == (
        "No change is recommended: the best trial is within noise of the shipped setting. best reaches "
        "similarity_independent 0.7500, +0.2500 [-0.0500, 0.5500] to the shipped setting."
    )


@pytest.mark.parametrize("value", [0.5, 0.25])
def test_what_is_no_better_recommends_no_change(value: float) -> None:
    found = advice(OWN, tried("other", value), width=0.0)
    assert found.chosen is None
    assert found.text == "No change is recommended: no trial that may be chosen is above the shipped setting (0.5000)."


def test_of_equal_ones_the_first_is_best() -> None:
    assert advice(OWN, BETTER, tried("equal", 0.625), width=0.01).chosen == 1


def test_what_has_collapsed_is_passed_over() -> None:
    collapsed = tried("collapsed", 0.9, refused="its answers have collapsed")
    assert advice(OWN, BETTER, collapsed, width=0.1).chosen == 1
    found = advice(OWN, collapsed, width=0.1)
    assert (found.chosen, found.text) == (None, "No change is recommended: none of the trials may be chosen.")


def test_a_setting_that_has_collapsed_is_left_for_what_has_not() -> None:
    found = advice(tried("own", 0.9, refused="its answers have collapsed"), BETTER, width=0.1)
    assert found.chosen == 1
    assert "the shipped setting may not be chosen (its answers have collapsed)" in found.text


def test_several_seeds_must_agree() -> None:
    """Seeds of 0.0 and +0.5 have a clear mean over items, and are no difference between trainings."""
    own = tried("own", 0.5, 0.5)
    split = advice(own, tried("one seed", 0.5, 1.0), width=0.1)
    assert split.chosen is None
    assert split.text.endswith("+0.2500 [0.1500, 0.3500] to the shipped setting; by seed +0.0000, +0.5000.")
    assert advice(own, tried("both", 0.75, 0.8125), width=0.1).chosen == 1
    assert advice(own, tried("lower", 0.25, 0.1875), width=0.1).chosen is None


def test_a_measure_without_an_interval_recommends_no_change() -> None:
    found = recommend(OWN, [BEST], lambda one, other: None, "metric")
    assert found.chosen is None
    assert found.text.endswith("metric has no interval over items.")
