"""Config of few-shot examples and of stop strings."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from semalign.config.base import Count, Distinct, Seed, Strict, alike


def _not_empty(stop: str) -> str:
    if not stop:
        raise ValueError("is empty, and so stands before every answer; give a text, such as a line break")
    return stop


Stops = Annotated[list[Annotated[str, AfterValidator(_not_empty)]], Distinct]


class Shots(Strict):
    """Examples that stand before each prompt in the user's turn, the same for the base and every model."""

    count: Count = Field(description="how many")
    seed: Seed = Field(0, description="of the draw")
    separator: str = Field("\n\n", description="after each example")


class AnsweredShots(Shots):
    """Examples of what is answered."""

    delimiter: str = Field(" ", description="between an example's prompt and its answer")


def check_drawn_elsewhere(sources: Sequence[Any], test: Sequence[Any]) -> None:
    """Raises ValueError where examples come from a file of the test set."""
    if any(alike(one) == alike(other) for one in sources for other in test):
        raise ValueError("shots.source: names a source of test, too; examples are never drawn from a test set")
