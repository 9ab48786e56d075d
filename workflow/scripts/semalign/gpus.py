"""Which GPUs a job uses: as many as its rule claims, and none that another job of this machine uses."""

import fcntl
import logging
import os
import tempfile
from pathlib import Path

log = logging.getLogger("semalign")

LOCKS = Path(tempfile.gettempdir()) / f"semalign-{os.getuid()}"
_held: list[int] = []  # open until the process ends


def take(count: int) -> None:
    """Let this process, and those it starts, see so many GPUs and no other; to be called before CUDA is used.

    A trainer spreads its batch over all that it sees. Where there are more GPUs than that, the first that no other job
    of this user holds; a cluster gives a job its own, and there is nothing to choose.
    """
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(free(visible(), count, LOCKS) if count else [])


def visible() -> list[str]:
    """What CUDA calls the GPUs that this process may use."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [name for name in given.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def free(names: list[str], count: int, folder: Path) -> list[str]:
    """So many of the GPUs, held by this process until it ends; where too few are free, those in use as well.

    All where there are no more than that.
    """
    if len(names) <= count:
        return names
    folder.mkdir(mode=0o700, exist_ok=True)
    taken: list[str] = []
    for name in names:
        if len(taken) < count and _held_now(folder / f"gpu-{name}.lock"):
            taken.append(name)
    if len(taken) < count:
        rest = [name for name in names if name not in taken][: count - len(taken)]
        log.warning("GPU %s: in use by another job; used all the same, since no other is free", ", ".join(rest))
        taken += rest
    return taken


def _held_now(path: Path) -> bool:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    _held.append(descriptor)
    return True
