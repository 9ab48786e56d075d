"""What the page says first of a run: never more than its statistics allow; its curves; answers beside the reference."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from semalign.report import curves
from semalign.report.page import build
from semalign.report.request import Request
from semalign.report.verdict import Verdict, verdicts
from semalign.report.wording import gloss, pieces
from tests.unit.pages import Page
from tests.unit.report.test_report import run as run
from tests.unit.reported import TASKS, without, write_finished
from tests.unit.scored import write_lines


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Request:
    return write_finished(tmp_path_factory.mktemp("written"), [0, 1, 2])


def edited(request: Request, change: Callable[[dict[str, Any]], None]) -> Request:
    """The run with another sidecar of table 3."""
    path = request.table("table3", "json")
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return request


def of_mt(request: Request) -> Verdict:
    (found,) = [one for one in verdicts(request) if one.title == "Translation"]
    return found


def test_a_difference_is_named_where_seeds_and_items_agree(run: Request) -> None:
    # RL − strong SFT is −0.2 by the independent encoder in every seed and its interval; CMRC's goes from 0 to 50
    assert of_mt(run).sentence == (
        "Strong SFT learns more; retention inconclusive; at equal adequacy inconclusive; nothing collapsed; 3 seeds."
    )


def test_seeds_that_disagree_are_inconclusive(run: Request) -> None:
    def turn(content: dict[str, Any]) -> None:
        content["figures_by_seed"]["mt/gap"]["2"]["similarity_independent"] = 0.1

    assert of_mt(edited(run, turn)).sentence.startswith("Learning inconclusive; ")


def test_an_interval_that_holds_zero_is_inconclusive(run: Request) -> None:
    path = run.table("table3", "csv")
    rows = pd.read_csv(path)
    rows.loc[rows["model"] == "gap", "similarity_independent_high"] = 0.01
    rows.to_csv(path, index=False)
    assert of_mt(run).sentence.startswith("Learning inconclusive; ")


@pytest.mark.parametrize(
    ("collapsed", "no_gain", "said"),
    [
        ("mt/rl/1", True, "No verdict on learning, since by the audit RL is no gain over its cold start; "),
        ("mt/strong_sft/0", False, "No verdict on learning, since by the audit strong SFT has collapsed; "),
    ],
)
def test_what_has_collapsed_wins_nothing(run: Request, collapsed: str, no_gain: bool, said: str) -> None:
    def collapse(content: dict[str, Any]) -> None:
        content["audit"][collapsed] |= {"level": "collapsed", "is_no_gain": no_gain}

    found = of_mt(edited(run, collapse))
    assert found.sentence.startswith(said)
    assert "(1 of 3)" in found.sentence
    audit = next(
        check for model, of in found.checks for check in of if check.name == "audit" and "1 of 3" in check.text
    )
    assert audit.level == "collapsed"


def test_one_seed_says_nothing_of_methods(tmp_path: Path) -> None:
    found = of_mt(write_finished(tmp_path, [0]))
    assert found.sentence.startswith("Learning inconclusive; retention inconclusive; ")
    assert found.sentence.endswith("; 1 seed.")
    assert "another seed may turn it" in dict(found.evidence)["Seeds"]


def test_what_costs_more_at_equal_adequacy(run: Request) -> None:
    path = run.results / "frontier_taxes.csv"
    rows = pd.read_csv(path)
    own = (rows["method"] == "sft") & (rows["against"] == "rl") & (rows["measure"] == "end")
    for verdict, said in (
        ("costs more", "SFT costs more"),
        ("not reached", "not compared, since SFT does not get there"),
    ):
        rows.loc[own, "verdict"] = verdict
        rows.to_csv(path, index=False)
        assert f"; at equal adequacy {said}; " in of_mt(run).sentence
    rows.loc[own & (rows["cost"] == "kl_mean"), "verdict"] = "costs less"
    rows.loc[own & (rows["cost"] != "kl_mean"), "verdict"] = "costs more"
    rows.to_csv(path, index=False)
    assert "; at equal adequacy mixed; " in of_mt(run).sentence


def test_checks_lead_to_their_evidence(run: Request) -> None:
    def cut(content: dict[str, Any]) -> None:
        content["audit"]["mt/rl/0"]["figures"]["truncated"] = 0.25

    page = Page(build(edited(run, cut)))
    assert "warn 25%" in page.said()
    assert "fail 2 of 2 encoders fail" in page.said()  # AUC and retrieval of the exam lie under their bars
    assert {"#encoder-exam", "#reward-audit", "#training"} <= {a["href"] for a in page.all("a")}


def test_the_spread_of_rewards_is_told_before_the_audit_is_made(run: Request) -> None:
    for seed, last in ((0, 0.5), (1, 0.25)):
        steps = [{"step": step, "frac_reward_zero_std": last if step > 18 else 0.0} for step in range(1, 21)]
        write_lines(run.results / "mt" / "rl" / str(seed) / "training.jsonl", [*steps, {"train_runtime": 1.0}])
    made = [f"results/mt/rl/{seed}/training.jsonl" for seed in (0, 1)]
    alone = replace(without(run, "audit"), artefacts=[*run.artefacts, *made])
    (spread,) = [check for check in dict(of_mt(alone).checks)["RL"] if check.name == "spread of rewards"]
    assert (spread.level, spread.text) == ("ok", "50% of prompts without")  # of two steps of twenty, the worse seed's
    (spread,) = [
        check
        for check in dict(of_mt(replace(alone, max_zero_variance=0.4)).checks)["RL"]
        if check.name == "spread of rewards"
    ]
    assert spread.level == "collapsed"


def test_curves_tell_their_values(run: Request) -> None:
    steps = [{"step": step, "reward": step / 100} for step in range(1, 121)]
    write_lines(run.results / "mt" / "rl" / "0" / "training.jsonl", [*steps, {"step": 120, "train_runtime": 1.0}])
    write_lines(run.results / "mt" / "strong_sft" / "0" / "training.jsonl", [{"step": 1, "loss": 2.5}])
    made = [f"results/mt/{model}/0/training.jsonl" for model in ("rl", "strong_sft")]
    charts = curves.charts(replace(run, artefacts=[*run.artefacts, *made]))
    assert [chart.title for chart in charts] == ["Translation, RL: mean reward", "Translation, strong SFT: loss"]
    told = Page(charts[0].picture).texts["title"]
    assert len(told) == 60  # of two steps each: (0.01 + 0.02)/2 and so on
    assert (told[0], told[-1]) == ("seed 0, step 2: mean reward 0.0150", "seed 0, step 120: mean reward 1.1950")
    assert "seed 0, step 1: loss 2.5000" in charts[1].picture


def test_the_answer_of_the_base_stands_first(run: Request) -> None:
    cells = [a.get("data-label") for a in Page(build(run)).all("td") if a.get("role") == "cell" and "data-metric" in a]
    assert cells[:4] == ["base", "cold start", "strong SFT", "RL"]


def test_what_is_not_there_is_left_out(run: Request) -> None:
    """As after `make table1`: one task's cold start and RL."""
    shutil.rmtree(run.results / "mt" / "strong_sft")
    shutil.rmtree(run.results / "hg")
    partial = replace(run, tables=["table1"], wanted=["table1", "table3"], figures=[], artefacts=["results/table1.csv"])
    page = Page(build(partial))
    assert {a.get("data-label") for a in page.all("td") if "data-metric" in a} == {"base", "cold start", "RL"}
    assert "Table 3 (the trade-off), not made yet" in page.said()
    assert not [row for row in page.all("tr") if row.get("data-task") == "hg"]  # the base alone has answered
    assert TASKS["hg"].title in page.said()  # the run is to have it


def test_where_an_answer_departs_from_its_reference() -> None:
    assert pieces("ཨ་མས་དེབ་ཉོས།", "ཨ་མས་མེ་ཏོག་ཉོས།") == [("ཨ་མས་", True), ("དེབ་", False), ("ཉོས།", True)]
    assert pieces("他昨天来了", "他今天来了") == [("他", True), ("昨", False), ("天来了", True)]
    assert pieces("one two", "one two") == [("one two", True)]
    assert pieces("", "one") == []


def test_a_gloss_names_what_the_worlds_grammar_reads() -> None:
    assert gloss("昨天老师没有看见花", "zh") == "yesterday · teacher · see · flower · not"
    assert gloss("hello", "en") == ""
    assert gloss("ཀཀཀ", "bo") == "nothing that can be read"
