"""The paper's tables on scores written by hand, and the two forms for reading."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from semalign.config.audit import Thresholds
from semalign.config.statistics import Statistics
from semalign.tables.paper_request import DEFINITIONS, Request
from semalign.tables.paper_tables import build
from semalign.tables.published import published
from semalign.tables.spreadsheets import write_csv
from semalign.tables.tables import Table, frame_markdown
from tests.unit.scored import CMRC, name_metrics, write_judge, write_likelihood, write_run

SETTINGS = Statistics(resamples=200)
MODELS = ["base", "cold_sft", "strong_sft", "rl"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_run(tmp_path, "base", ["mt", "hg"], [0.1, 0.2])
    write_likelihood(tmp_path, "base", [1.0, 2.0], None)
    for task in ("mt", "hg"):
        for seed, (cold, strong, rl) in enumerate([(0.2, 0.6, 0.4), (0.3, 0.8, 0.7)]):
            for model, value in zip(MODELS[1:], (cold, strong, rl), strict=True):
                write_run(tmp_path, f"{task}/{model}/{seed}", [task], [value - 0.1, value + 0.1], [100.0, 0.0])
                write_likelihood(tmp_path, f"{task}/{model}/{seed}", [1.0, 2.0], [value, value])
            write_judge(tmp_path, task, seed, [1, 2])
    return tmp_path


def make(results: Path, table: str, tasks: list[str], models: list[str], **rewards: dict[str, float]) -> Table:
    published = {"mt": "paper_mt", "hg": "paper_hg"}
    judged = table == "table3"
    return build(Request(results, table, tasks, models, [0, 1], rewards, judged, SETTINGS, [CMRC], published=published))


def rows(table: Table) -> dict[tuple[str, str], dict[str, Any]]:
    records: list[dict[Any, Any]] = table.frame().to_dict("records")
    return {(row["task"], row["model"]): row for row in records}


def test_the_trade_off_has_its_documented_columns(results: Path) -> None:
    columns = list(make(results, "table3", ["mt", "hg"], MODELS).frame().columns)
    assert columns[:3] == ["task", "model", "metric_name"]
    assert columns[-1] == "seeds"
    for name in DEFINITIONS["table3"].of([CMRC]).figures:
        place = columns.index(name)
        assert columns[place : place + 5] == [name, *(f"{name}_{part}" for part in ("sd", "low", "high", "n"))]
    assert "metric_paper" in columns
    assert "content_paper" not in columns


def test_a_column_without_any_figure_is_not_shown_and_stays_in_the_csv(results: Path) -> None:
    table = build(Request(results, "table3", ["mt"], MODELS, [0, 1], {}, False, SETTINGS, [CMRC]))  # not judged
    assert "judge_win" not in table.lines().columns
    assert {"metric", "similarity", "cmrc_avg", "content"} <= set(table.lines().columns)
    assert table.frame()["judge_win"].isna().all()


def test_means_spread_and_gap_seed_by_seed(results: Path) -> None:
    found = rows(make(results, "table3", ["hg"], MODELS))
    strong, gap = found["hg", "strong_sft"], found["hg", "gap"]
    assert strong["metric"] == pytest.approx(0.7)
    assert strong["metric_sd"] == pytest.approx(0.141421, abs=1e-6)  # sqrt((.1² + .1²) / 1)
    assert (strong["seeds"], strong["metric_n"], strong["judge_win"]) == (2, 2, 50)
    assert gap["metric"] == pytest.approx(-0.15)  # mean of .4 - .6 and .7 - .8
    assert gap["metric_sd"] == pytest.approx(0.070711, abs=1e-6)
    assert (gap["metric_low"], gap["metric_high"]) == pytest.approx((-0.15, -0.15))  # alike on both items
    base = found["hg", "base"]
    assert base["seeds"] == 1
    assert pd.isna(base["metric_sd"])
    assert pd.isna(base["judge_win"])


def test_what_the_judge_says_of_each_model(results: Path) -> None:
    write_judge(results, "mt", 0, [1, 1, 2, 0], unparsed=1)
    write_judge(results, "mt", 1, [1, 2, 2, 0], unparsed=1)
    found = rows(make(results, "table3", ["mt"], MODELS))
    strong, rl, gap = (found["mt", model] for model in ("strong_sft", "rl", "gap"))
    names = ("judge_win", "judge_loss", "judge_tie", "judge_unparsed", "judge_net")
    assert [strong[name] for name in names] == [30.0, 30.0, 20.0, 20.0, 0.0]  # means of 40, 20; 20, 40; …; 20, -20
    assert strong["judge_net_sd"] == pytest.approx(20 * 2**0.5)
    assert (rl["judge_unparsed_n"], rl["judge_net_low"] < 0 < rl["judge_net_high"]) == (5, True)
    assert gap["judge_win"] == 0.0
    assert all(pd.isna(gap[name]) for name in names[1:])  # they are of the pair already
    assert all(pd.isna(found["mt", "cold_sft"][name]) for name in names)


def test_what_the_judge_says_of_a_model_trained_elsewhere(results: Path) -> None:
    write_run(results, "models/theirs", ["mt", "hg"], [0.1, 0.2])
    for seed, winners in ((0, [2, 2]), (1, [2, 0])):
        write_judge(results, "mt", f"theirs-strong_sft-{seed}", winners, models=("strong_sft", "theirs"))
    given, against = {"models/theirs": ["mt", "hg"]}, {"models/theirs": "strong_sft"}

    def trade_off(models: list[str], seeds: list[int], judged: bool) -> Table:
        asked = (results, "table3", ["mt"], models, seeds)
        return build(Request(*asked, {}, judged, SETTINGS, [CMRC], given=given, opponents=against if judged else {}))

    table = trade_off(["base", "strong_sft", "rl", "models/theirs"], [0, 1], True)
    found = rows(table)
    theirs, strong = found["mt", "theirs"], found["mt", "strong_sft"]
    names = ("judge_win", "judge_loss", "judge_tie", "judge_unparsed", "judge_net")
    assert [theirs[name] for name in names] == [75.0, 0.0, 25.0, 0.0, 75.0]  # means of 100 and 50; 0 and 50
    assert (theirs["judge_win_low"], theirs["judge_win_high"]) == (50.0, 100.0)  # items: 100 and 50, drawn
    assert strong["judge_win"] == 50.0  # against RL
    assert pd.isna(found["mt", "theirs - base"]["judge_win"])
    assert "figures of models trained elsewhere: theirs against strong_sft." in table.note

    assert pd.isna(rows(trade_off(["base", "models/theirs"], [0], False))["mt", "theirs"]["judge_win"])


def test_the_papers_figures_stand_beside_ours(results: Path) -> None:
    rl = rows(make(results, "table3", ["hg"], MODELS))["hg", "rl"]
    assert (rl["metric_paper"], rl["cmrc_avg_paper"]) == (0.2530, 45.10)
    assert rl["metric_difference"] == pytest.approx(0.55 - 0.2530)


@pytest.mark.parametrize(
    ("table", "task", "model", "figures"),
    [
        ("table1", "paper_mt", "rl", {"metric": 0.4519, "similarity": 0.7164}),
        ("table2", "paper_hg", "cold_sft", {"metric": 0.2204, "similarity": 0.5774}),
        ("table3", "paper_hg", "gap", {"metric": -0.0565, "cmrc_f1": -0.10, "judge_win": 16.1}),
        ("table4", "paper_hg", "fewshot-rl", {"metric": 0.1918, "similarity": 0.5690}),
        ("table5", "paper_mt", "rl-bleu_similarity", {"similarity": 0.2312}),
        ("table6a", "paper_mt", "strong_sft", {"nll_mean": 3.2504, "nll_p90": 7.3188}),
        ("table6b", "paper_mt", "rl", {"kl_median": 0.0073, "kl_p90": 0.0839}),
        ("table3", "paper_mt", "base", {}),
    ],
)
def test_published_figures(table: str, task: str, model: str, figures: dict[str, float]) -> None:
    found = published(table, task, model)
    assert {name: found[name] for name in figures} == figures
    assert bool(found) == bool(figures)


def test_published_figures_stand_only_beside_the_same_quantity() -> None:
    assert "metric" not in published("table1", "paper_mt", "rl", metric="rouge_l")
    assert published("table1", "paper_mt", "rl", metric="bleu")["metric"] == 0.4519
    assert published("table5", "paper_mt", "rl", rewards={"bleu": 1.0, "language": 1.0}) == {"similarity": 0.6375}
    assert published("table5", "paper_mt", "rl-bleu_lc", rewards={"bleu": 1.0}) == {}
    assert (
        published("table5", "paper_mt", "rl", rewards={"similarity": 1.0, "language": 1.0, "bleu": 0.0})["similarity"]
        == 0.7164
    )


def test_published_gaps_are_differences_of_published_rows() -> None:
    for task in ("paper_mt", "paper_hg"):
        gap = published("table3", task, "gap")
        rl, strong = published("table3", task, "rl"), published("table3", task, "strong_sft")
        assert {name: rl[name] - strong[name] for name in gap} == pytest.approx(gap, abs=1e-9)


def test_without_a_published_task_no_figure_is_the_papers(results: Path) -> None:
    table = build(Request(results, "table3", ["hg"], MODELS, [0, 1], {}, True, SETTINGS, [CMRC]))
    assert not any(name.endswith(("_paper", "_difference")) for name in table.frame().columns)
    assert set(table.lines()["model"]) == {*MODELS, "gap", "95% interval"}
    assert "arXiv" not in table.note
    assert table.sidecar["paper"] is None
    assert published("table3", None, "rl") == {}


def test_published_figures_are_those_of_the_tasks_that_the_config_says(results: Path) -> None:
    given = {"mt": "paper_hg"}
    table = build(Request(results, "table3", ["mt", "hg"], MODELS, [0, 1], {}, True, SETTINGS, [CMRC], published=given))
    assert rows(table)["mt", "rl"]["metric_paper"] == 0.2530  # headlines by ROUGE-L, whatever the task is called
    assert pd.isna(rows(table)["hg", "rl"]["metric_paper"])


def test_change_of_rl_from_the_cold_start(results: Path) -> None:
    found = rows(make(results, "table1", ["mt"], ["base", "cold_sft", "rl"]))
    assert found["mt", "change"]["similarity"] == pytest.approx(0.3)  # .2 and .4


def audited(results: Path, table: str, models: list[str]) -> Table:
    """The table with the audit's verdicts, by the thresholds as they come."""
    for seed in (0, 1):
        (results / f"mt/rl/{seed}/training.json").write_text("{}")
    bars = Thresholds().model_dump()
    return build(Request(results, table, ["mt"], models, [0, 1], {}, table == "table3", SETTINGS, [CMRC], bars))


def test_the_audits_verdict_is_that_of_the_worst_seed(results: Path) -> None:
    path = results / "mt/rl/1/scores/text.json"
    content = json.loads(path.read_text())
    content["mt"]["collapse"] |= {"truncated": 0.9}
    path.write_text(json.dumps(content))
    table = audited(results, "table3", MODELS)
    found = rows(table)
    assert [found["mt", model]["audit"] for model in [*MODELS, "gap"]] == ["", "ok", "ok", "collapsed", ""]
    assert list(table.frame().columns)[-2:] == ["audit", "seeds"]
    said = (
        "Audit of mt/rl/1: collapsed; no gain over its cold start, whatever its scores say: 90% of the answers are cut "
        "at the length limit."
    )
    assert table.remarks == table.sidecar["remarks"] == [said]
    assert table.sidecar["audit"]["mt/rl/0"]["level"] == "ok"
    assert table.lines()["audit"].tolist()[:4] == ["", "", "ok", ""]
    assert frame_markdown(table.lines(), table.note, table.remarks).endswith(f"\n\n{said}\n")
    assert "gain" not in {row.keys["model"] for row in audited(results, "table1", ["base", "cold_sft", "rl"]).rows}


def test_further_metrics_stand_beside_the_primary_one_with_their_intervals(results: Path) -> None:
    for run in ("base", *(f"mt/{model}/{seed}" for model in ("cold_sft", "rl") for seed in (0, 1))):
        name_metrics(results, run, "mt", ["bleu", "own:exact"])
    table = make(results, "table1", ["mt"], ["base", "cold_sft", "rl"])
    assert table.shown[:4] == ["metric", "own:exact", "chrf", "similarity"]  # chrF++ beside BLEU, named or not
    assert table.sidecar["shown"] == table.shown
    rl = rows(table)["mt", "rl"]
    assert (rl["own:exact"], rl["own:exact_n"]) == (pytest.approx(0.55), 2)
    assert (rl["own:exact_low"], rl["own:exact_high"]) == pytest.approx((0.45, 0.65))
    assert rows(table)["mt", "change"]["own:exact"] == pytest.approx(0.3)
    assert pd.isna(rl["chrf_low"])  # these scores hold no counts of n-grams


def test_a_table_of_several_tasks_has_the_metrics_of_all(results: Path) -> None:
    for model in ("cold_sft", "strong_sft", "rl"):
        for seed in (0, 1):
            name_metrics(results, f"mt/{model}/{seed}", "mt", ["rouge_l", "own:exact"])
    name_metrics(results, "base", "mt", ["rouge_l", "own:exact"])
    found = rows(make(results, "table3", ["mt", "hg"], MODELS))
    assert found["mt", "rl"]["own:exact"] == pytest.approx(0.55)
    assert pd.isna(found["hg", "rl"]["own:exact"])


def test_the_subject_names_the_tasks(results: Path) -> None:
    titles = {"hg": "headlines of news"}
    models = ["base", "cold_sft", "rl"]
    request = Request(results, "table2", ["hg"], models, [0, 1], {}, False, SETTINGS, [CMRC], titles=titles)
    assert build(request).note.startswith("Headlines of news: cold start and RL.")


def test_rewards_of_a_variant_stand_in_its_row(results: Path) -> None:
    table = make(results, "table5", ["mt"], ["rl"], rl={"similarity": 1.5, "language": 1.0})
    assert rows(table)["mt", "rl"]["rewards"] == "1.5 similarity + 1 language"


def test_noise_floor_stands_in_the_bases_place(results: Path) -> None:
    found = rows(make(results, "table6b", ["mt"], MODELS))
    assert found["mt", "noise_floor"]["kl_mean"] == 0
    assert found["mt", "rl"]["kl_p90"] == pytest.approx(0.55)
    assert rows(make(results, "table6a", ["mt"], MODELS))["mt", "base"]["nll_median"] == 1.5


def test_sidecar_holds_every_seed(results: Path) -> None:
    sidecar = make(results, "table3", ["mt"], MODELS).sidecar
    assert sidecar["figures_by_seed"]["mt/rl"]["1"]["metric"] == pytest.approx(0.7)
    assert set(sidecar["runs"]) == {"base", *(f"mt/{m}/{s}" for m in MODELS[1:] for s in (0, 1))}
    json.dumps(sidecar)


def test_a_spreadsheet_reads_numbers(results: Path) -> None:
    write_csv(results / "table3.csv", make(results, "table3", ["mt"], MODELS).frame())
    for row in csv.DictReader(io.StringIO((results / "table3.csv").read_text(encoding="utf-8"))):
        for name, cell in row.items():
            if name not in ("task", "model", "metric_name", "audit"):
                assert re.fullmatch(r"(-?\d+(\.\d+)?(e-\d+)?)?", cell), (name, cell)
