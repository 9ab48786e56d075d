"""A job's own folder, and how jobs and Snakemake are stopped."""

import json
import logging
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from semalign.runtime.signals import Stopped, stop_on_signals, stopping
from semalign.runtime.workspace import Workspace, identity, opened
from tests.conftest import ROOT
from tests.unit.ranked_job import started

SCRIPTS = str(ROOT / "workflow" / "scripts")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def interrupted(output: str, name: str) -> None:
    """A job that is killed when it has made `half`."""
    with opened(output, name, 1.0) as workspace:
        (workspace.folder / "half").touch()
        raise KeyboardInterrupt


def test_what_a_job_had_is_there_again_until_it_has_ended() -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted("results/mt/rl/0/adapter", "x")
    with opened("results/mt/rl/0/adapter", "x", 1.0) as workspace:
        assert (workspace.folder / "half").exists()
    assert list(Path("results/unfinished").iterdir()) == []
    with opened("results/mt/rl/0/adapter", "x", 1.0) as workspace:
        assert list(workspace.folder.iterdir()) == []


def test_with_other_settings_it_begins_afresh(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(KeyboardInterrupt):
        interrupted("results/a", "one")
    with opened("results/a", "two", 1.0) as workspace:
        assert list(workspace.folder.iterdir()) == []
        assert not Path("results/unfinished/a/one").exists()
    assert "left by other settings, data or code; removed" in caplog.text


def test_an_identity_is_of_everything_given_and_of_no_order() -> None:
    one = identity(settings={"a": 1, "b": [1, 2]}, inputs={"x": "0"})
    assert identity(inputs={"x": "0"}, settings={"b": [1, 2], "a": 1}) == one
    others = [
        identity(settings={"a": 2, "b": [1, 2]}, inputs={"x": "0"}),
        identity(settings={"a": 1, "b": [2, 1]}, inputs={"x": "0"}),
        identity(settings={"a": 1, "b": [1, 2]}, inputs={"x": "1"}),
    ]
    assert len({one, *others}) == 4


def test_a_signal_asks_and_a_second_one_ends(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> None:
    code = (
        f"import sys, signal; sys.path.insert(0, {SCRIPTS!r})\n"
        "from semalign.runtime.signals import Stopped, stop_on_signals, stopping\n"
        "with stop_on_signals():\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    assert stopping()\n"
        "    signal.raise_signal(signal.SIGINT)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 128 + signal.SIGINT
    assert "SIGTERM: stopping at the next step" in ended.stderr
    workspace.check()  # nothing asked this process
    assert not stopping()
    assert issubclass(Stopped, Exception)
    with stop_on_signals():
        pass


def test_a_request_to_a_whole_group_is_one_request() -> None:
    """The group has it, and then Snakemake passes it on; a closed terminal sends SIGHUP besides."""
    code = (
        f"import sys, signal; sys.path.insert(0, {SCRIPTS!r})\n"
        "from semalign.runtime.signals import stop_on_signals, stopping\n"
        "with stop_on_signals():\n"
        "    for name in ('SIGHUP', 'SIGTERM', 'SIGTERM', 'SIGHUP'):\n"
        "        signal.raise_signal(signal.Signals[name])\n"
        "    assert stopping()\n"
        "    print('saved')\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "saved\n")


def test_a_job_follows_snakemake_into_its_end() -> None:
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    code = (
        f"import sys, time; sys.path.insert(0, {SCRIPTS!r})\n"
        "from semalign.runtime.signals import exit_on_signals, follow\n"
        f"exit_on_signals(); follow({parent.pid}); print('up', flush=True); time.sleep(60)\n"
    )
    job = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert job.stdout is not None
    assert job.stdout.readline() == "up\n"
    parent.kill()
    parent.wait()
    started = time.monotonic()
    assert job.wait(timeout=10) == 128 + signal.SIGTERM
    assert time.monotonic() - started < 5
    assert job.stderr is not None
    assert f"process {parent.pid}, which started this one, is gone" in job.stderr.read()


def test_a_termination_does_not_wait_for_a_lock_that_the_interrupted_thread_holds() -> None:
    """As Snakemake's handler would, for ever."""
    code = (
        f"import sys, signal, threading, time; sys.path.insert(0, {SCRIPTS!r})\n"
        "from semalign.runtime.signals import pass_on_terminations\n"
        "lock, ended = threading.Lock(), threading.Event()\n"
        "def handler(number, frame):\n"
        "    with lock: ended.set()\n"
        "signal.signal(signal.SIGTERM, handler)\n"
        "pass_on_terminations()\n"
        "with lock:\n"
        "    print('up', flush=True); time.sleep(1)\n"
        "sys.exit(0 if ended.wait(5) else 1)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.terminate()
    assert process.wait(timeout=10) == 0


JOB = """
import sys
from pathlib import Path
from types import SimpleNamespace
sys.path.insert(0, {scripts!r})
from semalign.runtime import job
from semalign.runtime.errors import InputError

class Inputs(list):
    exams = "exam.json"

def gate(config, input):
    if "refused" in sys.argv:
        raise InputError(f"{{input.exams}} fails")

def main(settings, input, output, workspace):
    if not (workspace.folder / "half").exists():
        (workspace.folder / "half").touch()
        if "whole" not in sys.argv:
            raise InputError("half done")
    Path(output[0]).touch()

job.run(main, SimpleNamespace(
    rule="make", log=["log.txt"], input=Inputs(["exam.json"]), output=["results/made"], wildcards={{}}, threads=1,
    params=SimpleNamespace(settings={{}}), resources={{}},
    config={{"checkpoint_seconds": 1, "gradient_checkpointing": None}},
), resumable=True, gate=gate)
"""


def made(*arguments: str) -> Any:
    """The exit status of a job that fails, else whether it was resumed."""
    run = [sys.executable, "-c", JOB.format(scripts=SCRIPTS), *arguments]
    ended = subprocess.run(run, check=False, stderr=subprocess.DEVNULL)
    return ended.returncode or json.loads(Path("results/made.provenance.json").read_text())["resumed"]


def test_a_record_says_whether_its_job_went_on_from_what_it_had() -> None:
    Path("exam.json").write_text("1")
    assert made("whole") is False
    assert made() == 1
    assert made() is True


def test_a_gate_comes_before_the_work_and_its_inputs_make_no_other_job() -> None:
    Path("exam.json").write_text("1")
    assert made("refused") == 1
    assert "error: exam.json fails" in Path("log.txt").read_text()
    assert not Path("results/unfinished").exists()
    assert made() == 1
    Path("exam.json").write_text("2")
    assert made() is True


@pytest.mark.parametrize(
    ("tracking", "expected"),
    [
        ({}, None),
        ({"tracking": "none"}, None),
        (
            {"tracking": "trackio", "tracking_project": "mine"},
            {"kind": "trackio", "project": "mine", "run": "mt/rl/0"},
        ),
    ],
)
def test_a_job_is_told_its_run_in_the_experiment_tracker(tracking: dict[str, str], expected: Any) -> None:
    file = "results/mt/rl/0/made.json"
    job = started(Path(), "tells_its_run", {}, file, checkpoint_seconds=1, **tracking)
    _, said = job.communicate()
    assert job.returncode == 0, said
    assert json.loads(Path(file).read_text()) == expected
