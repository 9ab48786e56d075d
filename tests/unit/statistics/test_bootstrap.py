"""Intervals against scipy's own call, hand calculation, and what must hold of any."""

import numpy as np
import pytest
from scipy import stats

from semalign.config.statistics import Statistics
from semalign.runtime.errors import InputError
from semalign.statistics.bootstrap import (
    bootstrap,
    mean_in_clusters,
    mean_of_items,
)

SETTINGS = Statistics(resamples=500)
RNG = np.random.default_rng(3)
KEYS = [str(i) for i in range(40)]


@pytest.mark.parametrize(("confidence", "shift"), [(0.95, 0.0), (0.8, -0.5), (0.5, -2.0)])
def test_a_mean_is_scipys_percentile_interval(confidence: float, shift: float) -> None:
    """All resampled means lie above 0, on both sides of it, or below."""
    values = RNG.random((3, 40)) + shift
    found = bootstrap(mean_of_items(KEYS, values), Statistics(resamples=500, confidence=confidence))
    expected = stats.bootstrap(
        (values.mean(axis=0),), np.mean, n_resamples=500, confidence_level=confidence, method="percentile",
        rng=np.random.default_rng(0), batch=250,
    )  # fmt: skip
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval))
    below = int((expected.bootstrap_distribution <= 0).sum())
    assert found.p == pytest.approx(min(1.0, 2 * (min(below, 500 - below) + 1) / 501))
    assert (found.n, found.units) == (40, 40)


def test_the_difference_of_a_system_to_itself_is_nothing() -> None:
    one = mean_of_items(KEYS, RNG.random((1, 40)))
    found = bootstrap(one - one, SETTINGS)
    assert (found.low, found.high, found.p) == (0.0, 0.0, 1.0)


def test_differences_are_paired() -> None:
    noise = RNG.normal(size=40) * 100
    one, two = mean_of_items(KEYS, noise[None] + 1), mean_of_items(KEYS, noise[None])
    found = bootstrap(one - two, SETTINGS)
    assert found.low == pytest.approx(1)
    assert found.high == pytest.approx(1)
    assert bootstrap(two - one, SETTINGS).high == pytest.approx(-1)
    with pytest.raises(InputError, match="same items"):
        bootstrap(one - mean_of_items(KEYS[::-1], noise[None]), SETTINGS)


def test_items_that_go_together_widen_the_interval() -> None:
    values = np.repeat(RNG.random(10), 4)[None]
    clusters = [str(i // 4) for i in range(40)]
    alone, together = (
        bootstrap(mean_of_items(KEYS, values), SETTINGS),
        bootstrap(mean_in_clusters(clusters, values), SETTINGS),
    )
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
    assert (together.n, together.units) == (40, 10)
    assert mean_in_clusters(clusters, values).whole() == pytest.approx(values.mean())


def test_one_item_has_no_interval() -> None:
    found = bootstrap(mean_of_items(["a"], np.array([[1.0]])), SETTINGS)
    assert np.isnan(found.low)
    assert np.isnan(found.p)
