"""Snakemake's locks of a working folder: those of a run that was killed are removed, and no others."""

import json
import logging
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from semalign.runtime.errors import InputError
from semalign.runtime.processes import has_ended, own_mark
from semalign.runtime.run_lock import check_writable, clear_dead_locks
from tests.conftest import ROOT

LOG = logging.getLogger("locks")
RUN = f"""
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's job in the background ignores
from pathlib import Path
sys.path.insert(0, {str(ROOT / "workflow" / "scripts")!r})
from semalign.runtime.run_lock import record_locks
folder = Path(".snakemake")
(folder / "locks").mkdir(parents=True, exist_ok=True)
(folder / "locks" / "0.output.lock").write_text("results/b\\nresults/a\\n")
(folder / "locks" / "1.output.lock").write_text("results/table3.csv\\n")
(folder / "locks" / "2.input.lock").write_text("results/a\\n")
record_locks(folder, ["results/a"], ["results/a", "results/b"])
print("up", flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def other() -> "subprocess.Popen[str]":
    """A run that made the locks 0 and 2 here; 1 is another Snakemake's."""
    run = subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    assert run.stdout.readline() == "up\n"
    return run


def locks() -> list[str]:
    return sorted(path.name for path in Path(".snakemake/locks").iterdir())


def records() -> list[Path]:
    return list(Path(".snakemake").glob("semalign.run.*"))


def test_a_killed_runs_own_locks_are_removed(other: "subprocess.Popen[str]", caplog: pytest.LogCaptureFixture) -> None:
    other.kill()  # not yet waited for: a zombie has ended, too
    while not has_ended(json.loads(records()[0].read_text())["mark"]):
        pass
    clear_dead_locks(Path(".snakemake"), LOG)
    other.wait()
    assert locks() == ["1.output.lock"]
    assert records() == []
    assert "0.output.lock: left by a run that was killed; removed" in caplog.text
    assert "holds locks of another Snakemake (1.output.lock)" in caplog.text
    assert shlex.join([sys.executable, "-m", "snakemake", *sys.argv[1:], "--unlock"]) in caplog.text


def test_a_living_runs_locks_stay(other: "subprocess.Popen[str]", caplog: pytest.LogCaptureFixture) -> None:
    clear_dead_locks(Path(".snakemake"), LOG)
    assert len(locks()) == 3
    assert f"Another run works in this folder: process {other.pid} on" in caplog.text
    assert "If it has ended" not in caplog.text  # it is certain that it lives
    other.send_signal(signal.SIGINT)
    other.wait()
    assert records() == []  # it has ended by itself


@pytest.mark.parametrize("change", [("^[0-9a-f]{12}", "0" * 12), ("^.*$", ""), ("^", "x")])
def test_locks_of_which_nothing_is_certain_stay(
    change: tuple[str, str], other: "subprocess.Popen[str]", caplog: pytest.LogCaptureFixture
) -> None:
    """Of another machine, of this one before its last start, or of a record that is not ours."""
    other.kill()
    other.wait()
    [record] = records()
    run = json.loads(record.read_text())
    record.write_text(json.dumps(run | {"mark": re.sub(*change, run["mark"])}))
    clear_dead_locks(Path(".snakemake"), LOG)
    assert len(locks()) == 3
    assert "--unlock" in caplog.text


def test_a_lock_that_was_made_anew_stays(other: "subprocess.Popen[str]") -> None:
    other.kill()
    other.wait()
    lock = Path(".snakemake/locks/0.output.lock")
    lock.unlink()
    lock.write_text("results/a\nresults/b\n")
    clear_dead_locks(Path(".snakemake"), LOG)
    assert locks() == ["0.output.lock", "1.output.lock"]


def test_a_process_id_that_is_used_again_is_another_process() -> None:
    machine, pid, _ = own_mark().split("-")
    assert not has_ended(own_mark())
    assert has_ended(f"{machine}-{pid}-1")


def test_a_folder_that_cannot_be_written_is_named() -> None:
    Path("file").touch()
    with pytest.raises(InputError, match=r"Snakemake works in this folder: make it writable for you"):
        check_writable(Path("file/.snakemake"))
