"""How much of a job is model computation: the rest is start-up, data and bookkeeping."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

_blocks: list[float] = []
_started: list[float] = []  # of the blocks that have not ended


@contextmanager
def model_work() -> Iterator[None]:
    """Count the seconds of this block as model computation, once where such blocks stand within one another."""
    _started.append(time.perf_counter())
    try:
        yield
    finally:
        started = _started.pop()
        if not _started:
            _blocks.append(time.perf_counter() - started)


def count(seconds: float) -> None:
    """Count the seconds that another process computed for this one."""
    _blocks.append(seconds)


def model_seconds() -> float:
    """Seconds of model computation in this process so far."""
    return sum(_blocks)
