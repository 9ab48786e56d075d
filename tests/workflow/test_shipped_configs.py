"""The shipped overlays give a plan, without a network, a GPU or any file of the user's."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.workflow.run import plan, snakemake

# Trainings and tables of each: one seed.
JOBS = {
    "paper": {"train_encoder": 2, "train_sft": 7, "train_grpo": 6, "tabulate_paper": 7, "generate": 14},
    "public": {"train_encoder": 2, "train_sft": 11, "train_grpo": 6, "tabulate_frontier": 1, "take_snapshot": 4}
    | {"sample_candidates": 2, "train_method": 16, "choose_answers": 4, "prepare_replay": 0},
}


@pytest.mark.parametrize("name", JOBS)
def test_a_shipped_overlay_gives_a_plan(name: str, tmp_path: Path) -> None:
    jobs = plan(tmp_path, overlays=[ROOT / "config" / f"{name}.yaml"])
    assert {rule: jobs.get(rule, 0) for rule in JOBS[name]} == JOBS[name]
    assert not {"generate_world", "train_base", "check_files"} & jobs.keys()


@pytest.mark.parametrize("key", ["", "sk-of-somebody"])
def test_a_judges_missing_key_is_said_before_the_first_job(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    result = snakemake(tmp_path, "-n", overlays=[ROOT / "config" / "paper.yaml"])
    assert result.returncode == 0, result.stderr
    output = result.stdout + result.stderr  # a dry run says all in the first
    assert ("the environment variable OPENAI_API_KEY is not set" in output) == (not key)
    assert "sk-of-somebody" not in output
