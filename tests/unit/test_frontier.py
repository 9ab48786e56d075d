"""The frontier on toy curves: its arithmetic, its resamples and what it says, all worked out by hand."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from semalign.config.experiments import Statistics
from semalign.errors import InputError
from semalign.frontier import verdict
from semalign.frontier.curves import Curve, collect, in_order, mean_tax, reach, shown, tax_at
from semalign.frontier.resampling import interval
from semalign.frontier.taxes import Request, Tax, taxes
from tests.unit.scored import write_likelihood, write_run

RESAMPLES = 200
CURVES: dict[str, Curve] = {
    "sft": {"unit": "pairs", "points": [(0, "base"), (10, "sft-10"), (None, "strong_sft")]},
    "rl": {"unit": "steps", "points": [(0, "cold_sft"), (5, "rl@5"), (None, "rl")]},
}
RIGHT, HALF = [100.0, 100.0, 100.0, 100.0], [100.0, 0.0, 100.0, 0.0]  # two questions a passage
ONE_PASSAGE = [100.0, 100.0, 0.0, 0.0]


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


def test_an_interval_has_values_drawn_as_its_ends() -> None:
    assert interval(np.arange(101.0), 0.9) == (5.0, 95.0)
    assert interval(np.array([1.0, math.inf, 0.0, 2.0]), 0.95) == (0.0, math.inf)


# Curves of runs


def point(results: Path, run: str, similarity: list[float], em: list[float], kl: list[float] | None) -> None:
    write_run(results, run, ["mt"], similarity, em)
    write_likelihood(results, run, [1.0] * 4, kl)


def write_papers(results: Path, seeds: tuple[int, ...] = (0, 1), strong: list[float] = HALF) -> None:
    """SFT at .2, .4, .8 and RL at .3, .5, .6 in every item; only strong SFT loses comprehension, half of it."""
    point(results, "base", [0.2] * 2, RIGHT, None)
    for seed in seeds:
        point(results, f"mt/sft-10/{seed}", [0.4] * 2, RIGHT, [0.1] * 4)
        point(results, f"mt/strong_sft/{seed}", [0.8] * 2, strong, [0.5] * 4)
        point(results, f"mt/cold_sft/{seed}", [0.3] * 2, RIGHT, [0.05] * 4)
        point(results, f"mt/rl@5/{seed}", [0.5] * 2, RIGHT, [0.06] * 4)
        point(results, f"mt/rl/{seed}", [0.6] * 2, RIGHT, [0.07] * 4)
        for model, content in (("strong_sft", {"examples": 30}), ("rl", {"steps": 9})):
            (results / f"mt/{model}/{seed}/training.json").write_text(json.dumps(content))


def compared(results: Path, curves: dict[str, Curve] = CURVES, seeds: tuple[int, ...] = (0, 1)) -> list[Tax]:
    statistics = Statistics(resamples=RESAMPLES)
    return taxes(Request(results, ["mt"], list(seeds), curves, mechanism=True, statistics=statistics))


def one(found: list[Tax], measure: str, method: str, against: str | None = None, cost: str = "cmrc_avg") -> Tax:
    """By the declared adequacy."""
    [only] = [
        tax
        for tax in found
        if (tax.primary, tax.measure, tax.method, tax.against, tax.cost) == (True, measure, method, against, cost)
    ]
    return only


def test_points_run_from_the_weakest_to_the_strongest(tmp_path: Path) -> None:
    write_papers(tmp_path)
    frame = collect(tmp_path, ["mt"], [0, 1], CURVES, mechanism=True)
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
    frame = collect(tmp_path, ["mt"], [0], {"grpo_kl": weaker}, mechanism=True)
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
    assert end.verdict() == "no difference shown"


def test_what_never_gets_there_is_not_compared(tmp_path: Path) -> None:
    write_papers(tmp_path)
    for seed, similarity in ((0, 0.45), (1, 0.6)):
        point(tmp_path, f"mt/mbr@4/{seed}", [similarity] * 2, RIGHT, [0.05] * 4)
    decoded: Curve = {"unit": "samples", "points": [(0, "cold_sft"), (4, "mbr@4")]}
    tax = one(compared(tmp_path, CURVES | {"mbr": decoded}), "end", "mbr", "rl")
    assert tax.values == [None, 0.0]
    assert tax.reach == pytest.approx([0.5, 1.0])
    assert (tax.low, tax.high, tax.unreached) == (None, None, RESAMPLES)
    assert tax.verdict() == "no difference shown"
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
    assert one(found, "end", "again", "rl", "kl_mean").verdict() == "no difference shown"
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


# What it says


def difference(
    method: str, values: list[float | None], cost: str = "kl_mean", ends: tuple[float, float] | None = None
) -> Tax:
    """From RL's tax at its end; by default the interval reaches from the smallest to the largest seed's."""
    known = [value for value in values if value is not None]
    low, high = ends or ((min(known), max(known)) if len(known) == len(values) else (None, None))
    shares: list[float | None] = [0.5 if value is None else 1.0 for value in values]
    return Tax("mt", "similarity_independent", cost, "end", method, "rl", values, low, high, 0, 0, shares)


def test_the_rule_asks_for_all_seeds_one_sign_two_deviations_and_the_items() -> None:
    assert difference("a", [2.0, 2.1, 1.9]).verdict() == "costs more"
    assert difference("a", [-2.0, -2.1, -1.9]).verdict() == "costs less"
    assert difference("a", [2.0, 0.1, 0.1]).verdict() == "no difference shown"  # beyond two sd it is not
    assert difference("a", [2.0, 2.0, -2.0]).verdict() == "no difference shown"
    assert difference("a", [2.0, 2.0, None]).verdict() == "no difference shown"
    assert difference("a", [2.0]).verdict() == "no difference shown"
    assert difference("a", [2.0, 2.1, 1.9], ends=(-0.1, 4.0)).verdict() == "no difference shown"
    assert difference("a", [None, None]).verdict() == "not reached"


def test_whether_any_method_beats_rl_is_said_either_way() -> None:
    nothing, less, more = [0.1, -0.1], [-2.0, -2.1], [2.0, 2.1]
    costs: dict[str, tuple[list[float | None], list[float | None]]] = {
        "better": ([*nothing], [*less]),
        "either": ([*more], [*less]),
        "worse": ([*more], [*nothing]),
        "equal": ([*nothing], [*nothing]),
        "partly": ([1.0, None], [1.0, None]),
        "never": ([None, None], [None, None]),
    }
    found = [
        difference(method, values, cost)
        for method, pair in costs.items()
        for cost, values in zip(("cmrc_avg", "kl_mean"), pair, strict=True)
    ]
    [answer] = verdict.answers(found)
    groups = ("beats", "mixed", "dearer", "open", "short")
    assert [answer[name] for name in groups] == [["better"], ["either"], ["worse"], ["equal", "partly"], ["never"]]
    assert answer["sentence"].startswith("RL is beaten by better (-2.050 ± 0.071 nats of KL to the base). ")
    assert "Shown to cost more than RL: worse (+2.050 ± 0.071 points of CMRC AVG)." in answer["sentence"]
    assert "No difference shown: equal, partly (reached in 1 of 2 seeds)." in answer["sentence"]
    [other] = verdict.answers([tax for tax in found if tax.method == "equal"])
    assert other["sentence"] == "No method is shown to beat RL. No difference shown: equal."


def test_methods_stand_by_their_area(tmp_path: Path) -> None:
    write_papers(tmp_path)
    for seed in (0, 1):
        point(tmp_path, f"mt/mbr@4/{seed}", [0.45] * 2, RIGHT, [0.05] * 4)
    curve: Curve = {"unit": "samples", "points": [(0, "cold_sft"), (4, "mbr@4")]}
    found = compared(tmp_path, CURVES | {"mbr": curve})
    table = verdict.table(found)
    assert list(table["method"]) == ["rl", "sft", "mbr", "rl", "sft", "mbr"]
    assert list(table["way"]) == ["100%", "100%", "50%"] * 2
    assert table.loc[1, "area − rl"] == "+8.333 ± 0.000 [8.333, 8.333]"
    assert table.loc[1, "end, verdict on rl"] == "costs more"
    assert table.loc[2, "end, verdict on rl"] == "not reached"
    first, second = verdict.order(found)
    assert first == (
        "mt, mean tax from the cold start's adequacy to RL's, in points of CMRC AVG, the least first: "
        "rl 0.000 ± 0.000, sft 8.333 ± 0.000. "
        "Without one, since they do not get there in all seeds: mbr (0 of 2 seeds)."
    )
    assert "rl 0.058 ± 0.000, sft 0.158 ± 0.000" in second
    text = verdict.note(found, 2)
    assert "mt, at the adequacy that RL ends with: No method is shown to beat RL." in text
    assert "mt, at the adequacy that RL ends with: No method is shown to beat SFT." in text
    assert "In no seed as adequate as RL in the end, and so not compared there: mbr (50% of the way)." in text
    # three pairs, two measures, two costs
    assert "By the declared measure 12 comparisons were made, of which " in text
    assert "the verdicts rest on 6 of them, at RL's end, of which " in text


def test_what_chance_makes_of_the_rule() -> None:
    # Student's t with one degree of freedom is Cauchy's; with two it has the distribution x / √(2 + x²)
    assert verdict.chance(2) == pytest.approx(1 - 2 / math.pi * math.atan(2 * math.sqrt(2)))
    assert verdict.chance(3) == pytest.approx(1 - math.sqrt(12 / 14))
    text = verdict.multiplicity([difference("a", [0.1, -0.1, 0.0]), difference("b", [2.0, 2.1, 1.9])], 3)
    assert "By the declared measure 2 comparisons were made, of which 1 show a difference" in text
    assert "rest on 2 of them, at RL's end, of which 1 do. Of 0 exploratory ones" in text
    assert "calls 7.4% of comparisons a difference, 0.1 of 2" in text
    assert verdict.multiplicity([difference("a", [2.0])], 1).endswith("One seed can show no difference.")


def test_figures_are_the_score_files_own(tmp_path: Path) -> None:
    """What is resampled and what is tabulated come from two kinds of files."""
    write_papers(tmp_path)
    frame = collect(tmp_path, ["mt"], [0, 1], CURVES, mechanism=True)
    base, strong = (frame[frame["model"] == model].iloc[0] for model in ("base", "strong_sft"))
    only: dict[str, Curve] = {**CURVES, "rl": {"unit": "pairs", "points": [(0, "sft-10"), (9, "strong_sft")]}}
    found = compared(tmp_path, only)
    assert one(found, "end", "rl").values == pytest.approx([base["cmrc_avg"] - strong["cmrc_avg"]] * 2)
    assert one(found, "end", "rl", cost="kl_mean").values == pytest.approx([strong["kl_mean"]] * 2)
    assert isinstance(frame, pd.DataFrame)
