"""How far a job is: a plain line every few seconds, in its log and where Snakemake's own output goes.

Several jobs share one terminal, a SLURM log or a file, so nothing is drawn over: each line stands by itself and names
its job. It changes no result.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

log = logging.getLogger("semalign")

SECONDS = "SEMALIGN_PROGRESS_SECONDS"  # between two lines of a job
ON_A_TERMINAL, ELSEWHERE = 10.0, 30.0

_heard: list[tuple[str, int]] = []  # the job's name, and where else its lines go


@contextmanager
def heard(job: str, descriptor: int) -> Iterator[None]:
    """Within the block lines of progress are written to this descriptor too, each beginning with the job's name."""
    _heard.append((job, descriptor))
    try:
        yield
    finally:
        _heard.pop()


def seconds_between_lines() -> float:
    """As the environment says; else 10 where Snakemake writes to a terminal and 30 where it does not."""
    with suppress(ValueError, KeyError):
        return float(os.environ[SECONDS])
    return ON_A_TERMINAL if any(os.isatty(descriptor) for _, descriptor in _heard) else ELSEWHERE


class Progress:
    """How much of `total` is done. `unit`: what is counted; done, tokens: what an earlier, killed run left.

    The remaining time and the tokens a second are this process's own. Where `tokens` is None they count from the first
    number that `update` is given. `brief`: of what ends before a line was due nothing is said at all.
    """

    def __init__(
        self,
        unit: str,
        total: int,
        done: int = 0,
        tokens: int | None = None,
        brief: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.unit, self.total, self._clock = unit, total, clock
        self._first = done
        self._started = self._spoke = clock()
        self._tokens = None if tokens is None else (tokens, self._started)
        self._seconds = seconds_between_lines()
        self._brief, self._ended = brief, False

    def update(
        self,
        done: int,
        tokens: float | None = None,
        left: float | None = None,
        figures: Mapping[str, float | str] | None = None,
    ) -> None:
        """Say how far it is where a line is due, and at the end.

        tokens: all so far. left: seconds to go, where the caller knows better than the mean speed. figures: shown by
        their names.
        """
        now = self._clock()
        if tokens is not None and self._tokens is None:
            self._tokens = int(tokens), now
        ends = done >= self.total
        if self._ended or not (ends or now - self._spoke >= self._seconds):
            return
        self._spoke, self._ended = now, ends
        elapsed = now - self._started
        parts = [f"{self.unit} {done:,}/{self.total:,}"]
        parts += [f"{name} {_shown(value)}" for name, value in (figures or {}).items()]
        if tokens is not None and self._tokens is not None and now > self._tokens[1]:
            parts.append(f"{(tokens - self._tokens[0]) / (now - self._tokens[1]):,.0f} tokens/s")
        if ends:
            parts.append(f"all in {duration(elapsed)}")
        else:
            if left is None and done > self._first:
                left = elapsed / (done - self._first) * (self.total - done)
            parts.append("time left unknown" if left is None else f"{duration(left)} left")
        text, short = ", ".join(parts), elapsed < self._seconds
        if not (short and self._brief):
            log.info("%s", text)
        if not short:  # the end of what was short is plain from Snakemake's own lines
            _tell(text)


def duration(seconds: float) -> str:
    """A time in words: 45 s, 1 min 12 s, 2 h 05 min, 3 d 4 h."""
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{minutes} min {whole % 60:02d} s" if minutes else f"{whole} s"


def say(text: str, terminal: bool = True) -> None:
    """Write a warning into the job's log and, where it matters to whoever waits, where Snakemake writes."""
    log.warning("%s", text)
    if terminal:
        _tell(text)


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _tell(text: str) -> None:
    """Write a line where Snakemake writes, whole at once. A closed terminal does not end the job."""
    for job, descriptor in _heard:
        with suppress(OSError):
            os.write(descriptor, f"{time.strftime('%H:%M:%S')} {job}: {text}\n".encode())
