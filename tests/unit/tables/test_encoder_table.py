"""Reward encoders compared on runs written by hand: figures, differences, verdicts, and what the note says of them."""

import json
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest

from semalign.config.models import ExamThresholds
from semalign.config.statistics import Statistics
from semalign.statistics.differences import NONE
from semalign.tables.encoder_table import Request, build, exam_figures, made
from tests.unit.scored import CMRC, write_run

BARS = ExamThresholds.model_validate(
    {"retrieval": 0.9, "spearman": 0.8, "auc": 0.4, "inequality": {"negated": 0.9, "truncated": 0.9}}
)
ITEMS = [0.5, 0.25, 0.75, 0.5]  # mean 0.5
KINDS = ("negated", "truncated", "reordered")


def exam(retrieval: float, *shares: float) -> dict[str, Any]:
    """Both ways of retrieval, of which the second is the lower; and the share of each kind of hard negative."""
    return {
        "retrieval": {"n": 30, "source_to_target": 1.0, "target_to_source": retrieval},
        "spearman": {"n": 60, "value": 0.85, "ceiling": 0.9},
        "auc": [
            {"higher": "a", "lower": "b", "n": [10, 20], "auc": 0.75},
            {"higher": "b", "lower": "c", "n": [20, 5], "auc": 0.5},
        ],
        "inequalities": {kind: {"n": 7, "share": share} for kind, share in zip(KINDS, shares, strict=True)},
    }


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def request_of(tmp_path: Path) -> Request:
    """Two seeds. RL with `raw` is 0.125 and 0.25 below rl on every item, with `other` above in one seed alone."""
    reached = {"rl": (0.0, 0.125), "rl-encoder-raw": (-0.125, -0.125), "rl-encoder-other": (0.125, 0.0)}
    for model, shifts in reached.items():
        for seed, shift in enumerate(shifts):
            run = f"hg/{model}/{seed}"
            write_run(tmp_path, run, ["hg"], [value + shift for value in ITEMS], [100.0, 100.0, 0.0, 100.0])
            record = {"mean_reward_first_tenth": 1.0, "mean_reward_last_tenth": 1.5 + seed}
            write(tmp_path / run / "training.json", record | {"zero_variance_group_share": 0.25})
    record = {"rows": 64, "hard_negatives": True, "tuned": True, "steps": 2}
    for name, changes, report in (
        ("reward", {}, exam(0.95, 1.0, 0.95, 0.1)),
        ("raw", {"tuned": False, "steps": 0}, exam(0.25, 0.5, 0.75, 0.1)),
        ("other", {"hard_negatives": False}, exam(0.9, 0.9, 0.9, 0.1)),
    ):
        write(tmp_path / "encoders" / name / "training.json", record | changes)
        write(tmp_path / "encoders" / name / "exam.json", report)
    return Request(
        tmp_path,
        "hg",
        {"other": "rl-encoder-other", "raw": "rl-encoder-raw", "reward": "rl"},
        dict.fromkeys(("reward", "raw", "other"), "bert of random weights"),
        [0, 1],
        BARS,
        Statistics(resamples=200),
        [CMRC],
    )


def test_exam_figures_are_the_lowest_of_each_part() -> None:
    found = exam_figures(exam(0.25, 0.75, 0.5, 0.1), BARS)
    assert {name: (cell.values, cell.n) for name, cell in found.items()} == {
        "retrieval": ([0.25], 30),
        "spearman": ([0.85], 60),
        "auc": ([0.5], 25),
        "hard_negatives": ([0.5], 7),  # of those with a bar: reordered has none
    }
    without_bars = BARS.model_copy(update={"inequality": {}})
    assert exam_figures(exam(0.25, 0.75, 0.5, 0.1), without_bars)["hard_negatives"].values == [0.1]
    nothing = exam(1.0, 1.0, 1.0, 1.0) | {"auc": [], "inequalities": {kind: {"n": 0, "share": None} for kind in KINDS}}
    assert exam_figures(nothing, BARS).keys() == {"retrieval", "spearman"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tuned": False}, "cino, not tuned"),
        ({}, "cino, tuned on 9 triplets with a hard negative in 3 steps"),
        ({"hard_negatives": False}, "cino, tuned on 9 pairs in 3 steps"),
    ],
)
def test_an_encoder_in_words(changes: dict[str, Any], words: str) -> None:
    assert made("cino", {"rows": 9, "hard_negatives": True, "tuned": True, "steps": 3} | changes) == words


def test_rows_and_differences_by_hand(request_of: Request) -> None:
    frame = build(request_of).frame()
    assert list(zip(frame["encoder"], frame["model"], frame["exam"], strict=True)) == [
        ("reward", "rl", "passes"),
        ("other", "rl-encoder-other", "passes"),
        ("other", "difference", ""),
        ("raw", "rl-encoder-raw", "fails"),
        ("raw", "difference", ""),
    ]
    rl, _, _, raw, less = frame.to_dict("records")
    assert rl["made"] == "bert of random weights, tuned on 64 triplets with a hard negative in 2 steps"
    assert raw["made"] == "bert of random weights, not tuned"
    assert (rl["retrieval"], raw["retrieval"], raw["retrieval_n"]) == (0.95, 0.25, 30)
    assert rl["similarity_independent"] == pytest.approx(fmean([0.5, 0.625]))
    assert rl["similarity_independent_sd"] == pytest.approx(stdev([0.5, 0.625]))
    assert less["similarity_independent"] == pytest.approx(fmean([-0.125, -0.25]))
    assert less["similarity_independent_sd"] == pytest.approx(stdev([-0.125, -0.25]))
    # every item differs by as much, so the resampled difference is always the same
    assert less["similarity_independent_low"] == less["similarity_independent_high"] == pytest.approx(-0.1875)
    assert (less["cmrc_avg"], less["cmrc_avg_n"]) == (0.0, 4)
    assert (rl["reward_first"], rl["reward_last"], rl["zero_variance"]) == (1.0, 2.0, 0.25)


def test_the_note_says_what_the_figures_say(request_of: Request) -> None:
    table = build(request_of)
    _, rule, *said, summary = table.note.split("\n\n")
    assert "6 comparisons were made, unadjusted" in rule  # two encoders, three measures
    assert said[0].startswith("reward (")
    assert said[0].endswith("passes the exam.")
    of_raw = next(sentence for sentence in said if sentence.startswith("raw"))
    assert (
        "fails the exam (retrieval.target_to_source is 0.250, its threshold 0.900; inequality.negated is 0.500"
        in of_raw
    )
    # −0.125 and −0.25: the mean −0.1875 lies beyond two standard deviations, 0.1768
    assert "similarity_independent -0.1875 ± 0.0884 [-0.1875, -0.1875]: lower" in of_raw
    assert "cmrc_avg +0.00 ± 0.00 [0.00, 0.00]: inconclusive" in of_raw
    of_other = next(sentence for sentence in said if sentence.startswith("other"))
    assert "similarity_independent +0.0000 ± 0.1768 [0.0000, 0.0000]: inconclusive" in of_other
    assert summary == (
        "RL by similarity_independent, to rl: with encoders that fail the exam (raw) 1 lower, 0 higher, 0 "
        "inconclusive; with those beside reward that pass it (other) 0 lower, 0 higher, 1 inconclusive."
    )
    assert table.sidecar["shortfalls"]["reward"] == []
    assert [d["verdict"] for d in table.sidecar["differences"] if d["encoder"] == "raw"] == ["lower", "lower", NONE]


def test_one_seed_shows_no_difference(request_of: Request) -> None:
    one = Request(**vars(request_of) | {"seeds": [0]})
    table = build(one)
    assert {d["verdict"] for d in table.sidecar["differences"]} == {NONE}
    assert "One seed proves nothing about training." in table.note
