"""The frontier's arithmetic on toy curves."""

import json
from pathlib import Path

import pandas as pd
import pytest

from semalign.frontier import Match, collect, crossing, matches, note, shown
from tests.unit.scored import write_likelihood, write_run


@pytest.mark.parametrize(
    ("adequacy", "cost", "target", "expected"),
    [
        ([0.2, 0.6], [0.0, 4.0], 0.5, 3.0),
        ([0.2, 0.4, 0.6], [0.0, 1.0, 5.0], 0.5, 3.0),
        ([0.2, 0.6, 0.3, 0.9], [0.0, 4.0, 9.0, 9.0], 0.5, 3.0),  # the first crossing, not the later one
        ([0.2, 0.4], [0.0, 1.0], 0.5, None),
        ([0.5, 0.6], [2.0, 4.0], 0.5, 2.0),  # reached at the start
        ([0.2, 0.2, 0.7], [0.0, 1.0, 6.0], 0.45, 3.5),  # a flat part
        ([0.2, 0.5], [0.0, 1.0], 0.5, 1.0),
    ],
)
def test_crossing(adequacy: list[float], cost: list[float], target: float, expected: float | None) -> None:
    assert crossing(adequacy, cost, target) == (None if expected is None else pytest.approx(expected))


def test_rl_is_taxed_where_it_ends_even_past_its_best() -> None:
    points = {"sft": [(0, 0.1, 100.0), (9, 0.9, 90.0)], "rl": [(0, 0.7, 100.0), (5, 0.69, 99.0), (9, 0.68, 95.0)]}
    rows = [
        {"task": "mt", "method": m, "strength": s, "seed": 0, "similarity": a, "cmrc_avg": c}
        for m, curve in points.items()
        for s, a, c in curve
    ]
    frame = pd.DataFrame(rows).assign(similarity_independent=None, content=None, kl_mean=None)
    [only] = matches(frame)
    assert only.rl == [5.0]
    assert only.sft == pytest.approx([10 * 0.58 / 0.8])


def match(sft: list[float | None], rl: list[float]) -> Match:
    return Match("mt", "similarity", "cmrc_avg", [0.7] * len(rl), sft, rl)


def test_verdicts_follow_the_declared_rule() -> None:
    assert match([2.0, 2.1, 1.9], [0.0, 0.0, 0.0]).verdict() == "SFT costs more"
    assert match([0.0, 0.0, 0.0], [2.0, 2.1, 1.9]).verdict() == "RL costs more"
    assert match([2.0, 0.1, 0.1], [0.0, 0.0, 0.0]).verdict() == "no difference shown"  # beyond two sd it is not
    assert match([2.0, 2.0, -2.0], [0.0, 0.0, 0.0]).verdict() == "no difference shown"
    assert match([2.0, 2.0, None], [0.0, 0.0, 0.0]).verdict() == "no difference shown"
    assert match([2.0], [0.0]).verdict() == "no difference shown"


def test_seeds_that_never_reach_it_are_counted() -> None:
    found = match([2.0, None, 1.0], [0.5, 0.5, 0.5])
    assert found.record()["difference"] == [1.5, None, 0.5]
    assert found.record()["seeds_reached"] == 2
    assert "SFT costs 1.500 ± 0.707, RL 0.500 ± 0.000 points of CMRC AVG (2 of 3 seeds reach it)" in found.sentence()
    assert "in none of 2 seeds" in match([None, None], [0.5, 0.5]).sentence()


@pytest.fixture
def frame(tmp_path: Path) -> pd.DataFrame:
    def point(run: str, similarity: float, em: float, kl: float | None) -> None:
        write_run(tmp_path, run, ["mt"], [similarity] * 2, [100.0] * 2 if em == 100 else [100.0, 0.0])
        write_likelihood(tmp_path, run, [1.0, 1.0], None if kl is None else [kl, kl])

    point("base", 0.2, 100, None)
    for seed in (0, 1):
        point(f"mt/sft-10/{seed}", 0.4, 100, 0.1)
        point(f"mt/strong_sft/{seed}", 0.8, 50, 0.5)
        point(f"mt/cold_sft/{seed}", 0.3, 100, 0.05)
        point(f"mt/rl@5/{seed}", 0.5, 100, 0.06)
        point(f"mt/rl/{seed}", 0.6, 100, 0.07)
        for model, content in (("strong_sft", {"examples": 30}), ("rl", {"steps": 9})):
            (tmp_path / f"mt/{model}/{seed}/training.json").write_text(json.dumps(content))
    return collect(tmp_path, ["mt"], [0, 1], [10], [5], mechanism=True)


def test_curves_run_from_the_weakest_to_the_strongest(frame: pd.DataFrame) -> None:
    one = frame[frame["seed"] == 0]
    points = list(zip(one["method"], one["strength"], one["model"], strict=True))
    assert points[:3] == [("sft", 0, "base"), ("sft", 10, "sft-10"), ("sft", 30, "strong_sft")]
    assert points[3:] == [("rl", 0, "cold_sft"), ("rl", 5, "rl@5"), ("rl", 9, "rl")]


def test_taxes_at_rls_own_similarity(frame: pd.DataFrame) -> None:
    found = {(m.adequacy, m.cost): m for m in matches(frame)}
    cmrc = found["similarity_independent", "cmrc_avg"]
    assert cmrc.target == pytest.approx([0.6, 0.6])
    assert cmrc.sft == pytest.approx([25.0, 25.0])  # half-way from .4 to .8, where 50 points are lost
    assert cmrc.rl == pytest.approx([0.0, 0.0])
    assert cmrc.verdict() == "SFT costs more"
    kl = found["similarity", "kl_mean"]
    assert kl.sft == pytest.approx([0.3, 0.3])
    assert kl.rl == pytest.approx([0.07, 0.07])


def test_what_a_reader_sees(frame: pd.DataFrame) -> None:
    table = shown(frame)
    assert list(table["strength"]) == ["0", "10", "30", "0", "5", "9"]
    assert table["similarity"].iloc[-1] == "0.6000 ± 0.0000"
    assert "SFT costs more." in note(matches(frame))
