"""The audit's verdict on runs written by hand: slots against the cold start, and no gain where one is lost."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from semalign.config.audit import Thresholds
from semalign.statistics.verdicts import Verdict, of_run, remark, slots_against
from tests.unit.scored import write_run

BARS = Thresholds().model_dump()


def told(facts: list[str] | None = None, **slots: list[bool]) -> pd.DataFrame:
    """Items and what each tells of its slots, whose value is buy or the one given."""
    rows = [dict(zip(slots, values, strict=True)) for values in zip(*slots.values(), strict=True)]
    wanted = [dict.fromkeys([*slots, "place"], value) for value in facts or ["buy"] * len(rows)]
    return pd.DataFrame({"slots": rows, "facts": wanted}, index=[str(n) for n, _ in enumerate(rows)])


def test_a_slot_is_worse_by_the_exact_test_of_what_was_lost_and_won() -> None:
    before, now = told(verb=[True] * 6 + [False] * 4), told(verb=[False] * 6 + [False] * 4)
    found = slots_against(now, before, 0.95)["verb"]
    assert (found["value"], found["cold_start"], found["lost"], found["won"], found["n"]) == (0, 0.6, 6, 0, 10)
    assert found["p"] == pytest.approx(2 * 0.5**6)  # all six of six went one way
    assert found["worse"]
    assert not slots_against(now, before, 0.97)["verb"]["worse"]  # p = .031
    assert not slots_against(before, now, 0.95)["verb"]["worse"]  # better


def test_an_item_counts_for_the_slots_that_it_wants() -> None:
    before, now = told(verb=[True, True]), told(verb=[True, False])
    now["slots"].iloc[0]["place"] = before["slots"].iloc[0]["place"] = True
    found = slots_against(now, before, 0.95)
    assert (found["verb"]["n"], found["place"]["n"], found["place"]["p"]) == (2, 1, 1.0)


def test_a_value_that_is_given_up_is_worse_though_its_slot_is_better() -> None:
    """As when RL never negates: most are positive, so the share of right polarity rises."""
    facts = ["no"] * 10 + ["yes"] * 40
    before = told(facts, polarity=[True] * 10 + [False] * 30 + [True] * 10)
    now = told(facts, polarity=[False] * 10 + [True] * 40)
    found = slots_against(now, before, 0.95)["polarity"]
    assert (found["cold_start"], found["value"], found["worse"]) == (0.4, 0.8, False)
    given_up, taken = found["values"]["no"], found["values"]["yes"]
    assert (given_up["cold_start"], given_up["value"], given_up["n"], given_up["worse"]) == (1.0, 0.0, 10, True)
    assert given_up["p_holm"] == pytest.approx(2 * 0.5**10)  # the larger of two p is not multiplied
    assert not taken["worse"]


def test_the_values_of_all_slots_are_one_family() -> None:
    facts = [value for value in ("buy", "sell", "see", "find") for _ in range(6)]
    before, now = told(facts, verb=[True] * 24), told(facts, verb=[False] * 6 + [True] * 18)
    found = slots_against(now, before, 0.95)["verb"]
    assert found["values"]["buy"]["p"] == pytest.approx(2 * 0.5**6)
    assert found["values"]["buy"]["p_holm"] == pytest.approx(
        4 * 2 * 0.5**6
    )  # .125: of four values one may be as unlucky
    assert not found["values"]["buy"]["worse"]
    assert found["worse"]


def write_slots(results: Path, run: str, slots: list[bool], **figures: Any) -> None:
    """Give a run's items one slot each, and change figures of its audit."""
    folder = results / run / "scores"
    lines = [json.loads(line) for line in (folder / "text.jsonl").read_text().splitlines()]
    for row, value in zip([row for row in lines if row["testset"] == "mt"], slots, strict=True):
        row |= {"slots": {"verb": value}, "facts": {"verb": "buy"}}
    (folder / "text.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    content = json.loads((folder / "text.json").read_text())
    content["mt"]["collapse"] |= figures
    (folder / "text.json").write_text(json.dumps(content))


def judged(results: Path, slots: list[bool], training: Any = None, **figures: Any) -> Verdict:
    """RL's verdict, after a cold start that told every slot and had the lower scores."""
    for model, value in (("cold_sft", 0.2), ("rl", 0.9)):
        write_run(results, f"mt/{model}/0", ["mt"], [value] * 10)
    write_slots(results, "mt/cold_sft/0", [True] * 10)
    write_slots(results, "mt/rl/0", slots, **figures)
    return of_run(results, "mt", "rl", 0, BARS, 0.95, start="cold_sft", training=training)


def test_a_run_that_lost_a_slot_is_no_gain_though_every_score_rose(tmp_path: Path) -> None:
    found = judged(tmp_path, [False] * 8 + [True] * 2)
    assert (found.level, found.worse, found.is_no_gain) == ("warning", ["verb", "verb=buy"], True)
    assert found.reasons == [
        "the verb is right in 20% after 100% of the cold start (lost in 8 items, won in 0, p 0.0078)",
        "verb “buy” is right in 2 of 10 items after 10 of the cold start (p 0.0078, Holm)",
    ]
    assert remark(found).startswith("Audit of mt/rl/0: warning; no gain over its cold start, whatever its scores say: ")


def test_a_collapsed_run_is_no_gain_either(tmp_path: Path) -> None:
    held = {"outputs": 9, "references": 1}
    found = judged(tmp_path, [True] * 10, over_use=0.8, over_used="lost", over_used_in=held, n=10)
    assert (found.level, found.worse, found.is_no_gain) == ("collapsed", [], True)
    assert "no gain" in remark(found)


def test_a_slot_that_is_lower_by_chance_perhaps_is_told_but_decides_nothing(tmp_path: Path) -> None:
    held = {"outputs": 5, "references": 2}
    found = judged(tmp_path, [False] + [True] * 9, over_use=0.3, over_used="of", over_used_in=held, n=10)
    assert (found.level, found.is_no_gain) == ("warning", False)
    assert remark(found) == (
        "Audit of mt/rl/0: warning: “of” is in 5 of 10 answers, in 2 of the references; lower than in the cold start, "
        "but perhaps by chance: verb 100% → 90%."
    )


def test_a_run_as_it_should_be_needs_no_remark(tmp_path: Path) -> None:
    found = judged(tmp_path, [True] * 10)
    assert (found.level, found.reasons, remark(found)) == ("ok", [], "")


def test_what_is_left_of_entropy_and_diversity(tmp_path: Path) -> None:
    good = {
        "over_use": 0.0,
        "unused": 0.0,
        "lost": 0.0,
        "divergence": 0.0,
        "divergence_by_chance": 0.0,
        "length_ratio": 1.0,
    }
    bad = good | {"over_use": 0.9, "over_used": "lost", "over_used_in": {"outputs": 9, "references": 0}, "n": 10}
    tenths = [
        {"first": 1, "last": 3, "entropy": 0.5, "group_diversity": 0.8, **good},
        {"first": 4, "last": 6, "entropy": 0.1, "group_diversity": 0.6, **bad},
    ]
    found = judged(tmp_path, [True] * 10, training={"rollouts": tenths})
    assert found.figures["entropy"] == pytest.approx(0.2)
    assert found.figures["group_diversity"] == pytest.approx(0.75)
    assert found.level == "warning"
    assert [(part["first"], part["last"], part["level"]) for part in found.rollouts] == [
        (1, 3, "ok"),
        (4, 6, "collapsed"),
    ]
    json.dumps(found.content())
