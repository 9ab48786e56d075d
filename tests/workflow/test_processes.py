"""RL of the finished miniature again, on two processes: only the trainings run, and what they leave is whole."""

from pathlib import Path

import pytest
import yaml

from semalign.runtime.files import read_json, read_jsonl
from tests.conftest import TINY
from tests.workflow.run import plan, snakemake

SFT, RL = {"micro_batch_size": 8}, {"micro_batch_size": 32}
TWO = {"processes": 2, "cold_sft": SFT, "strong_sft": SFT, "few_shot": {"sft": SFT}, "rl": RL}
TARGET = "results/mt/rl/0/adapter"


@pytest.mark.long
def test_rl_on_two_processes(copied: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "two.yaml"
    overlay.write_text(yaml.safe_dump(TWO))
    assert plan(copied, TARGET, [TINY, overlay]) == {
        "train_sft": 1,
        "measure_threshold": 1,
        "train_grpo": 1,
        "total": 3,
    }
    made = copied / "results" / "mt" / "rl" / "0"
    before = read_json(made / "training.json")
    result = snakemake(copied, TARGET, overlays=[TINY, overlay])
    assert result.returncode == 0, result.stdout + result.stderr
    report, rollouts = read_json(made / "training.json"), list(read_jsonl(made / "rollouts.jsonl"))
    assert (before["processes"], report["processes"]) == (1, 2)
    assert report["steps"] == before["steps"]
    assert len(rollouts) == report["completions"] == before["completions"]
    assert report["adapter_sha256"] != before["adapter_sha256"]  # other samples
    assert {path.name for path in (made / "snapshots").iterdir() if path.is_dir()} == {"2"}
    assert read_json(made / "adapter.provenance.json")["processes"] == 2
    assert [path for path in (copied / "results" / "unfinished").rglob("*") if path.is_file()] == []
