"""The frontier on toy curves: its arithmetic and its resamples, worked out by hand."""

import math
from pathlib import Path

import numpy as np
import pytest

from semalign.frontier import verdict
from semalign.frontier.curves import Curve, collect, in_order, mean_tax, reach, shown, tax_at
from semalign.runtime.errors import InputError
from semalign.statistics.bootstrap import ends
from tests.unit.scored import CMRC
from tests.unit.toy_frontier import CURVES, HALF, ONE_PASSAGE, RESAMPLES, RIGHT, compared, one, point, write_papers


@pytest.mark.parametrize(
    ("adequacy", "tax", "target", "expected"),
    [
        ([0.2, 0.6], [0.0, 4.0], 0.5, 3.0),
        ([0.2, 0.4, 0.6], [0.0, 1.0, 5.0], 0.5, 3.0),
        ([0.2, 0.6, 0.3, 0.9], [0.0, 4.0, 9.0, 9.0], 0.5, 3.0),  # the first crossing, not the later one
        ([0.2, 0.4], [0.0, 1.0], 0.5, math.inf),
        ([0.5, 0.6], [2.0, 4.0], 0.5, 2.0),  # reached at the start
        ([0.2, 0.2, 0.7], [0.0, 1.0, 6.0], 0.45, 3.5),  # a flat part
        ([0.2, 0.5], [0.0, 1.0], 0.5, 1.0),
    ],
)
def test_the_tax_where_a_curve_first_reaches_an_adequacy(
    adequacy: list[float], tax: list[float], target: float, expected: float
) -> None:
    assert float(tax_at(adequacy, tax, target)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("adequacy", "tax", "low", "high", "expected"),
    [
        ([0.2, 0.6], [0.0, 4.0], 0.2, 0.6, 2.0),
        ([0.2, 0.6], [0.0, 4.0], 0.4, 0.6, 3.0),  # from 2 to 4
        ([0.2, 0.4, 0.6], [0.0, 1.0, 5.0], 0.3, 0.5, 1.375),  # (0.5 + 1)/2 and (1 + 3)/2, as wide
        ([0.2, 0.6, 0.3, 0.9], [0.0, 4.0, 9.0, 9.0], 0.2, 0.9, 5.0),  # 0.4 · 2 and 0.3 · 9, over 0.7
        ([0.5, 0.6], [2.0, 4.0], 0.3, 0.6, 0.7 / 0.3),  # 0.2 · 2 before its start, then 0.1 · 3
        ([0.7, 0.9], [2.0, 4.0], 0.3, 0.6, 2.0),  # it begins beyond the range
        ([0.2, 0.9], [0.0, 7.0], 0.2, 0.4, 1.0),  # it goes on beyond it
        ([0.2, 0.5], [0.0, 4.0], 0.2, 0.6, math.inf),
    ],
)
def test_the_area_is_the_mean_tax_over_the_range(
    adequacy: list[float], tax: list[float], low: float, high: float, expected: float
) -> None:
    assert float(mean_tax(adequacy, tax, low, high)) == pytest.approx(expected)


def test_there_is_no_area_where_rl_gains_nothing() -> None:
    assert np.isnan(mean_tax([[0.2, 0.6], [0.2, 0.6]], [[0.0, 4.0], [0.0, 4.0]], [0.5, 0.5], [0.5, 0.4])).all()


def test_how_far_a_curve_goes() -> None:
    assert float(reach([0.1, 0.5, 0.3], 0.3, 0.7)) == pytest.approx(0.5)
    assert float(reach([0.1, 0.2], 0.3, 0.7)) == 0.0
    assert float(reach([0.1, 0.9], 0.3, 0.7)) == 1.0
    assert np.isnan(reach([0.1, 0.9], 0.7, 0.7))


def test_curves_are_taken_together() -> None:
    adequacy = np.array([[0.2, 0.6], [0.2, 0.4]])
    assert tax_at(adequacy, np.array([[0.0, 4.0], [0.0, 1.0]]), np.array([0.5, 0.3])).tolist() == pytest.approx(
        [3.0, 0.5]
    )


def test_the_papers_methods_come_first() -> None:
    curve: Curve = {"unit": "pairs", "points": []}
    assert list(in_order(dict.fromkeys(["dpo", "rl", "best_of_n", "sft"], curve))) == ["sft", "rl", "best_of_n", "dpo"]


def test_an_interval_of_what_may_be_infinite() -> None:
    assert ends(np.arange(101.0), 0.9) == pytest.approx((5.0, 95.0))
    assert ends(np.array([1.0, math.inf, 0.0, 2.0]), 0.95) == pytest.approx((0.075, math.inf))
    assert ends(np.array([-math.inf, math.inf, 0.0, math.inf]), 0.5) == (-math.inf, math.inf)


# Curves of runs


def test_points_run_from_the_weakest_to_the_strongest(tmp_path: Path) -> None:
    write_papers(tmp_path)
    frame = collect(tmp_path, ["mt"], [0, 1], CURVES, forgetting=True, retention=[CMRC])
    first = frame[frame["seed"] == 0]
    points = list(zip(first["method"], first["place"], first["strength"], first["model"], strict=True))
    assert points[:3] == [("sft", 0, 0, "base"), ("sft", 1, 10, "sft-10"), ("sft", 2, 30, "strong_sft")]
    assert points[3:] == [("rl", 0, 0, "cold_sft"), ("rl", 1, 5, "rl@5"), ("rl", 2, 9, "rl")]
    table = shown(frame)
    assert list(table["strength"]) == ["0", "10", "30", "0", "5", "9"]
    assert table["similarity"].iloc[-1] == "0.6000 ± 0.0000"


def test_strengths_may_fall_or_be_unknown(tmp_path: Path) -> None:
    write_papers(tmp_path, (0,))
    weaker: Curve = {"unit": "β", "points": [(None, "cold_sft"), (0.1, "rl@5"), (0, "rl")]}
    (tmp_path / "mt/cold_sft/0/training.json").write_text('{"steps": 3}')
    frame = collect(tmp_path, ["mt"], [0], {"grpo_kl": weaker}, forgetting=True, retention=[CMRC])
    assert frame["strength"].fillna(-1).tolist() == [-1, 0.1, 0]
    assert list(shown(frame)["strength"]) == ["", "0.1", "0"]


def test_taxes_at_rls_end_and_on_the_way(tmp_path: Path) -> None:
    write_papers(tmp_path)
    found = compared(tmp_path)
    # SFT is at .6 half-way from .4 to .8, where comprehension falls by 50 points and the KL rises from .1 to .5
    assert one(found, "end", "sft").values == pytest.approx([25.0, 25.0])
    assert one(found, "end", "rl").values == pytest.approx([0.0, 0.0])
    assert one(found, "end", "sft", cost="kl_mean").values == pytest.approx([0.3, 0.3])
    assert one(found, "end", "rl", cost="kl_mean").values == pytest.approx([0.07, 0.07])
    # from .3 to .6 its tax is 0 up to .4 and rises to 25: .2 · 12.5 over .3
    assert one(found, "area", "sft").values == pytest.approx([2.5 / 0.3] * 2)
    # RL's KL: .2 of the way at .055 on average, .1 at .065
    assert one(found, "area", "rl", cost="kl_mean").values == pytest.approx([(0.2 * 0.055 + 0.1 * 0.065) / 0.3] * 2)
    # SFT's: from .05 at .3 to .1 at .4, then to .3 at .6
    area = (0.1 * 0.075 + 0.2 * 0.2) / 0.3
    assert one(found, "area", "sft", "rl", "kl_mean").values == pytest.approx([area - 0.0175 / 0.3] * 2)
    # in every passage half of the questions is lost, so that no resample differs
    end = one(found, "end", "sft", "rl")
    assert (end.low, end.high) == pytest.approx((25.0, 25.0))
    assert end.verdict() == "costs more"


def test_rl_is_taxed_where_it_ends_even_past_its_best(tmp_path: Path) -> None:
    write_papers(tmp_path, (0,))
    point(tmp_path, "mt/late/0", [0.48] * 2, HALF, [0.2] * 4)
    past: dict[str, Curve] = {**CURVES, "rl": {"unit": "steps", "points": [(0, "cold_sft"), (5, "rl@5"), (9, "late")]}}
    found = compared(tmp_path, past, (0,))
    assert one(found, "end", "rl").values == [50.0]
    assert one(found, "area", "rl").values == [0.0]  # as any curve's: where it first gets there


def test_a_difference_that_hangs_on_one_passage_is_none(tmp_path: Path) -> None:
    """All seeds agree to the last digit; but of two passages, strong SFT loses one whole: a resample may lack it."""
    write_papers(tmp_path, strong=ONE_PASSAGE)
    end = one(compared(tmp_path), "end", "sft", "rl")
    assert end.values == pytest.approx([25.0, 25.0])
    assert (end.low, end.high) == pytest.approx((0.0, 50.0))
    assert end.verdict() == "inconclusive"


def test_what_never_gets_there_is_not_compared(tmp_path: Path) -> None:
    write_papers(tmp_path)
    for seed, similarity in ((0, 0.45), (1, 0.6)):
        point(tmp_path, f"mt/mbr@4/{seed}", [similarity] * 2, RIGHT, [0.05] * 4)
    decoded: Curve = {"unit": "samples", "points": [(0, "cold_sft"), (4, "mbr@4")]}
    tax = one(compared(tmp_path, CURVES | {"mbr": decoded}), "end", "mbr", "rl")
    assert tax.values == [None, 0.0]
    assert tax.reach == pytest.approx([0.5, 1.0])
    assert (tax.low, tax.high, tax.unreached) == (None, None, RESAMPLES)
    assert tax.verdict() == "inconclusive"
    only_one = compared(tmp_path, CURVES | {"mbr": decoded}, (0,))
    assert one(only_one, "end", "mbr", "rl").verdict() == "not reached"
    assert one(only_one, "area", "mbr", cost="kl_mean").mean is None


def test_areas_are_compared_over_what_both_go_of_the_way(tmp_path: Path) -> None:
    write_papers(tmp_path)
    for seed in (0, 1):
        point(tmp_path, f"mt/mbr@4/{seed}", [0.45] * 2, RIGHT, [0.05] * 4)
        point(tmp_path, f"mt/none@1/{seed}", [0.25] * 2, RIGHT, [0.05] * 4)
    decoded: Curve = {"unit": "samples", "points": [(0, "cold_sft"), (4, "mbr@4")]}
    still: Curve = {"unit": "pairs", "points": [(0, "cold_sft"), (1, "none@1")]}
    below: Curve = {"unit": "pairs", "points": [(0, "base"), (1, "none@1")]}
    found = compared(tmp_path, CURVES | {"mbr": decoded, "still": still, "below": below})
    # SFT's KL is .05 at .3, half-way from the base, .1 at .4 and .15 at .45
    of_sft = (0.1 * 0.075 + 0.05 * 0.125) / 0.15
    assert one(found, "area", "mbr", "sft", "kl_mean").values == pytest.approx([0.05 - of_sft] * 2)
    # RL's from .05 to .0575
    assert one(found, "area", "mbr", "rl", "kl_mean").values == pytest.approx([0.05 - 0.05375] * 2)
    assert one(found, "area", "mbr", "rl", "kl_mean").verdict() == "costs less"
    assert one(found, "area", "mbr", cost="kl_mean").values == [None, None]
    # what never leaves the cold start is compared there, and what never gets so far not at all
    assert one(found, "area", "still", "sft", "kl_mean").values == pytest.approx([0.0, 0.0], abs=1e-12)
    assert one(found, "area", "below", "sft", "kl_mean").verdict() == "not reached"


def test_resamples_in_which_it_does_not_get_there_leave_the_interval_open(tmp_path: Path) -> None:
    """Its similarity is 1.2 in one item and 0 in the other: a quarter of the resamples has the latter twice."""
    write_papers(tmp_path)
    for seed in (0, 1):
        point(tmp_path, f"mt/dpo@9/{seed}", [1.2, 0.0], HALF, [0.2] * 4)
    curve: Curve = {"unit": "prompts", "points": [(0, "cold_sft"), (9, "dpo@9")]}
    tax = one(compared(tmp_path, CURVES | {"dpo": curve}), "end", "dpo")
    assert tax.values == pytest.approx([50.0, 50.0])
    assert tax.high is None
    assert tax.low == pytest.approx(50 / 3)  # drawn twice, 1.2 is reached a third of the way
    assert RESAMPLES / 8 < tax.unreached < RESAMPLES / 2


def test_nothing_is_compared_on_the_way_where_rl_gains_nothing(tmp_path: Path) -> None:
    write_papers(tmp_path)
    still: dict[str, Curve] = {**CURVES, "rl": {"unit": "steps", "points": [(0, "cold_sft"), (9, "cold_sft")]}}
    tax = one(compared(tmp_path, still), "area", "sft", "rl")
    assert tax.values == [None, None]
    assert tax.undefined == RESAMPLES
    assert tax.record()["reach"] is None
    assert verdict.note(compared(tmp_path, still), 2)


def test_every_method_is_compared_with_rl_and_with_sft(tmp_path: Path) -> None:
    write_papers(tmp_path)
    curves = CURVES | {"again": CURVES["rl"]}
    found = compared(tmp_path, curves)
    pairs = [(t.method, t.against) for t in found if t.primary and t.measure == "area" and t.cost == "kl_mean"]
    assert pairs == [("sft", None), ("rl", None), ("again", None), ("sft", "rl"), ("again", "rl"), ("again", "sft")]
    assert one(found, "end", "again", "rl", "kl_mean").values == [0.0, 0.0]
    assert one(found, "end", "again", "rl", "kl_mean").verdict() == "inconclusive"
    assert one(found, "end", "again", "sft", "kl_mean").values == pytest.approx([-0.23, -0.23])
    assert one(found, "end", "again", "sft", "kl_mean").verdict() == "costs less"
    assert {tax.adequacy for tax in found if not tax.primary} == {"similarity", "content"}


def test_runs_of_other_items_are_refused(tmp_path: Path) -> None:
    write_papers(tmp_path)
    for name in ("text", "similarity"):
        path = tmp_path / f"mt/rl/1/scores/{name}.jsonl"
        path.write_text(path.read_text().replace('"testset": "mt", "id": "1"', '"testset": "mt", "id": "2"'))
    with pytest.raises(InputError, match="mt/rl/1 and base were not measured on the same items"):
        compared(tmp_path)


def test_figures_are_the_score_files_own(tmp_path: Path) -> None:
    """What is resampled and what is tabulated come from two kinds of files."""
    write_papers(tmp_path)
    frame = collect(tmp_path, ["mt"], [0, 1], CURVES, forgetting=True, retention=[CMRC])
    base, strong = (frame[frame["model"] == model].iloc[0] for model in ("base", "strong_sft"))
    only: dict[str, Curve] = {**CURVES, "rl": {"unit": "pairs", "points": [(0, "sft-10"), (9, "strong_sft")]}}
    found = compared(tmp_path, only)
    assert one(found, "end", "rl").values == pytest.approx([base["cmrc_avg"] - strong["cmrc_avg"]] * 2)
    assert one(found, "end", "rl", cost="kl_mean").values == pytest.approx([strong["kl_mean"]] * 2)
