"""Device-seconds of the frontier's points, from records written by hand."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from semalign.frontier.curves import Curve, given
from semalign.tables import costs

CURVES: dict[str, Curve] = {
    "sft": {"unit": "pairs", "points": [(0, "base"), (30, "strong_sft")]},
    "rl": {"unit": "steps", "points": [(0, "cold_sft"), (5, "rl@5"), (20, "rl")]},
    "mbr": {"unit": "samples", "points": [(0, "cold_sft"), (8, "mbr@8")]},
}
SEED = {"task": "mt", "seed": "0"}


def record(
    rule: str, seconds: float, inputs: list[str], outputs: list[str], wildcards: dict[str, str], **more: Any
) -> dict[str, Any]:
    names = {"inputs": dict.fromkeys(inputs, "a"), "outputs": dict.fromkeys(outputs, "b")}
    return {"rule": rule, "wildcards": wildcards, "model_seconds": seconds, "processes": 1} | names | more


def adapter(model: str) -> str:
    return f"results/mt/{model}/0/adapter"


def answers(run: str) -> str:
    return f"results/{run}/predictions.jsonl"


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Any]:
    """Base 1000 s, encoder 500; cold start 10, threshold 2, RL 20 on two devices, strong SFT 7; answers 3, MBR 30."""
    base, encoder, data = "results/base/model", "results/encoders/reward/model", "results/data/mt/test.jsonl"
    threshold, snapshots = "results/mt/cold_sft/0/threshold.json", "results/mt/rl/0/snapshots"
    jobs = [
        record("split_pairs", 0, [], [data], {"task": "mt"}),
        record("train_base", 1000, [data], [base], {}),
        record("train_encoder", 500, [data], [encoder], {"encoder": "reward"}),
        record("train_sft", 10, [base, data], [adapter("cold_sft")], SEED | {"model": "cold_sft"}),
        record("train_sft", 7, [base, data], [adapter("strong_sft")], SEED | {"model": "strong_sft"}, resumed=True),
        record("measure_threshold", 2, [base, adapter("cold_sft"), encoder], [threshold], SEED),
        record(
            "train_grpo",
            20,
            [base, adapter("cold_sft"), threshold, encoder],
            [adapter("rl"), snapshots],
            SEED | {"model": "rl"},
            processes=2,
        ),
        record("take_snapshot", 0, [snapshots], [adapter("rl@5")], SEED | {"step": "5"}),
        record(
            "choose", 30, [base, adapter("cold_sft"), encoder, answers("mt/cold_sft/0")], [answers("mt/mbr@8/0")], SEED
        ),
        record("generate", 4, [base, data], [answers("base")], {"run": "base"}),
    ]
    for model in ("cold_sft", "strong_sft", "rl", "rl@5"):
        run = f"mt/{model}/0"
        jobs.append(record("generate", 3, [base, adapter(model), data], [answers(run)], {"run": run}))
    (tmp_path / "mt/rl/0").mkdir(parents=True)
    (tmp_path / "mt/rl/0/training.json").write_text(json.dumps({"steps": 20}))
    return {path: job for job in jobs for path in job["outputs"]}


def test_a_run_costs_its_training_and_what_it_needs(tmp_path: Path, made: dict[str, Any]) -> None:
    def seconds(run: str) -> list[float]:
        found = costs.of_run(tmp_path, run, made)
        return [found[name] for name in costs.FIGURES]

    assert seconds("base") == [0, 0, 0, 4]
    assert seconds("mt/strong_sft/0") == [7, 7, 0, 3]
    assert seconds("mt/cold_sft/0") == [10, 10, 0, 3]
    assert seconds("mt/rl/0") == [52, 40, 12, 3]  # two devices; before it cold start and threshold
    assert seconds("mt/rl@5/0") == [22, 10, 12, 3]  # five of twenty steps
    assert seconds("mt/mbr@8/0") == [13, 0, 13, 30]  # the model that it samples from, and its answers to questions
    assert costs.of_run(tmp_path, "mt/sft-5/0", made) == {}


def test_every_point_has_a_row_and_gaps_are_counted(tmp_path: Path, made: dict[str, Any]) -> None:
    frame = costs.collect(tmp_path, ["mt"], [0], CURVES, made)
    assert list(frame["model"]) == ["base", "strong_sft", "cold_sft", "rl@5", "rl", "cold_sft", "mbr@8"]
    assert list(frame["resumed"]) == [0, 1, 0, 0, 0, 0, 0]
    assert "Behind 1 of 6 runs stand jobs that were stopped and went on" in costs.note(frame)
    del made[answers("mt/rl/0")]
    assert "Of 1 runs the jobs' records are not there" in costs.note(costs.collect(tmp_path, ["mt"], [0], CURVES, made))


def test_what_it_takes_to_equal_rl(tmp_path: Path, made: dict[str, Any]) -> None:
    frame = costs.collect(tmp_path, ["mt"], [0], CURVES, made)
    points = frame[["task", "method", "place", "seed"]].assign(
        similarity_independent=[0.2, 0.7, 0.3, 0.6, 0.5, 0.3, 0.4]  # RL ends below its best
    )
    equal = costs.at_equal_adequacy(frame, points)
    assert [(entry["method"], entry["mean"]) for entry in equal] == [
        ("sft", pytest.approx(4.2)),
        ("rl", 52.0),
        ("mbr", None),
    ]
    table = costs.shown(frame, equal)
    assert list(table["to RL's adequacy"]) == ["4.2", "", "52.0", "", "", "", ""]
    assert list(table["device_seconds"])[:2] == ["0.0", "7.0"]


def test_spread_is_over_seeds(tmp_path: Path) -> None:
    rows = [
        {"task": "mt", "method": "sft", "place": place, "model": model, "seed": seed, "jobs": 1, "resumed": 0}
        | dict.fromkeys(costs.FIGURES, place * (seconds))
        for seed, seconds in ((0, 8.0), (1, 10.0))
        for place, model in ((0, "base"), (1, "strong_sft"))
    ]
    table = costs.shown(pd.DataFrame(rows), [{"task": "mt", "method": "sft", "by_seed": [4.0, 5.0]}])
    assert list(table["device_seconds"]) == ["0.0", "9.0 ± 1.4"]
    assert table["to RL's adequacy"].iloc[0] == "4.5 ± 0.7"


def test_a_model_trained_elsewhere_has_the_seconds_of_its_answers_alone(tmp_path: Path, made: dict[str, Any]) -> None:
    run = "models/theirs"
    check = record("check_model", 6, [], [f"results/{run}/checks.json"], {"run": run})
    made[f"results/{run}/checks.json"] = check
    made[answers(run)] = record("generate", 5, list(check["outputs"]), [answers(run)], {"run": run})
    curves = CURVES | given({run: ["mt"]})
    frame = costs.collect(tmp_path, ["mt"], [0, 1], curves, made)
    theirs = frame[frame["method"] == "theirs"]
    assert list(theirs["model"]) == ["theirs", "theirs"]  # one run in both seeds
    assert list(theirs["answering_seconds"]) == [5, 5]
    assert theirs[["device_seconds", "training_seconds", "before_seconds"]].isna().all(axis=None)
    assert "theirs: trained elsewhere, at a cost that nobody knows here" in costs.note(frame, ["theirs"])
    points = frame[["task", "method", "place", "seed"]].assign(similarity_independent=0.5)
    equal = costs.at_equal_adequacy(frame, points)
    assert {entry["method"]: entry["mean"] for entry in equal}["theirs"] is None
    line = costs.shown(frame, equal, alone={"base", "theirs"}).set_index("method").loc["theirs"]
    assert (line["device_seconds"], line["answering_seconds"], line["to RL's adequacy"]) == ("", "5.0", "")
