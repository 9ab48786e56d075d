"""Gates: a threshold trains nothing anew and stops what it should; what changes together with a check runs with it."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from semalign.runtime.files import read_json, write_json
from tests.conftest import TINY
from tests.workflow.run import command, counted, runs, snakemake

REACHED: dict[str, Any] = {"exam": {"thresholds": {"retrieval": 0.01}}}
NEVER_REACHED: dict[str, Any] = {"exam": {"thresholds": {"retrieval": 1.0, "spearman": 1.0}}}
FEW_EQUAL_GROUPS: dict[str, Any] = {"rl": {"max_zero_variance_share": 0.25}}
RL = "results/mt/rl/0"


def overlay(folder: Path, change: dict[str, Any]) -> Path:
    file = folder / "change.yaml"
    file.write_text(yaml.safe_dump(change))
    return file


def planned(folder: Path, target: str, change: dict[str, Any]) -> dict[str, int]:
    """Jobs by rule that this change of the config would run for a target."""
    overlays = [TINY, overlay(folder, change)]
    [(status, output)] = runs([command(folder, target, "-n", "--quiet", "rules", overlays=overlays)])
    assert status == 0, output
    return counted(output)


def refused(folder: Path, target: str, change: dict[str, Any]) -> str:
    """What a run says that fails with this change of the config."""
    result = snakemake(folder, target, overlays=[TINY, overlay(folder, change)])
    assert result.returncode != 0
    return result.stdout + result.stderr


def test_a_gate_and_what_is_behind_it_change_at_once(copied: Path) -> None:
    rates: dict[str, Any] = {"rl": {"learning_rate": 7.0e-4}}
    alone, both = (planned(copied, "results/table5.csv", change) for change in (rates, rates | REACHED))
    assert alone["train_grpo"] == 2
    assert both == alone | {"check_encoder": 2, "total": alone["total"] + 2}


def test_a_threshold_alone_runs_the_gate_that_a_table_requires(copied: Path) -> None:
    overlays = [TINY, overlay(copied, REACHED)]
    tables = [f"results/{name}.csv" for name in ("table1", "table4", "table6a", "statistics", "audit", "frontier")]
    said = runs([command(copied, table, "-n", "--quiet", "rules", overlays=overlays) for table in tables])
    assert [counted(output) for _, output in said] == [{"check_encoder": 2, "total": 2}] * len(tables)


def test_a_training_behind_a_gate_does_not_wait_for_it(copied: Path) -> None:
    """It checks the exams by itself."""
    shutil.rmtree(copied / RL)
    assert planned(copied, f"{RL}/adapter", REACHED) == {"train_grpo": 1, "total": 1}


def test_a_failed_exam_stops_a_training_before_it_begins_and_a_table_that_is_there(copied: Path) -> None:
    table = (copied / "results/table5.csv").read_bytes()
    said = refused(copied, "results/table5.csv", NEVER_REACHED)
    assert "spearman is" in said
    assert "its threshold 1.000" in said
    assert (copied / "results/table5.csv").read_bytes() == table
    assert not (copied / "results/encoders/reward/exam.passed").exists()
    assert (copied / "results/encoders/reward/exam.json").is_file()
    shutil.rmtree(copied / RL)
    said = refused(copied, f"{RL}/adapter", NEVER_REACHED)
    assert "results/encoders/reward/exam.json: the encoder fails its exam" in said
    assert not (copied / RL).exists() or not list((copied / RL).iterdir())
    assert not list((copied / "results/unfinished").rglob("checkpoint-*"))


def test_a_training_without_variance_is_not_answered_with(copied: Path) -> None:
    (copied / f"{RL}/predictions.jsonl").unlink()
    report = read_json(copied / f"{RL}/training.json")
    write_json(copied / f"{RL}/training.json", report | {"zero_variance_group_share": 0.5})
    said = refused(copied, f"{RL}/predictions.jsonl", FEW_EQUAL_GROUPS)
    assert f"{RL}/training.json: 50% of the groups had equal rewards (rl.max_zero_variance_share = 25%)" in said
    assert not (copied / f"{RL}/predictions.jsonl").exists()


def test_data_read_through_and_a_training_behind_it_change_at_once(copied: Path) -> None:
    """The questions are read through before the base is trained, and are no input of it."""
    steps: dict[str, Any] = {"policy": {"pretraining": {"steps": 9}}}
    limit: dict[str, Any] = {"retention": {"benchmarks": {"cmrc": {"limit": 11}}}}
    assert "train_base" not in planned(copied, "results/base/model", limit)
    assert planned(copied, "results/base/model", limit | steps)["train_base"] == 1
