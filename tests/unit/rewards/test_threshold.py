"""τ is a quantile of the cold start's similarities, and RL says when it is worth nothing."""

import pytest

from semalign.rewards.threshold import doubts, threshold


def test_tau_and_its_floor() -> None:
    found = threshold([0.0, 0.2, 0.4, 0.6], [-0.1, 0.1, 0.3, 0.1], 0.5)
    assert found == pytest.approx({"tau": 0.3, "floor": 0.1, "quantile": 0.5, "n": 4, "mean": 0.3})
    assert threshold([1.0, 2.0], [0.0, 1.0], 1.0)["floor"] == 1.0


def test_tau_leaves_room_above_it() -> None:
    """With most answers right τ would be 1 less a rounding error, and the reward that error blown up."""
    assert threshold([0.5, 0.9999999, 1.0, 1.0], [0.0, 0.1], 0.5)["tau"] == 0.99


def test_what_speaks_against_a_cold_start() -> None:
    good = {"tau": 0.2, "floor": 0.09, "n": 100, "truncated": 24}
    assert doubts(good, "t.json") == []
    (unlearnt,) = doubts(good | {"tau": -0.025, "floor": -0.02}, "t.json")
    assert unlearnt.startswith("t.json: τ -0.025 is no higher than what unrelated references score (-0.020)")
    (endless,) = doubts(good | {"truncated": 25}, "t.json")
    assert "25 of 100 answers of the cold start are cut" in endless
    assert len(doubts(good | {"tau": 0.09, "truncated": 100}, "t.json")) == 2
