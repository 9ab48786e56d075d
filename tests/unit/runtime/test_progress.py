"""Lines of progress by a clock of the test's own, and the last words of a run."""

import json
import logging
import os
import pty
from collections.abc import Iterator
from pathlib import Path

import pytest

from semalign.reporting.exit_summary import Failure, failures_told, results_made, states
from semalign.runtime.progress import (
    ELSEWHERE,
    ON_A_TERMINAL,
    SECONDS,
    Progress,
    duration,
    heard,
    seconds_between_lines,
)


class Clock:
    """Stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setenv(SECONDS, "10")
    return Clock()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    os.set_blocking(read, False)
    yield read, write
    for descriptor in (read, write):
        try:
            os.close(descriptor)
        except OSError:
            continue


def lines(read: int) -> list[str]:
    """What was told since the last look, without the time of day and the job's name, which every line has."""
    try:
        text = os.read(read, 65536).decode()
    except BlockingIOError:
        return []
    told = [line.split(" train_grpo mt/rl/0: ") for line in text.splitlines()]
    assert all(len(parts) == 2 and len(parts[0]) == len("13:59:59") for parts in told)
    return [words for _, words in told]


def test_a_line_is_told_where_it_is_due_and_at_the_end(
    clock: Clock, pipe: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with heard("train_grpo mt/rl/0", pipe[1]):
        progress = Progress("step", 200, clock=clock)
        for step in range(1, 201):
            clock.now += 0.5
            progress.update(step, tokens=1000 * step, figures={"reward": step / 100})
    told = lines(pipe[0])
    assert len(told) == 10  # every 20th step
    assert told[0] == "step 20/200, reward 0.2, 2,000 tokens/s, 1 min 30 s left"
    assert told[5] == "step 120/200, reward 1.2, 2,000 tokens/s, 40 s left"
    assert told[-1] == "step 200/200, reward 2, 2,000 tokens/s, all in 1 min 40 s"
    assert [record.getMessage() for record in caplog.records] == told


def test_what_is_left_is_by_the_speed_of_this_session(clock: Clock, pipe: tuple[int, int]) -> None:
    """Taken up at step 150, of which an earlier process made 149 in no time that matters here."""
    with heard("train_grpo mt/rl/0", pipe[1]):
        progress = Progress("step", 200, done=150, clock=clock)
        for step in range(151, 157):
            clock.now += 2
            progress.update(step, tokens=500_000 + 100 * step)
    # five steps in ten seconds, 45 are left; tokens are counted from the first number, that of step 151, on
    assert lines(pipe[0]) == ["step 155/200, 50 tokens/s, 1 min 30 s left"]


def test_what_ends_before_a_line_is_due_is_in_the_log_alone(
    clock: Clock, pipe: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with heard("train_grpo mt/rl/0", pipe[1]):
        for brief in (False, True):
            progress = Progress("text", 64, brief=brief, clock=clock)
            clock.now += 3
            progress.update(64)
            progress.update(64)  # an end is told once
    assert lines(pipe[0]) == []
    assert [record.getMessage() for record in caplog.records] == ["text 64/64, all in 3 s"]


def test_a_caller_may_know_better_how_long_it_takes(clock: Clock, pipe: tuple[int, int]) -> None:
    with heard("train_grpo mt/rl/0", pipe[1]):
        progress = Progress("settled", 100, clock=clock)
        clock.now += 10
        progress.update(90, left=300, figures={"spent": "0.10 of 4.00"})
        clock.now += 10
        progress.update(0)
    first, second = lines(pipe[0])
    assert first == "settled 90/100, spent 0.10 of 4.00, 5 min 00 s left"
    assert second == "settled 0/100, time left unknown"


def test_a_terminal_that_is_gone_ends_no_job(clock: Clock, pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with heard("train_grpo mt/rl/0", pipe[1]):
        progress = Progress("step", 2, clock=clock)
        clock.now += 20
        progress.update(1)


def test_lines_come_oftener_on_a_terminal(monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, int]) -> None:
    monkeypatch.delenv(SECONDS, raising=False)
    master, terminal = pty.openpty()
    with heard("job", terminal):
        assert seconds_between_lines() == ON_A_TERMINAL
    with heard("job", pipe[1]):
        assert seconds_between_lines() == ELSEWHERE
    monkeypatch.setenv(SECONDS, "2.5")
    assert seconds_between_lines() == 2.5
    os.close(master)
    os.close(terminal)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (72, "1 min 12 s"),
        (7500, "2 h 05 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_time_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def made(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_the_last_line_says_what_lies_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path))
    forms = (".csv", ".md", ".tex", ".json", ".csv.provenance.json")
    made(tmp_path, *(f"results/{name}{form}" for name in ("table1", "table3") for form in forms))
    made(tmp_path, "results/figures/reward.png", "results/figures/reward.svg", "results/base/model/config.json")
    assert results_made(["results/table3.csv"]) == "semalign: table3 is in results/table3.csv, .md, .tex and .json"
    several = ["results/table3.csv", "results/table1.csv", "results/figures/reward.svg", "results/base/model"]
    assert results_made(several).splitlines() == [
        "semalign: model is in results/base/model",
        "semalign: reward is in results/figures/reward.png and .svg",
        "semalign: table1 and table3 are in results/, each as .csv, .md, .tex and .json",
    ]
    monkeypatch.setenv("PWD", "/elsewhere")
    assert f"is in {tmp_path}/results/table3.csv" in results_made(["results/table3.csv"])


def test_the_last_lines_say_what_the_audit_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path))
    made(tmp_path, "results/table3.csv", "results/table1.csv")
    levels = {"mt/strong_sft/0": "ok", "mt/rl/0": "collapsed"}
    content = {"audit": {run: {"level": level} for run, level in levels.items()}, "remarks": ["Audit of mt/rl/0: bad."]}
    for name in ("table1", "table3"):
        (tmp_path / "results" / f"{name}.json").write_text(json.dumps(content))
    assert results_made(["results/table1.csv", "results/table3.csv"]).splitlines() == [
        "semalign: audit: ok: mt/strong_sft/0",
        "semalign: Audit of mt/rl/0: bad.",
        "semalign: table1 and table3 are in results/, each as .csv and .json",
    ]


def test_each_failed_job_is_told_with_its_last_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path))
    long, killed, stopped, empty = (tmp_path / f"{name}.log" for name in ("long", "killed", "stopped", "empty"))
    long.write_text("".join(f"line {n}\n" for n in range(40)) + "bar 1%\rbar 100%\n\nValueError: no\n")
    killed.write_text("13:59:59 step 3/8\n")
    stopped.write_text("13:59:59 step 3/8\n14:00:00 stopped; the same command resumes from here\n")
    empty.touch()
    jobs = [("b", long), ("a", killed), ("c", stopped), ("d", empty)]
    told = failures_told([Failure(name, [log.name]) for name, log in jobs])
    a, b, d, last = told.split("semalign: ")[1:]
    assert a.splitlines() == [
        "a failed",
        "  the last lines of killed.log:",
        "    13:59:59 step 3/8",
        "    (no error was written; it was ended from outside, perhaps for want of memory)",
    ]
    assert b.splitlines()[2:] == [*(f"    line {n}" for n in range(22, 40)), "    bar 100%", "    ValueError: no"]
    unknown = "it was ended from outside, perhaps for want of memory, or it could not start"
    assert d.splitlines()[1] == f"  empty.log: the job wrote nothing; {unknown}"
    assert last.startswith("3 jobs failed; fix that, then run the same command again")


AGAIN = "run the same command again, and it resumes from here: what was done is kept"


@pytest.mark.parametrize(
    ("text", "status", "stopped"),
    [
        ("stopped by SIGINT\n", None, True),
        ("stopped by SIGTERM\nUserWarning: an error of a library at exit\n", None, True),
        ("step 3/8\nSIGTERM: stopping at the next step\n", -9, True),  # a scheduler that does not wait
        ("step 3/8\nSIGTERM: stopping at the next step\nerror: disk full\n", 1, False),
        ("step 3/8\n", -15, True),
        ("step 3/8\n", 143, True),
        ("", 130, True),
        ("", 129, True),
        ("step 3/8\n", -9, False),
        ("step 3/8\n", 1, False),
        ("SIGTERM is what stopped by accident\n", None, False),
    ],
)
def test_a_job_that_was_stopped_did_not_fail(text: str, status: int | None, stopped: bool, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text(text)
    told = failures_told([Failure("a", [str(log)], status)])
    assert (told == f"semalign: stopped; {AGAIN}") == stopped
    assert failures_told([]) == f"semalign: stopped; {AGAIN}"


@pytest.mark.parametrize(
    ("status", "how"),
    [
        (-9, "it was ended from outside by SIGKILL, perhaps for want of memory"),
        (137, "it was ended from outside by SIGKILL, perhaps for want of memory"),
        (-11, "it was ended from outside by SIGSEGV"),
        (127, "it ended with status 127, and what it printed stands above"),
    ],
)
def test_of_a_job_without_a_word_it_is_told_how_it_ended(status: int, how: str, tmp_path: Path) -> None:
    """Also where an earlier run left a log."""
    log = tmp_path / "a.log"
    log.write_text("error: of an earlier run\n")
    told = failures_told([Failure("a", [str(log)], status)], states([str(log)])).splitlines()
    assert told[1].endswith(f"a.log: the job wrote nothing; {how}")
