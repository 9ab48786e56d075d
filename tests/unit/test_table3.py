"""Table 3's arithmetic on scores written by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from semalign.table3 import FIGURES, Scores, collect, markdown, rows

MODELS = ["cold_sft", "strong_sft", "rl"]


def write_run(results: Path, run: str, tasks: list[str], value: float) -> None:
    """A run all of whose figures are `value`, percentages a hundred times that."""
    task = {"metric": "bleu", "bleu": {"value": value}, "chrf": {"value": value}, "bleu_char": {"value": value}}
    percent = 100 * value
    cmrc = {"avg": percent, "f1": percent, "em": percent, "answer_length": 2.0}
    similarity = {"reward": {"value": value}, "independent": {"value": value}}
    folder = results / run / "scores"
    folder.mkdir(parents=True)
    (folder / "text.json").write_text(json.dumps({**dict.fromkeys(tasks, task), "cmrc": cmrc}))
    (folder / "similarity.json").write_text(json.dumps(dict.fromkeys(tasks, similarity)))


@pytest.fixture
def scores(tmp_path: Path) -> Scores:
    write_run(tmp_path, "base", ["mt"], 0.1)
    for seed, (cold, strong, rl) in enumerate([(0.2, 0.6, 0.4), (0.3, 0.8, 0.7)]):
        for model, value in zip(MODELS, (cold, strong, rl), strict=True):
            write_run(tmp_path, f"mt/{model}/{seed}", ["mt"], value)
        (tmp_path / "mt/judge").mkdir(exist_ok=True)
        wins = {"strong_sft": 50.0, "rl": 30.0 + 10 * seed}
        (tmp_path / f"mt/judge/{seed}.json").write_text(json.dumps({"win": wins, "n": 10}))
    return collect(tmp_path, ["mt"], MODELS, [0, 1], judged=True)


def row(scores: Scores, model: str) -> Any:
    return next(row for row in rows(scores).to_dict("records") if row["model"] == model)


def test_columns_are_the_documented_ones_each_figure_with_its_sd(scores: Scores) -> None:
    columns = list(rows(scores).columns)
    assert columns[:3] == ["task", "model", "metric_name"]
    assert columns[-1] == "seeds"
    assert columns[3:-1] == [name + end for name in FIGURES for end in ("", "_sd")]
    assert list(rows(scores)["model"]) == ["base", "cold_sft", "strong_sft", "rl", "gap"]


def test_means_and_standard_deviations(scores: Scores) -> None:
    strong = row(scores, "strong_sft")
    assert strong["metric"] == pytest.approx(0.7)
    assert strong["metric_sd"] == pytest.approx(0.141421, abs=1e-6)  # sqrt((.1² + .1²) / 1)
    assert strong["cmrc_em"] == pytest.approx(70)
    assert strong["seeds"] == 2


def test_gap_is_taken_seed_by_seed(scores: Scores) -> None:
    gap = row(scores, "gap")
    assert gap["metric"] == pytest.approx(-0.15)  # mean of .4 - .6 and .7 - .8
    assert gap["metric_sd"] == pytest.approx(0.070711, abs=1e-6)
    assert gap["judge_win"] == pytest.approx(-15)


def test_the_base_has_one_run_and_no_judge(scores: Scores) -> None:
    base = row(scores, "base")
    assert base["seeds"] == 1
    assert base["metric"] == pytest.approx(0.1)
    assert base["metric_sd"] != base["metric_sd"]  # nan
    assert base["judge_win"] != base["judge_win"]


def test_what_does_not_exist_is_empty(scores: Scores) -> None:
    csv = rows(scores).to_csv(index=False).splitlines()
    header, base = csv[0].split(","), csv[1].split(",")
    assert base[header.index("judge_win")] == base[header.index("metric_sd")] == ""
    text = markdown(rows(scores))
    assert "| mt (bleu) | gap | -0.1500 ± 0.0707 |" in text
    assert "nan" not in text


def test_sidecar_has_every_seed(scores: Scores) -> None:
    sidecar = scores.sidecar()
    assert [f["metric"] for f in sidecar["figures_by_seed"]["mt/rl"].values()] == [0.4, 0.7]
    assert sidecar["runs"]["mt/judge/1"]["n"] == 10
