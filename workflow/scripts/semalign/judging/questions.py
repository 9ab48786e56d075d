"""Questions to language models as judges, and what a pilot's must have brought."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from semalign.config.judge import Service
from semalign.judging.protocol import Comparison, Decision
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row

_SHOWN = 200  # characters of an answer in a message


@dataclass(frozen=True)
class Round:
    """Comparisons put to one service. `repeat` tells a second asking of the same service from the first."""

    service: Service
    repeat: int
    asked: Sequence[Comparison]


@dataclass
class Question:
    """What one call asks, whoever wants to know: comparisons of equal texts share it.

    answered: by the model, with a verdict or without. turn: held while it is asked, so that nobody else asks it too.
    """

    service: Service
    item: str
    request: Row
    turns: list[dict[str, str]]
    bound: float
    pilot: bool = False
    decision: Decision | None = None
    answered: bool = False
    cost: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False)


def by_service(questions: Iterable[Question]) -> list[list[Question]]:
    """The questions of each service."""
    found: dict[int, list[Question]] = {}
    for question in questions:
        found.setdefault(id(question.service), []).append(question)
    return list(found.values())


def check_readable(pilot: list[Question]) -> None:
    """Raise InputError where a model gave no verdict at all: the rest would be paid for nothing."""
    for of_service in by_service(pilot):
        model, decisions = of_service[0].service.model, [q.decision for q in of_service if q.decision]
        problems = Counter(decision.problem for decision in decisions)
        if not problems[None]:
            mostly = problems.most_common(1)[0][0]
            said = next(d.reason for d in decisions if d.problem == mostly) or ""
            shown = f", as {said[:_SHOWN]!r}" if said else ""
            raise InputError(
                f"judge: none of the pilot's {len(decisions)} calls to {model} gave a verdict (mostly: {mostly})"
                f"{shown}: look at the answers in results/judge_cache, then change the prompt or judge.parameters "
                "(is the limit of the answer too low?), or judge.pilot where these items alone are at fault; where "
                "the server was at fault, `make judge-again` lets them be asked again"
            )
