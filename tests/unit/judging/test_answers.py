"""What is asked, and what becomes of answers, well-formed or not."""

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from semalign.judging import cache
from semalign.judging.models import judge_with_models
from semalign.judging.protocol import comparisons
from tests.unit.chat_server import ChatServer, Reply, Request, completion, error, longer
from tests.unit.judging.asked import TEMPLATE, judged, message, misbehaving, settings, winners


def test_each_item_in_both_orders_and_the_better_wins(server: ChatServer) -> None:
    rows = judged(settings(server, parameters={"temperature": 0, "max_tokens": 50, "top_k": 1}), n=30)
    assert winners(rows) == [1, 2] * 15
    assert len(server.asked) == 60
    assert set(server.asked.values()) == {1}
    assert all(row["consistent"] for row in rows)
    assert {row["swapped"] for row in rows} == {True, False}
    assert all("Decision: [[" in row["reasons"][order] for row in rows for order in ("forward", "backward"))
    body = server.bodies[0]
    assert {name: body[name] for name in body if name != "messages"} == {
        "model": "judge-1",
        "temperature": 0,
        "max_tokens": 50,
        "top_k": 1,
    }
    assert "strong_sft" not in json.dumps(server.bodies)
    assert (rows[0]["input_tokens"], rows[0]["output_tokens"]) == (200, 40)


def test_nothing_is_asked_twice(server: ChatServer) -> None:
    whole = judged(settings(server), n=10)
    server.behave = lambda request: error(500, None)
    assert judged(settings(server, concurrency=1, pilot=1, max_retries=0, timeout=1), n=10) == whole
    assert sum(server.asked.values()) == 20
    assert len(list(Path("results/judge_cache").iterdir())) == 1


@pytest.mark.parametrize("change", [{"model": "judge-2"}, {"parameters": {"temperature": 1}}])
def test_another_model_or_parameter_is_asked_anew(server: ChatServer, change: dict[str, Any]) -> None:
    judged(settings(server))
    judged(settings(server, **change))
    assert set(server.asked.values()) == {2}


def test_equal_texts_are_paid_once(server: ChatServer) -> None:
    first = [{"id": str(i), "source": "s", "output": "same"} for i in range(5)]
    with cache.opened() as answers:
        asked = comparisons(first, first, 0)
        ids = [row["id"] for row in first]
        rows = judge_with_models(settings(server), TEMPLATE, ids, asked, 0, answers, 0, lambda: None)
    assert winners(rows) == [0] * 5
    assert sum(server.asked.values()) == 1


BAD_ANSWERS = {
    "both verdicts": completion("[[1]] … [[2]]"),
    "null content": completion(None),
    "truncated JSON": b'{"choices": [{"message": {"content": "[[1]]"',
}


@pytest.mark.parametrize("bad", BAD_ANSWERS)
def test_an_answer_without_a_verdict_is_asked_for_again(server: ChatServer, bad: str) -> None:
    server.behave = misbehaving(Reply(body=BAD_ANSWERS[bad]), Reply(body=BAD_ANSWERS[bad]))
    rows = judged(settings(server))
    assert winners(rows) == [1, 2, 1, 2]
    assert all(row["attempts"] == {"forward": 3, "backward": 3} for row in rows)
    assert set(server.asked.values()) == {3}


def test_after_three_answers_without_a_verdict_an_item_is_unparsed(server: ChatServer) -> None:
    never = {f"ཀཀ{i}" for i in range(2)}
    server.behave = lambda request: (
        Reply(body=completion("[[1]] [[2]]"))
        if any(f"{text}\n" in request.prompt for text in never)
        else longer(request)
    )
    rows = judged(settings(server))
    assert winners(rows) == [None, None, 1, 2]
    assert rows[0]["problems"] == {"forward": "no single verdict", "backward": "no single verdict"}
    assert sum(server.asked.values()) == 4 * 3 + 4
    assert judged(settings(server)) == rows
    assert sum(server.asked.values()) == 4 * 3 + 4


def test_the_judge_again_and_a_second_judge(server: ChatServer) -> None:
    def by_model(request: Request) -> Reply:
        return longer(request) if request.body["model"] == "judge-1" else Reply(body=completion("[[0]]"))

    server.behave = by_model
    second = {"model": "judge-2", "base_url": server.url, "api_key_env": "TEST_JUDGE_KEY", "prices": None, "share": 0.5}
    rows = judged(settings(server, self_agreement=0.25, second=second), n=8)
    again = [row for row in rows if "again" in row]
    other = [row for row in rows if "second_judge" in row]
    assert (len(again), len(other)) == (2, 4)
    assert all(row["again"]["winner"] == row["winner"] for row in again)
    assert all(row["second_judge"]["winner"] == 0 for row in other)
    assert sum(server.asked.values()) == 2 * (8 + 2 + 4)
    judged(settings(server, self_agreement=0.25, second=second), n=8)
    assert sum(server.asked.values()) == 2 * (8 + 2 + 4)


def test_a_damaged_cache_is_named(server: ChatServer) -> None:
    Path("results/judge_cache").mkdir(parents=True)
    Path("results/judge_cache/answers.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 50)
    said = message(lambda: judged(settings(server)))
    assert "results/judge_cache/answers.sqlite" in said
    assert "restore it from a backup" in said


def test_a_cache_that_someone_holds_open_is_named(server: ChatServer) -> None:
    judged(settings(server))
    with contextlib.closing(sqlite3.connect("results/judge_cache/answers.sqlite")) as other:
        other.execute("BEGIN EXCLUSIVE")
        said = message(lambda: judged(settings(server)))
    assert "another program has it open: close that" in said
