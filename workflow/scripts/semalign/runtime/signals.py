"""How a job, and Snakemake, are stopped: where nothing is lost, and never leaving one another behind."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import psutil

from semalign.runtime import warm_server
from semalign.runtime.processes import alive

SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_OF_ONE_REQUEST = 5  # a whole process group is told to stop, and then told again by the process that started it


class Stopped(Exception):
    """The job was asked to stop, has kept what it had, and can be resumed."""


_stop = threading.Event()


def stopping() -> bool:
    """Whether the job was asked to stop."""
    return _stop.is_set()


def _requests() -> list[signal.Signals]:
    """The signals that ask a process to stop. One that is ignored, as SIGHUP is under nohup, stays so."""
    always = [signal.SIGTERM, signal.SIGINT]
    return always if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else [*always, signal.SIGHUP]


def exit_on_signals(log: str | None = None) -> None:
    """End at once when asked to stop: for a job whose work is short.

    log: a file to say so in, for a job whose output does not go there yet; it then ends without any cleaning up.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        said = f"stopped by {signal.Signals(number).name}\n".encode()
        with contextlib.suppress(OSError):  # a terminal that is gone
            os.write(2, said)
        if log is None:
            raise SystemExit(128 + number)
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(log) or ".", exist_ok=True)
            with open(log, "wb") as file:
                file.write(said)
        os._exit(128 + number)

    for number in _requests():
        signal.signal(number, leave)


def exit_while_importing() -> None:
    """Within a job of Snakemake, until its work begins: end at once when asked to stop, and say so in its log."""
    logs = getattr(getattr(sys.modules["__main__"], "snakemake", None), "log", None)
    if threading.current_thread() is threading.main_thread() and logs:
        of_a_training = "SEMALIGN_RANK_FOLDER" in os.environ  # whose own process tells what happened
        exit_on_signals(os.devnull if of_a_training else str(logs[0]))


@contextmanager
def stop_on_signals(at_once: bool = True) -> Iterator[None]:
    """Within the block SIGTERM, SIGINT and SIGHUP ask the job to stop where it loses nothing; a second ends it at once.

    SIGTERM and SIGHUP within seconds of the first belong to the same request. Not `at_once`: however often it is
    asked, by whomever, it stops where it loses nothing.
    """
    asked_at = 0.0

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked_at
        again = _stop.is_set()
        same = number != signal.SIGINT and time.monotonic() < asked_at + SECONDS_OF_ONE_REQUEST
        if again and (same or not at_once):
            return
        _stop.set()
        asked_at = time.monotonic()
        name = signal.Signals(number).name
        with contextlib.suppress(OSError):  # a terminal that is gone
            os.write(2, (f"stopped by {name}\n" if again else f"{name}: stopping at the next step\n").encode())
        if again:
            raise SystemExit(128 + number)

    before = {number: signal.signal(number, ask) for number in _requests()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow(pid: int) -> None:
    """Send this process SIGTERM when `pid`, which started it, is gone: no job outlives a killed workflow."""

    def watch() -> None:
        while alive(pid):
            time.sleep(SECONDS_BETWEEN_LOOKS)
        os.write(2, f"process {pid}, which started this one, is gone\n".encode())
        os.kill(os.getpid(), signal.SIGTERM)

    if alive(pid):  # not so in a container with processes of its own
        threading.Thread(target=watch, daemon=True).start()


def stop_before_any_job() -> None:
    """For Snakemake itself, until its jobs begin: end at once on SIGTERM and SIGHUP, and say so."""

    def leave(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(OSError):
            os.write(2, f"semalign: stopped by {signal.Signals(number).name} before any job began\n".encode())
        os._exit(128 + number)

    _handle_terminations(leave)


def pass_on_terminations() -> None:
    """For Snakemake itself, once its scheduler runs: on SIGTERM and SIGHUP stop that and tell its jobs, which keep what
    they have.

    Snakemake's own handler takes a lock that the thread it interrupts may hold, and then hangs for ever, so a thread of
    its own calls it here; and it would wait for its jobs to end, however long they take.
    """
    stop_scheduler = signal.getsignal(signal.SIGTERM)

    def stop() -> None:
        if callable(stop_scheduler):
            stop_scheduler(signal.SIGTERM, None)
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                # A job that started warm is told by the process that waits for it.
                if process.name().startswith("python") and warm_server.__file__ not in process.cmdline():
                    process.terminate()

    _handle_terminations(lambda number, frame: threading.Thread(target=stop, daemon=True).start())


def _handle_terminations(handler: Callable[[int, FrameType | None], None]) -> None:
    if threading.current_thread() is not threading.main_thread():  # as a library within another program
        return
    for number in set(_requests()) - {signal.SIGINT}:
        signal.signal(number, handler)
