"""What every text metric returns, and its floor: the score of unrelated text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from semalign.runtime.errors import InputError

Hypothesis = TypeVar("Hypothesis")
Reference = TypeVar("Reference")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Score:
    """A corpus score: value 0..1, the signature that tells how it was computed, the number of items."""

    value: float
    signature: str
    n: int


def check_aligned(hypotheses: Sequence[object], references: Sequence[object]) -> None:
    """Raise InputError unless there is a reference for each hypothesis, and at least one of both."""
    if len(hypotheses) != len(references):
        raise InputError(
            f"{len(hypotheses)} outputs but {len(references)} references: generate again from the same test set"
        )
    if not hypotheses:
        raise InputError("no outputs to score: the test set is empty")


def floor(
    measure: Callable[[Sequence[Hypothesis], Sequence[Reference]], Result],
    hypotheses: Sequence[Hypothesis],
    references: Sequence[Reference],
) -> Result | None:
    """The same metric with the references shifted by one, the last item taking the first reference.

    None for fewer than two items, which have no unrelated reference to take.
    """
    if len(references) < 2:
        return None
    return measure(hypotheses, [*references[1:], references[0]])
