"""Metrics that are functions: the user's own, and learned ones with a model.

A function is called with three lists of n texts, (outputs, references, sources), and, where its entry of the config
names a model, also with that path and the torch device. It returns n figures, one an item, whose mean is the score and
which the paired bootstrap draws from; or one number, a score of the whole that has no interval and no test. More is
better.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from statistics import fmean
from typing import Any

from semalign.config.metrics import FunctionMetric
from semalign.metrics.scores import check_aligned
from semalign.runtime.errors import InputError
from semalign.runtime.files import sha256
from semalign.runtime.user_functions import find_function, guarded, load_function, plain

ARGUMENTS = ("outputs", "references", "sources")
OF_MODELS = ("model", "device")


@dataclass(frozen=True)
class Function:
    """A metric's function, and what is said of a score of it."""

    entry: FunctionMetric
    folder: Path
    called: Callable[..., Any]
    more: tuple[Any, ...]

    def measure(self, outputs: Sequence[str], references: Sequence[str], sources: Sequence[str]) -> float | list[float]:
        """A figure an item, or one of the whole.

        Raises InputError where the function fails (with the user's line) and where it returns anything but n finite
        figures or one.
        """
        check_aligned(outputs, references)
        name, texts = f"metric {self.entry.function}", (list(outputs), list(references), list(sources))
        found = guarded(name, self.folder, lambda: plain(self.called(*texts, *self.more)))
        if not isinstance(found, list):
            return _figure(name, found, "the whole")
        if len(found) != len(outputs):
            raise InputError(f"{name}: returned {len(found)} figures for {len(outputs)} outputs")
        return [_figure(name, value, repr(text)) for value, text in zip(found, outputs, strict=True)]

    def signature(self, values: float | list[float]) -> str:
        """How a score was computed: the function, whether it is a mean, the hashes of its file and of its model, and
        the function's own attribute `signature`, where it has one."""
        file = find_function(self.entry.function, self.folder, "metrics")
        parts = [self.entry.function, "mean" if isinstance(values, list) else "corpus", f"sha256:{sha256(file)[:16]}"]
        if self.entry.model:
            parts.append(f"model:{self.entry.model.name}|model_sha256:{sha256(self.entry.model)[:16]}")
        said = getattr(self.called, "signature", None)
        return "|".join([*parts, *([said] if isinstance(said, str) else [])])


def load_metric(entry: FunctionMetric, folder: Path, device: str) -> Function:
    """A metric by its import path, looked up in a folder or in this project.

    Raises InputError where there is no such function.
    """
    function = load_function(entry.function, folder, "metric", ARGUMENTS + (OF_MODELS if entry.model else ()))
    return Function(entry, folder, function, (entry.model, device) if entry.model else ())


def _figure(name: str, value: Any, of: str) -> float:
    if isinstance(value, Real) and math.isfinite(float(value)):
        return float(value)
    raise InputError(f"{name}: returned {str(value)[:80]!r} for {of}; a finite number is needed")


def whole(values: float | list[float]) -> float:
    """The score: the figure of the whole, or the mean over items."""
    return fmean(values) if isinstance(values, list) else values
