"""What a terminal shows of a run: records as Snakemake makes them, a clock that the test sets."""

import io
import logging
from collections.abc import Callable
from typing import Any

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from semalign.reporting.terminal import STREAM, OneLineAJob, one_line_a_job

Say = Callable[..., str]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def say(clock: Clock) -> Say:
    """Log a record at a time; what the terminal shows of it."""
    shown = OneLineAJob(["train", "train", "score"], logging.Formatter("usual: %(message)s"), clock)

    def said(at: float, event: LogEvent | None, message: str = "", **extra: Any) -> str:
        clock.now = at
        record = logging.makeLogRecord({"msg": message, "event": event, "levelno": logging.INFO} | extra)
        return shown.format(record) if shown.filter(record) else ""

    return said


def begin(say: Say, at: float, job: int, rule: str, name: str) -> str:
    message = f"{rule} {name}, log: results/logs/{rule}/{name}.log"
    return say(at, LogEvent.JOB_INFO, jobid=job, rule_name=rule, rule_msg=message)


def end(say: Say, at: float, job: int, done: int) -> str:
    silent = say(at, LogEvent.JOB_FINISHED, f"Finished jobid: {job}", job_id=job)
    return silent + say(at, LogEvent.PROGRESS, done=done, total=3)


def test_a_job_is_told_once_when_it_ends(say: Say) -> None:
    assert begin(say, 0, 7, "train", "mt/rl/0") == ""
    # 100 s for one training; to come are another and a scoring, which counts as the mean of what is known
    assert end(say, 100, 7, 1) == "1 of 3 steps (33%) done, 3 min 20 s left: train mt/rl/0 in 1 min 40 s"
    begin(say, 100, 8, "score", "mt/rl/0")
    # now a scoring is known to take 10 s; left is a training of 100
    assert end(say, 110, 8, 2) == "2 of 3 steps (67%) done, 1 min 40 s left: score mt/rl/0 in 10 s"
    begin(say, 110, 9, "train", "mt/rl/1")
    assert end(say, 200, 9, 3) == "3 of 3 steps (100%) done, all in 3 min 20 s: train mt/rl/1 in 1 min 30 s"


def test_two_at_a_time_take_half_as_long(say: Say) -> None:
    begin(say, 0, 1, "train", "a")
    begin(say, 0, 2, "train", "b")
    assert end(say, 60, 1, 1).startswith("1 of 3 steps (33%) done, ")
    # 120 s of work in 60 s: what is left, a mean job of 60 s, takes 30
    assert end(say, 60, 2, 2) == "2 of 3 steps (67%) done, 30 s left: train b in 1 min 00 s"


def test_what_says_that_jobs_are_chosen_is_silent_and_all_else_is_as_usual(say: Say) -> None:
    assert say(0, None, "Select jobs to execute...") == ""
    assert say(0, LogEvent.JOB_STARTED, "Execute 2 jobs...") == ""
    assert say(0, None, "Building DAG of jobs...") == "usual: Building DAG of jobs..."
    assert say(0, LogEvent.JOB_ERROR, "Error in rule train:") == "usual: Error in rule train:"
    assert say(0, None, "", msg=None) == "usual: None"


@pytest.mark.parametrize(("name", "level", "changed"), [(STREAM, 20, True), ("other", 20, False), (STREAM, 10, False)])
def test_only_snakemakes_own_terminal_is_changed(name: str, level: int, changed: bool) -> None:
    log, stream = logging.Logger("of the test", level), io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.name = name
    log.addHandler(handler)
    one_line_a_job(log, ["train"])
    log.info("Select jobs to execute...")
    assert (stream.getvalue() == "") is changed
