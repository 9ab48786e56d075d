"""Jobs and Snakemake are killed at random moments; the same command, run again, ends as if nothing had happened.

The tests begin where data, base and encoders are made. `make soak` begins with nothing and kills many more times.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from semalign.reporting.performance import benchmark_of, records
from semalign.runtime import warm_server, warm_start
from tests.conftest import ROOT
from tests.workflow.run import command, differing

OVERLAYS = [ROOT / "tests" / "workflow" / name for name in ("tiny.yaml", "saving.yaml")]
TARGETS = ["results/table3.csv"]
SOAK = "SEMALIGN_KILLS" in os.environ
KILLS = int(os.environ.get("SEMALIGN_KILLS", "5"))


def jobs_of(snakemake: psutil.Process) -> list[psutil.Process]:
    """The processes of running scripts: those that Snakemake started, and their forks."""
    found = []
    for process in snakemake.children(recursive=True):
        try:
            call = process.cmdline()
            forked = warm_server.__file__ in call and process.ppid() != snakemake.pid
            if forked or (any(".snakemake/scripts" in part for part in call) and "python" in process.name()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def kill(run: "subprocess.Popen[bytes]", dice: random.Random) -> str:
    """Send a signal to a running job, or to Snakemake where the dice, or a lack of jobs, say so; returns what."""
    number = dice.choice([signal.SIGTERM, signal.SIGKILL])
    jobs = jobs_of(psutil.Process(run.pid))
    victim = dice.choice(jobs) if jobs and dice.random() < 0.7 else psutil.Process(run.pid)
    try:
        name = " ".join(victim.cmdline())[-60:]
        victim.send_signal(number)
    except psutil.NoSuchProcess:
        return "nothing"
    return f"{number.name} to {name}"


def begin(folder: Path, untouched: Path) -> None:
    """A folder in which nothing that a task trains is made yet: enough jobs for a warm start."""
    if SOAK:
        folder.mkdir()
        return
    shutil.copytree(untouched, folder)
    for task in ("mt", "hg"):
        shutil.rmtree(folder / "results" / task)
    for table in (folder / "results").glob("table3.*"):
        table.unlink()


def unlock(folder: Path) -> None:
    """Do as a run says that finds a lock whose owner was killed before it could write down that it is its own."""
    snakemake = folder / ".snakemake"
    if list(snakemake.glob("locks/*.lock")) and not list(snakemake.glob("semalign.run.*.json")):
        subprocess.run(command(folder, *TARGETS, "--unlock", overlays=OVERLAYS), capture_output=True, check=True)


def finish(folder: Path, finished_results: Path, done: list[str]) -> None:
    """Run to the end, undisturbed, and compare every byte with a run that never was disturbed."""
    unlock(folder)
    ended = subprocess.run(
        command(folder, *TARGETS, overlays=OVERLAYS), capture_output=True, text=True, check=False, timeout=600
    )
    assert ended.returncode == 0, f"{done}\n{ended.stdout[-3000:]}{ended.stderr[-3000:]}"
    assert differing(finished_results, folder / "results") == [], done
    assert [path for path in (folder / "results" / "unfinished").rglob("*") if path.is_file()] == []


def test_killed_at_random_moments_it_ends_as_it_would_have(untouched: Path, tmp_path: Path) -> None:
    dice = random.Random(os.environ.get("SEMALIGN_KILL_SEED", "0"))
    folder, done = tmp_path / "0", list[str]()
    begin(folder, untouched)
    while len(done) < KILLS:
        unlock(folder)
        run = subprocess.Popen(
            command(folder, *TARGETS, overlays=OVERLAYS), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            status = run.wait(timeout=dice.uniform(4, 14))
        except subprocess.TimeoutExpired:
            done.append(kill(run, dice))
            print(done[-1], flush=True)
            run.wait(timeout=120)
        else:  # it came to its end between two kills: once more from the beginning
            assert status == 0, done
            finish(folder, untouched / "results", done)
            folder = tmp_path / str(len(done))
            begin(folder, untouched)
    finish(folder, untouched / "results", done)
    assert (tmp_path / "0" / warm_start.LOG).exists()


def test_jobs_that_start_warm_make_the_same_files(untouched: Path, tmp_path: Path) -> None:
    """Snakemake sees the memory of the process that waits, in which no library is imported."""
    folder = tmp_path / "warm"
    begin(folder, untouched)
    warm = tmp_path / "warm.yaml"
    warm.write_text("warm_start: true", encoding="utf-8")
    call = command(folder, *TARGETS, overlays=[OVERLAYS[0], warm])
    ended = subprocess.run(call, capture_output=True, text=True, check=False, timeout=600)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert differing(untouched / "results", folder / "results") == []
    made = records(folder / "results" / "hg")
    seen: Any = [pd.read_csv(folder / benchmark_of(one), sep="\t", na_values="-").at[0, "max_rss"] for one in made]
    forked = [one["rule"] for one, mib in zip(made, seen, strict=True) if mib < 100 < 400 < one["peak_memory_mib"]]
    assert {"generate", "score_similarity", "score_text"} <= set(forked)


@pytest.mark.parametrize("flock", ["fcntl.flock", "unsupported"])
def test_a_second_run_of_the_same_job_waits_for_the_first(flock: str, tmp_path: Path) -> None:
    """An orphan of a killed Snakemake may still be at work when the next one starts: never two at once."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); from semalign.runtime.workspace import opened\n"
        "import errno, fcntl\n"
        "def unsupported(*_): raise OSError(errno.ENOLCK, 'No locks available')\n"
        f"fcntl.flock = {flock}\n"
        "with opened('results/a/b', 'x', 1.0) as work:\n"
        "    mark = work.folder / 'mark'; assert not mark.exists(); mark.touch(); time.sleep(1); mark.unlink()"
    )
    one = [sys.executable, "-c", code, str(ROOT / "workflow" / "scripts")]
    runs = [subprocess.Popen(one, cwd=tmp_path) for _ in range(3)]
    started = time.monotonic()
    assert [run.wait() for run in runs] == [0, 0, 0]
    assert time.monotonic() - started > 2.5
    assert list((tmp_path / "results" / "unfinished").iterdir()) == []
