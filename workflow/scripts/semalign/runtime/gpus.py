"""Which GPUs a job uses: as many as its rule claims, and none that another job of this machine uses."""

import fcntl
import logging
import os
import tempfile
import time
from pathlib import Path

log = logging.getLogger("semalign")

LOCKS = Path(tempfile.gettempdir()) / f"semalign-{os.getuid()}"
SECONDS_BETWEEN_TRIES = 0.5
_held: list[int] = []  # open until the process ends


def take(count: int) -> None:
    """Let this process, and those it starts, see so many GPUs and no other; to be called before CUDA is used.

    A trainer spreads its batch over all that it sees. The GPUs are the first that no other job of this user holds on
    this machine; where all are held, the job waits. `CUDA_VISIBLE_DEVICES` with no more than are asked for, as a
    cluster sets it, is taken as it is.
    """
    names = visible() if count else []
    assigned = "CUDA_VISIBLE_DEVICES" in os.environ and len(names) <= count
    if not assigned and count <= len(names):
        names = held(names, count, LOCKS)
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(names)


def visible() -> list[str]:
    """What CUDA calls the GPUs that this process may use."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [name for name in given.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def held(names: list[str], count: int, folder: Path) -> list[str]:
    """So many of the GPUs, which this process holds until it ends; waits for them."""
    folder.mkdir(mode=0o700, exist_ok=True)
    waited = False
    while True:
        taken = {name: descriptor for name in names if (descriptor := _lock(folder / f"gpu-{name}.lock")) is not None}
        for name in list(taken)[count:]:
            os.close(taken.pop(name))
        if len(taken) == count:
            _held.extend(taken.values())
            return list(taken)
        for descriptor in taken.values():  # two jobs with half of what they need would wait for each other
            os.close(descriptor)
        if not waited:
            log.info("GPU %s: other jobs of yours are at work there; waiting for their end", ", ".join(names))
            waited = True
        time.sleep(SECONDS_BETWEEN_TRIES)


def _lock(path: Path) -> int | None:
    """An open and locked file; None where another process has it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
