"""Which GPUs jobs see: no GPU is needed to tell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from semalign.gpus import free, take, visible
from tests.conftest import ROOT

HOLD = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT / "workflow" / "scripts")!r})
from semalign.gpus import free
print(",".join(free(["0", "1", "2"], int(sys.argv[1]), Path(sys.argv[2]))), flush=True)
sys.stdin.read()
"""


def job(count: int, folder: Path) -> tuple["subprocess.Popen[str]", str]:
    """A process that takes so many of three GPUs, and which."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(count), str(folder)], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_jobs_take_gpus_that_no_other_has_until_they_end(tmp_path: Path) -> None:
    first, of_first = job(1, tmp_path)
    second, of_second = job(2, tmp_path)
    assert (of_first, of_second) == ("0", "1,2")
    second.kill()
    second.wait()
    third, of_third = job(1, tmp_path)
    assert of_third == "1"
    for process in (first, third):
        process.communicate()


def test_where_none_is_free_one_in_use_is_taken_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    process, _ = job(2, tmp_path)
    assert free(["0", "1"], 1, tmp_path) == ["0"]
    assert "GPU 0: in use by another job" in caplog.text
    process.communicate()


def test_what_a_cluster_gave_is_taken_as_it_is(tmp_path: Path) -> None:
    assert free(["GPU-8932f937"], 1, tmp_path) == ["GPU-8932f937"]
    assert free(["3", "5"], 2, tmp_path) == ["3", "5"]
    assert free([], 1, tmp_path) == []
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("given", "count", "expected"), [("2,3", 2, "2,3"), ("2", 0, ""), ("", 1, ""), ("1,", 1, "1")])
def test_a_job_sees_what_it_claims(monkeypatch: pytest.MonkeyPatch, given: str, count: int, expected: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    take(count)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == expected


def test_without_the_variable_all_of_the_machine_are_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    import torch

    assert len(visible()) == torch.cuda.device_count()
