"""How a job, and Snakemake, are stopped: where nothing is lost, and never leaving one another behind."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import psutil

SECONDS_BETWEEN_LOOKS = 0.5


class Stopped(Exception):
    """The job was asked to stop, has kept what it had, and can be taken up again."""


_stop = threading.Event()


def stopping() -> bool:
    """Was the job asked to stop?"""
    return _stop.is_set()


def exit_on_signals() -> None:
    """End at once on SIGTERM and SIGINT: for a job whose work is short."""

    def leave(number: int, frame: FrameType | None) -> None:
        os.write(2, f"stopped by {signal.Signals(number).name}\n".encode())
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


@contextmanager
def stop_on_signals(at_once: bool = True) -> Iterator[None]:
    """Within the block SIGTERM and SIGINT ask the job to stop where it loses nothing; a second one ends it at once.

    Not `at_once`: however often it is asked, by whomever, it stops where it loses nothing.
    """

    def ask(number: int, frame: FrameType | None) -> None:
        if _stop.is_set():
            if at_once:
                raise SystemExit(128 + number)
            return
        _stop.set()
        os.write(2, f"{signal.Signals(number).name}: stopping at the next step\n".encode())

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow(pid: int) -> None:
    """Send this process SIGTERM when `pid`, which started it, is gone: no job outlives a killed workflow."""

    def watch() -> None:
        while _alive(pid):
            time.sleep(SECONDS_BETWEEN_LOOKS)
        os.write(2, f"process {pid}, which started this one, is gone\n".encode())
        os.kill(os.getpid(), signal.SIGTERM)

    if _alive(pid):  # not so in a container with processes of its own
        threading.Thread(target=watch, daemon=True).start()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def pass_on_terminations() -> None:
    """For Snakemake itself: let a thread take SIGTERM, stop its scheduler and tell its jobs, which keep what they have.

    Snakemake's own handler takes a lock that the thread it interrupts may hold, and then hangs for ever; and it would
    wait for its jobs to end, however long they take. They inherit that SIGTERM is blocked: see `exit_on_signals`.
    """

    def wait() -> None:
        while True:
            signal.sigwait({signal.SIGTERM})
            handler = signal.getsignal(signal.SIGTERM)
            if not callable(handler):  # nothing runs yet
                os._exit(128 + signal.SIGTERM)
            handler(signal.SIGTERM, None)
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if process.name().startswith("python"):
                        process.terminate()

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    threading.Thread(target=wait, daemon=True).start()
