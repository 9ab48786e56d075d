"""How a run's end tells of jobs that ended before their work began, and how a run of its own is killed and goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.conftest import TINY
from tests.workflow.run import command

TARGET = "results/world/text.jsonl"
# What stands in the script after its first import from the library, and before it.
AFTER = "\nimport os, pathlib, time\n"
AFTER += "if os.environ.get('SLOW') == 'after':\n    pathlib.Path('up').touch(); time.sleep(60)\n"
BEFORE = (
    "import os, pathlib, time\nif os.environ.get('SLOW') == 'before':\n    pathlib.Path('up').touch(); time.sleep(60)\n"
)
BEFORE += "if 'BROKEN' in os.environ: raise ImportError('a broken library')\n"
STOPPED = "semalign: stopped; run the same command again, and it resumes from here: what was done is kept"
KILLED = "generate_world.log: the job wrote nothing; it was ended from outside by SIGKILL, perhaps for want of memory"
AS_IN_A_TERMINAL = (
    "import os, signal, sys\nfor n in (1, 2): signal.signal(n, signal.SIG_DFL)\nos.execv(sys.argv[1], sys.argv[1:])"
)


def job_of(run: "subprocess.Popen[bytes]") -> int:
    """The process of the script that runs."""
    processes = psutil.Process(run.pid).children(recursive=True)
    return next(
        one.pid for one in processes if ".snakemake/scripts" in " ".join(one.cmdline()) and one.name() != "bash"
    )


CASES: dict[str, tuple[str, Callable[["subprocess.Popen[bytes]"], object], str]] = {
    "SIGTERM to a job": ("after", lambda run: os.kill(job_of(run), signal.SIGTERM), STOPPED),
    "SIGINT to a job whose Python starts": ("before", lambda run: os.kill(job_of(run), signal.SIGINT), STOPPED),
    "SIGTERM to all": ("after", lambda run: os.killpg(run.pid, signal.SIGTERM), STOPPED),
    "a terminal that is closed": ("after", lambda run: os.killpg(run.pid, signal.SIGHUP), STOPPED),
    "SIGTERM to Snakemake": ("after", lambda run: run.terminate(), STOPPED),
    "SIGKILL to a job": ("after", lambda run: os.kill(job_of(run), signal.SIGKILL), KILLED),
}


@pytest.fixture
def slow(project: Path) -> Path:
    """A copy of the project whose first job may wait while it imports."""
    script = project / "workflow" / "scripts" / "generate_world.py"
    first, rest = script.read_text(encoding="utf-8").split("from semalign", 1)
    line, rest = rest.split("\n", 1)
    script.write_text(f"{first}{BEFORE}from semalign{line}{AFTER}{rest}", encoding="utf-8")
    return project


def start(slow: Path, folder: Path, **environment: str) -> "subprocess.Popen[bytes]":
    folder.mkdir(exist_ok=True)
    with open(folder / "said", "wb") as said:
        return subprocess.Popen(
            [sys.executable, "-c", AS_IN_A_TERMINAL, *command(folder, TARGET, overlays=[TINY], project=slow)],
            stdout=said,
            stderr=said,
            env=os.environ | environment,
            start_new_session=True,
        )


def wait_for(run: "subprocess.Popen[bytes]", folder: Path) -> None:
    while not (folder / "up").exists():
        assert run.poll() is None, (folder / "said").read_text()
        time.sleep(0.05)


def test_a_job_that_ends_while_it_imports(slow: Path, tmp_path: Path) -> None:
    runs = {name: start(slow, tmp_path / name, SLOW=slowly) for name, (slowly, _, _) in CASES.items()}
    broken = start(slow, tmp_path / "broken", BROKEN="1")
    for name, (_, end, told) in CASES.items():
        wait_for(runs[name], tmp_path / name)
        end(runs[name])
        assert runs[name].wait(timeout=60) != 0
        said = (tmp_path / name / "said").read_text().splitlines()
        assert [line for line in said if line.endswith(told)], (name, said[-20:])
        assert (said[-1] == STOPPED) == (told == STOPPED)
    assert broken.wait(timeout=60) != 0
    text = (tmp_path / "broken" / "said").read_text()
    assert "ImportError: a broken library" in text
    assert "the job wrote nothing; it ended with status 1, and what it printed stands above" in text


def test_the_lock_of_a_killed_snakemake_is_removed_by_the_same_command(slow: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = start(slow, folder, SLOW="after")
    wait_for(run, folder)
    run.kill()
    run.wait()
    assert (folder / ".snakemake" / "locks" / "0.output.lock").exists()
    again = start(slow, folder)
    assert again.wait(timeout=120) == 0, (folder / "said").read_text()
    assert "0.output.lock: left by a run that was killed; removed" in (folder / "said").read_text()
    assert (folder / TARGET).exists()
    assert list((folder / ".snakemake").glob("semalign.run.*")) == []
