"""Which GPUs jobs see: no GPU is needed to tell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from semalign.runtime.gpus import take, visible
from tests.conftest import ROOT

HOLD = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT / "workflow" / "scripts")!r})
from semalign.runtime.gpus import held
print(",".join(held(["0", "1", "2"], int(sys.argv[1]), Path(sys.argv[2]))), flush=True)
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


def test_a_job_waits_for_gpus_that_others_hold(tmp_path: Path) -> None:
    """It asks for two of three while one is free, and leaves that one to whoever needs no more."""
    first, of_first = job(2, tmp_path)
    assert of_first == "0,1"
    command = [sys.executable, "-c", HOLD, "2", str(tmp_path)]
    with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as waiting:
        third, of_third = job(1, tmp_path)
        assert of_third == "2"
        first.communicate()
        assert waiting.communicate()[0].strip() == "0,1"
    third.communicate()


@pytest.mark.parametrize(
    ("given", "count", "expected"),
    [("2,3", 2, "2,3"), ("GPU-8932f937", 1, "GPU-8932f937"), ("2", 0, ""), ("", 1, ""), ("1,", 1, "1")],
)
def test_a_job_sees_what_it_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, count: int, expected: str
) -> None:
    """What a cluster gave is taken as it is, and held by no lock: elsewhere on the machine another GPU is called so."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    monkeypatch.setattr("semalign.runtime.gpus.LOCKS", tmp_path)
    take(count)
    assert not list(tmp_path.iterdir())
    assert os.environ["CUDA_VISIBLE_DEVICES"] == expected


def test_without_the_variable_all_of_the_machine_are_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    import torch

    assert len(visible()) == torch.cuda.device_count()
