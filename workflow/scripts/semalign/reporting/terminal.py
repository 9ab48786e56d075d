"""What Snakemake shows on a terminal while jobs run: a line for each that ends, how far the run is, what is left."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from statistics import fmean
from time import monotonic

from semalign.runtime.progress import duration

STREAM = "DefaultStreamHandler"
"""Snakemake's name for the handler that writes to the terminal; its log file has everything as ever."""
_SILENT = ("JOB_STARTED", "JOB_INFO", "JOB_FINISHED")
_SELECTING = "Select jobs to execute"


class OneLineAJob(logging.Formatter):
    """A filter and a formatter for that handler. `planned`: the rule of each job to come; `usual`: what formats all
    other records."""

    def __init__(
        self, planned: Iterable[str], usual: logging.Formatter | None, clock: Callable[[], float] = monotonic
    ) -> None:
        super().__init__()
        self._usual, self._clock = usual or logging.Formatter(), clock
        self._began = clock()
        self._to_come = Counter(planned)
        self._running: dict[int, tuple[str, str, float]] = {}
        self._ended: list[int] = []
        self._seconds: dict[str, list[float]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is shown: all but those that say that jobs are chosen, begin and end."""
        event = getattr(getattr(record, "event", None), "name", "")
        if event == "JOB_INFO":
            rule = getattr(record, "rule_name", "")
            name = str(getattr(record, "rule_msg", None) or rule).partition(", log:")[0]
            self._running[getattr(record, "jobid", -1)] = (rule, name, self._clock())
        if event == "JOB_FINISHED":
            self._ended.append(getattr(record, "job_id", -1))
        return event not in _SILENT and not str(record.msg).startswith(_SELECTING)

    def format(self, record: logging.LogRecord) -> str:
        if getattr(getattr(record, "event", None), "name", "") != "PROGRESS":
            return self._usual.format(record)
        done, total = getattr(record, "done", 0), getattr(record, "total", 0) or 1
        now, lines = self._clock(), list[str]()
        known = [self._running.pop(job) for job in self._ended if job in self._running]
        self._ended = []
        for rule, _, began in known:
            self._seconds.setdefault(rule, []).append(now - began)
            self._to_come[rule] -= 1
        left = f", {duration(self._left(now))} left" if done < total else f", all in {duration(now - self._began)}"
        for _, name, began in known:
            lines.append(f"{done} of {total} steps ({done / total:.0%}) done{left}: {name} in {duration(now - began)}")
        return "\n".join(lines) or f"{done} of {total} steps ({done / total:.0%}) done{left}"

    def _left(self, now: float) -> float:
        """Seconds to go: as long as each rule's jobs took so far, a rule not seen yet like the mean of all jobs, and as
        many at a time as until now."""
        means = {rule: fmean(seconds) for rule, seconds in self._seconds.items()}
        spent = [seconds for of in self._seconds.values() for seconds in of]
        if not spent:
            return 0.0
        at_once = max(1.0, sum(spent) / max(now - self._began, 1e-9))
        to_come = sum(n * means.get(rule, fmean(spent)) for rule, n in self._to_come.items() if n > 0)
        running = sum(now - began for _, _, began in self._running.values())
        return max(0.0, to_come - running) / at_once


def one_line_a_job(log: logging.Logger, planned: Iterable[str]) -> None:
    """Let Snakemake's terminal show a line a job. Where it has no such handler, or shows all there is (--verbose), it
    stays as it is."""
    for handler in log.handlers:
        if handler.name == STREAM and log.level > logging.DEBUG:
            shown = OneLineAJob(planned, handler.formatter)
            handler.addFilter(shown)
            handler.setFormatter(shown)
