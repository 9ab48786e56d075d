"""A search as a table, on runs written by hand: order, differences, what may not be chosen, and the overlay."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from semalign.config.audit import Audit
from semalign.config.statistics import Statistics
from semalign.preflight.root import validate
from semalign.tables.search_table import Request, build, note, overlay
from tests.unit.scored import CMRC, write_run
from tests.unit.shipped import changed

ITEMS = [0.5, 0.25, 0.75, 0.5]  # mean 0.5
GAINS = {"rl": 0.0, "rl-trial-worse": -0.125, "rl-trial-best": 0.25, "rl-trial-alike": 0.25}
RATES = {"rl-trial-worse": 1.0e-4, "rl-trial-best": 3.0e-5, "rl-trial-alike": 1.0e-5}


def train(results: Path, model: str, zero_variance: float) -> None:
    report = {"zero_variance_group_share": zero_variance, "rollouts": []}
    (results / "hg" / model / "0" / "training.json").write_text(json.dumps(report))


def collapse(results: Path, model: str, **figures: Any) -> None:
    """Give a run's answers these figures."""
    file = results / "hg" / model / "0" / "dev" / "scores" / "text.json"
    scores = json.loads(file.read_text())
    scores["hg"]["collapse"] |= figures
    file.write_text(json.dumps(scores))


@pytest.fixture
def request_of(tmp_path: Path) -> Request:
    """One seed. Each trial lies as far from rl on every item, so that its interval is one point."""
    for model, gain in GAINS.items():
        write_run(tmp_path, f"hg/{model}/0/dev", ["hg"], [value + gain for value in ITEMS], [100.0, 0.0, 0.0, 100.0])
        train(tmp_path, model, 0.25)
    values: dict[str, Any] = {model: {"learning_rate": rate} for model, rate in RATES.items()}
    return Request(
        tmp_path,
        name="rate",
        of="rl",
        task="hg",
        seeds=[0],
        steps=None,
        measure="similarity_independent",
        trials=[{"model": model, "values": values.get(model, {})} for model in GAINS],
        shipped={"learning_rate": 3.0e-4},
        retention=[],
        thresholds=Audit().thresholds.model_dump(),
        max_zero_variance_share=0.5,
        statistics=Statistics(resamples=200),
    )


def test_the_best_stands_first_and_the_config_among_them(request_of: Request) -> None:
    frame = build(request_of)[0].frame()
    assert list(frame["trial"]) == ["rl-trial-best", "rl-trial-alike", "rl", "rl-trial-worse"]
    assert list(frame["learning_rate"]) == ["3e-05", "1e-05", "0.0003", "0.0001"]
    assert list(frame["similarity_independent"]) == [0.75, 0.75, 0.5, 0.375]
    assert list(frame["difference"].fillna(9.0)) == [0.25, 0.25, 9.0, -0.125]
    assert list(frame["difference_low"].fillna(9.0)) == pytest.approx([0.25, 0.25, 9.0, -0.125])
    assert frame["gain"][0] == "+0.2500 [0.2500, 0.2500]"
    assert list(frame["choice"]) == ["recommended", "", "as configured", ""]
    assert set(frame["audit"]) == {"ok"}


def test_the_recommended_overlay_is_a_config(request_of: Request) -> None:
    table, advice = build(request_of)
    assert table.sidecar["recommendation"]["trial"] == "rl-trial-best"
    assert table.sidecar["recommendation"]["alike"] == ["rl-trial-alike"]
    text = overlay(request_of, advice)
    assert yaml.safe_load(text) == {"rl": {"learning_rate": 3.0e-5}, "search": {"rate": None}}
    assert text.startswith("# The search rate on the dev set of hg:\n# learning_rate 3e-05 reaches")
    raw = changed("search", {"rate": {"of": "rl", "task": "hg", "grid": {"learning_rate": [3.0e-5]}}})
    update_config(raw, yaml.safe_load(text))  # whose only trial it would be
    assert validate(raw).rl.learning_rate == 3.0e-5


def test_without_a_recommendation_the_overlay_changes_nothing(request_of: Request) -> None:
    worse = replace(request_of, trials=request_of.trials[:2])
    table, advice = build(worse)
    assert table.note.startswith("No change is recommended: no trial that may be chosen is above the shipped setting")
    raw = changed("seeds", [0])
    update_config(raw, yaml.safe_load(overlay(worse, advice)))
    assert validate(raw) == validate(changed("seeds", [0]))


def test_what_collapsed_is_not_chosen_and_is_said(request_of: Request) -> None:
    collapse(request_of.results, "rl-trial-best", truncated=0.9)
    table, _ = build(request_of)
    frame = table.frame().set_index("trial")
    assert frame.loc["rl-trial-best", "audit"] == "collapsed"
    assert frame.loc["rl-trial-best", "truncated"] == 0.9
    assert frame.loc["rl-trial-alike", "choice"] == "recommended"
    assert table.remarks == [
        "learning_rate 3e-05 may not be chosen: its answers have collapsed: 90% of the answers are cut at the length "
        "limit."
    ]


def test_a_trial_whose_groups_teach_nothing_is_not_chosen(request_of: Request) -> None:
    """Its overlay would be refused by the gate of RL."""
    train(request_of.results, "rl-trial-best", 0.75)
    table, _ = build(request_of)
    assert table.sidecar["recommendation"]["trial"] == "rl-trial-alike"
    assert "75% of its groups had equal rewards (rl.max_zero_variance_share 50%)" in table.remarks[0]


def test_the_comparison_is_adjusted_for_the_number_of_trials(request_of: Request) -> None:
    """Of three trials each is compared at 1 − 0.05/3, whose ends have 10 of 1,200 resamples beyond them."""
    adjusted = request_of.adjusted
    assert adjusted.confidence == pytest.approx(1 - 0.05 / 3)
    assert adjusted.resamples == pytest.approx(1200, abs=1)
    assert "its interval at 98.33% since the best of 3 trials is compared" in note(request_of)


def test_retention_is_shown_where_it_was_measured(request_of: Request) -> None:
    table, _ = build(replace(request_of, retention=[CMRC]))
    assert set(table.frame()["cmrc_avg"]) == {50.0}
    assert "The benchmark is shown and decides nothing." in table.note
    assert "cmrc_avg" not in build(request_of)[0].frame()
