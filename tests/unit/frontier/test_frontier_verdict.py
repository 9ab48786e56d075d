"""What the frontier says of its figures, worked out by hand on toy curves."""

import math
from pathlib import Path

import pytest

from semalign.frontier import verdict
from semalign.frontier.curves import Curve
from semalign.frontier.taxes import Tax
from tests.unit.toy_frontier import CURVES, RIGHT, compared, point, write_papers


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
    assert difference("a", [2.0, 0.1, 0.1]).verdict() == "inconclusive"  # beyond two sd it is not
    assert difference("a", [2.0, 2.0, -2.0]).verdict() == "inconclusive"
    assert difference("a", [2.0, 2.0, None]).verdict() == "inconclusive"
    assert difference("a", [2.0]).verdict() == "inconclusive"
    assert difference("a", [2.0, 2.1], ends=(math.nan, math.nan)).verdict() == "inconclusive"  # of one item
    assert difference("a", [2.0, 2.1, 1.9], ends=(-0.1, 4.0)).verdict() == "inconclusive"
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
    groups = ("beats", "mixed", "costs_more", "inconclusive", "not_reached")
    assert [answer[name] for name in groups] == [["better"], ["either"], ["worse"], ["equal", "partly"], ["never"]]
    assert answer["sentence"].startswith("RL is beaten by better (-2.050 ± 0.071 nats of KL to the base). ")
    assert "Shown to cost more than RL: worse (+2.050 ± 0.071 points of CMRC AVG)." in answer["sentence"]
    assert "Inconclusive: equal, partly (reached in 1 of 2 seeds)." in answer["sentence"]
    [other] = verdict.answers([tax for tax in found if tax.method == "equal"])
    assert other["sentence"] == "No method is shown to beat RL. Inconclusive: equal."


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
