"""A job's own folder outside its outputs, where what it has done survives a kill.

Snakemake removes the outputs of a job that was interrupted, so checkpoints and half-made results lie in
`results/unfinished/<first output>/<hash of all that the result depends on>` until the job has ended.
"""

import errno
import fcntl
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from semalign.runtime.processes import has_ended, of_this_machine, own_mark
from semalign.runtime.signals import Stopped, stopping

log = logging.getLogger("semalign")

ROOT = Path("results/unfinished")
SECONDS_BETWEEN_TRIES = 0.5
SECONDS_TO_SEE_ANOTHER = 0.2  # that began at the same time
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@dataclass(frozen=True)
class Workspace:
    """What a job that can be resumed works with.

    folder: its own, under a lock as long as it runs. checkpoint_seconds: how often to save at most; a save may wait for
    the end of a step. gradient_checkpointing: whether a training computes activations twice instead of keeping them;
    None: on a GPU. audit: when a training whose rollouts have collapsed warns or ends, as the config has it. tracking:
    which experiment tracker is told the training's log (kind), in which project and as which run; None: none. None of
    them changes a result.
    """

    folder: Path
    checkpoint_seconds: float
    gradient_checkpointing: bool | None = None
    audit: Mapping[str, Any] | None = None
    tracking: Mapping[str, str] | None = None

    def check(self) -> None:
        """Raise Stopped if the job was asked to stop; call it where nothing would be lost."""
        if stopping():
            raise Stopped


def identity(**depends_on: Any) -> str:
    """A hash of everything that a result depends on, as JSON."""
    text = json.dumps(depends_on, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def opened(
    first_output: str, name: str, checkpoint_seconds: float, gradient_checkpointing: bool | None = None, **more: Any
) -> Iterator[Workspace]:
    """The workspace of the job that makes `first_output`, `name` being its identity; `more`: as in `Workspace`.

    Waits while another process works there. It is removed, with what older settings left beside it, when the block ends
    without an error; else it stays for the next run.
    """
    place = ROOT / first_output.removeprefix("results/").replace("/", "--")
    with locked(place.with_name(f"{place.name}.lock")):
        folder = place / name
        folder.mkdir(parents=True, exist_ok=True)
        for other in place.iterdir():
            if other != folder:
                log.info("%s: left by other settings, data or code; removed", other)
                shutil.rmtree(other)
        yield Workspace(folder, checkpoint_seconds, gradient_checkpointing, **more)
        shutil.rmtree(place)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, which is there only meanwhile. Raises Stopped where the job is to stop before."""
    waited = False
    while True:
        if stopping():
            raise Stopped
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+", encoding="utf-8") as file:
            # Where it is no longer there, its owner has ended and removed it between our two calls.
            if _lock(file) and _still_there(file, path):
                os.set_inheritable(file.fileno(), True)  # processes that work for this one hold it, too
                try:
                    yield
                finally:
                    if _mark_in(file) == own_mark() and _still_there(file, path):
                        path.unlink()
                return
        if not waited:
            log.info("%s: another process is at work with this; waiting for its end", path)
            waited = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def _lock(file: IO[str]) -> bool:
    """Try to lock a file, and write this process's mark into it; False where another process keeps it from that.

    On a file system without locks the mark alone keeps other processes of this machine from it.
    """
    seconds = 0.0
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        mark = _mark_in(file)
        if mark != own_mark() and of_this_machine(mark) and not has_ended(mark):
            return False
        seconds = SECONDS_TO_SEE_ANOTHER
        log.warning("this file system has no locks (%s): start no second run on another machine", error.strerror)
    file.truncate(0)
    file.write(own_mark())
    file.flush()
    time.sleep(seconds)
    return _mark_in(file) == own_mark()


def _mark_in(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def _still_there(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
