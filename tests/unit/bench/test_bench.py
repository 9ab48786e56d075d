"""The benchmarks themselves, on a tiny shape and a CPU: the code path that a GPU takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.clock import Seconds, StepClock
from bench.data import measure
from bench.policy import TINY, benchmarks
from tests.conftest import ROOT


@pytest.mark.long
def test_every_benchmark_runs_on_a_tiny_shape(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.run", "policy", "--device", "cpu", "--shape", "tiny"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [*command, "--repeats", "1", "--output", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=ROOT,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))["policy"]["benchmarks"]
    assert [row["benchmark"] for row in found] == [benchmark.name for benchmark in benchmarks(TINY)]
    for row in found:
        assert row["seconds"]["repeats"] == 1
        assert row["seconds"]["median"] > 0
        assert row["floor_seconds"] == pytest.approx(sum(row["floor_terms"].values()))
        assert row["ratio"] == pytest.approx(row["seconds"]["median"] / row["floor_seconds"])
    assert "| SFT step, 8 × 32 tokens |" in (tmp_path / "bench.md").read_text(encoding="utf-8")


def test_steps_are_averaged_over_cycles_without_the_first() -> None:
    clock = StepClock("cpu")
    clock.ends = [10.0, 11.0, 15.0, 16.0, 22.0, 23.0]  # a generation before every second step
    assert clock.a_step(cycle=2, warmup=1) == Seconds(3.0, 2.5, 3.5, 2)
    assert clock.a_step().repeats == 5
    with pytest.raises(ValueError, match="nothing was measured"):
        clock.a_step(cycle=6, warmup=1)


def test_every_stage_of_the_data_is_measured() -> None:
    *_, last = measure([200], None)
    found = last["stages"]
    assert {row["rows"] for row in found} == {200}
    assert all(row["peak_mib"] >= row["start_mib"] for row in found)
