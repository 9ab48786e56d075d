"""How the processes of one training agree: who is the first, what it says, what each of them has.

In a training on one process there is nobody to agree with: every function then answers at once. All processes must call
the same functions in the same order.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
import torch.distributed as group

from semalign.runtime.errors import InputError

T = TypeVar("T")

# A process may wait while the first hashes a checkpoint; the job itself notices one that died.
PATIENCE = timedelta(hours=6)


def join(rank: int, processes: int, port: int, device: str) -> None:
    """Meet the other processes of this training at a port of this machine; each takes the GPU of its rank.

    Raises InputError where there are fewer GPUs than processes.
    """
    backend = "gloo"
    if device.startswith("cuda"):
        if torch.cuda.device_count() < processes:
            raise InputError(
                f"processes: {processes} of them need a GPU each, and this job sees {torch.cuda.device_count()}; lower "
                "processes, or give the job more GPUs"
            )
        torch.cuda.set_device(rank)
        backend = "cpu:gloo,cuda:nccl"
    store = group.TCPStore("127.0.0.1", port, is_master=False, timeout=timedelta(minutes=10))
    group.init_process_group(backend, store=store, rank=rank, world_size=processes, timeout=PATIENCE)
    gathered(rank)  # a process that ended before all were connected would look like a crash to the others


def leave() -> None:
    """Part from the other processes."""
    group.destroy_process_group()


def processes() -> int:
    """How many processes this training has."""
    return group.get_world_size() if group.is_initialized() else 1


def is_first() -> bool:
    """Whether this process writes the results."""
    return not group.is_initialized() or group.get_rank() == 0


def from_first(compute: Callable[[], T]) -> T:
    """What `compute` returns in the first process, in all of them; the others do not call it."""
    if not group.is_initialized():
        return compute()
    box: list[Any] = [compute() if is_first() else None]
    group.broadcast_object_list(box, src=0)
    return cast(T, box[0])


def gathered(value: T) -> list[T]:
    """Every process's value, in the order of their ranks, in all of them."""
    if not group.is_initialized():
        return [value]
    values: list[Any] = [None] * processes()
    group.all_gather_object(values, value)
    return values
