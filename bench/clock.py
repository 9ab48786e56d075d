"""Times and peak memory of work that is the project's own, measured from outside it."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from bench.memory import peak_mib


@dataclass(frozen=True)
class Seconds:
    """Repeated measurements of one thing: their median, and the least and the greatest of them."""

    median: float
    least: float
    greatest: float
    repeats: int

    @classmethod
    def of(cls, values: list[float]) -> "Seconds":
        if not values:
            raise ValueError("nothing was measured: every repeat was a warm-up")
        return cls(median(values), min(values), max(values), len(values))


def wait(device: str) -> None:
    """Until the device has done what it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def release(device: str) -> None:
    """Give the device's memory back that trainers hold in cycles of references."""
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()


def now(device: str) -> float:
    """Seconds: by the clock when a GPU has done its work; on a CPU those that this process computed.

    On one thread these are the same but for what other processes take away.
    """
    wait(device)
    return time.process_time() if device == "cpu" else time.perf_counter()


def timed(work: Callable[[int], Any], repeats: int, warmup: int, device: str) -> Seconds:
    """Seconds of `work(number)`, called `warmup` + `repeats` times with its number; the warm-ups do not count."""
    values = []
    for number in range(warmup + repeats):
        started = now(device)
        work(number)
        values.append(now(device) - started)
    return Seconds.of(values[warmup:])


class StepClock:
    """Within the block, notes when each optimiser step of this process has ended, whoever makes it."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.ends: list[float] = []
        self.wall: list[float] = []

    def __enter__(self) -> "StepClock":
        self._hook = register_optimizer_step_post_hook(self._tick)
        return self

    def __exit__(self, *error: object) -> None:
        self._hook.remove()

    def _tick(self, *step: object) -> None:
        self.ends.append(now(self.device))
        self.wall.append(time.perf_counter())

    def a_step(self, cycle: int = 1, warmup: int = 1) -> Seconds:
        """Seconds a step, averaged over cycles of so many steps; the first `warmup` cycles do not count.

        What comes before the first step (model, data) is in none of them; what is done once a cycle (a generation that
        serves several steps) is in each.
        """
        marks = self.ends[cycle * warmup - 1 :: cycle]
        return Seconds.of([(end - start) / cycle for start, end in pairwise(marks)])

    def on_average(self) -> dict[str, float]:
        """Seconds a step (see `now`) from the end of the first to the end of the last, and the same by the clock."""
        steps = len(self.ends) - 1
        return {
            "seconds": (self.ends[-1] - self.ends[0]) / steps,
            "wall_seconds": (self.wall[-1] - self.wall[0]) / steps,
        }


class PeakMemory:
    """Within the block: the most memory that was allocated, of the GPU; on a CPU the process's peak so far."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.gib = 0.0

    def __enter__(self) -> "PeakMemory":
        if self.device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats()
        return self

    def __exit__(self, *error: object) -> None:
        if self.device.startswith("cuda"):
            self.gib = torch.cuda.max_memory_allocated() / 2**30
        else:
            self.gib = peak_mib() / 1024


def measured_cpu(threads: int) -> tuple[float, float]:
    """(operations, bytes) a second that a CPU attains: the best of ten float32 matrix products and of ten copies."""
    torch.set_num_threads(threads)
    size = 1024
    one, other = torch.rand(size, size), torch.rand(size, size)
    source, target = torch.rand(size * size * 16), torch.empty(size * size * 16)
    products = [timed(lambda number: torch.mm(one, other), 1, 0, "cpu").median for _ in range(10)]
    copies = [timed(lambda number: target.copy_(source), 1, 0, "cpu").median for _ in range(10)]
    return 2 * size**3 / min(products), 2 * source.nbytes / min(copies)
