"""Another bar of a gate and other settings behind it, changed at once: Snakemake would run the gate alone."""

from pathlib import Path

import yaml

from tests.workflow.run import snakemake
from tests.workflow.test_reruns import TINY


def test_nothing_is_left_as_it_was_without_a_word(copied: Path) -> None:
    overlay = copied / "both.yaml"
    overlay.write_text(yaml.safe_dump({"exam": {"bars": {"retrieval": 0.01}}, "rl": {"learning_rate": 7.0e-4}}))
    before = (copied / "results/encoders/reward/exam.passed").stat().st_mtime_ns
    run = snakemake(copied, "results/table5.csv", overlays=[TINY, overlay])
    assert run.returncode != 0
    assert "2 jobs (train_grpo mt/rl" in run.stderr
    assert "results/encoders/independent/exam.passed results/encoders/reward/exam.passed" in run.stderr
    assert (copied / "results/encoders/reward/exam.passed").stat().st_mtime_ns == before
