"""What is behind a gate, or behind data read through, and changed together with it: Snakemake by itself would run the
gate alone."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from tests.workflow.run import command, counted, runs
from tests.workflow.test_reruns import TINY

BARS: dict[str, Any] = {"exam": {"thresholds": {"retrieval": 0.01}}}


def planned(folder: Path, target: str, change: dict[str, Any]) -> dict[str, int]:
    """Jobs by rule that this change of the config would run for a target."""
    overlay = folder / "change.yaml"
    overlay.write_text(yaml.safe_dump(change))
    [(status, output)] = runs([command(folder, target, "-n", "--quiet", "rules", overlays=[TINY, overlay])])
    assert status == 0, output
    return counted(output)


def test_a_gate_and_what_is_behind_it_change_at_once(copied: Path) -> None:
    rates: dict[str, Any] = {"rl": {"learning_rate": 7.0e-4}}
    alone, both = (planned(copied, "results/table5.csv", change) for change in (rates, rates | BARS))
    assert alone["train_grpo"] == 2
    assert both == alone | {"check_encoder": 2, "total": alone["total"] + 2}


def test_a_gate_alone_trains_nothing(copied: Path) -> None:
    assert planned(copied, "results/table5.csv", BARS) == {"check_encoder": 2, "total": 2}


def test_what_is_missing_behind_a_gate_is_made(copied: Path) -> None:
    shutil.rmtree(copied / "results" / "mt" / "rl" / "0")
    assert planned(copied, "results/mt/rl/0/adapter", BARS) == {"check_encoder": 2, "train_grpo": 1, "total": 3}


def test_data_read_through_and_a_training_behind_it_change_at_once(copied: Path) -> None:
    """The questions are read through before the base is trained, and are no input of it."""
    steps: dict[str, Any] = {"policy": {"pretraining": {"steps": 9}}}
    limit: dict[str, Any] = {"retention": {"benchmarks": {"cmrc": {"limit": 11}}}}
    assert "train_base" not in planned(copied, "results/base/model", limit)
    assert planned(copied, "results/base/model", limit | steps)["train_base"] == 1
