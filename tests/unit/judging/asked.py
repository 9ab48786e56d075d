"""A language model asked to judge by the project's own functions, and what the tests of it share."""

from collections.abc import Callable
from typing import Any

import pytest

from semalign.config.judge import LlmJudge
from semalign.judging import cache
from semalign.judging.models import judge_with_models
from semalign.judging.protocol import comparisons
from semalign.judging.templates import read_template
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from tests.unit.chat_server import ChatServer, Reply, Request, longer

TEMPLATE = read_template("mt", {"mt": "translation_zh_bo"}, "")
KEY = "test-key-3f9a7c51d2"


def settings(server: ChatServer, **changes: Any) -> LlmJudge:
    given = {
        "kind": "openai",
        "model": "judge-1",
        "base_url": server.url,
        "api_key_env": "TEST_JUDGE_KEY",
        "prices": None,
        "first_wait": 0.01,
        "longest_wait": 0.05,
        "timeout": 10,
        "self_agreement": 0.0,
    }
    return LlmJudge.model_validate(given | changes)


def systems(n: int) -> tuple[list[Row], list[Row]]:
    """Answers of which the first system's is longer at even items, the second's at odd ones."""
    outputs = [("ཀ" * (3 if i % 2 == 0 else 1) + str(i), "ཀ" * 2 + str(i)) for i in range(n)]
    first, second = (
        [{"id": f"i{i}", "source": f"来源{i}", "output": pair[side]} for i, pair in enumerate(outputs)]
        for side in (0, 1)
    )
    return first, second


def judged(
    judge: LlmJudge, n: int = 4, seed: int = 0, others: int = 0, check: Callable[[], None] = lambda: None
) -> list[Row]:
    first, second = systems(n)
    with cache.opened() as answers:
        asked = comparisons(first, second, seed)
        ids = [row["id"] for row in first]
        return judge_with_models(judge, TEMPLATE, ids, asked, seed, answers, others, check)


def winners(rows: list[Row]) -> list[int | None]:
    return [row["winner"] for row in rows]


def misbehaving(*replies: Reply) -> Callable[[Request], Reply]:
    """The replies to the first askings of every prompt; then a proper answer."""
    return lambda request: replies[request.time - 1] if request.time <= len(replies) else longer(request)


def message(of: Callable[[], Any]) -> str:
    with pytest.raises(InputError) as raised:
        of()
    return str(raised.value)
