"""A language model as the judge, against a real server that misbehaves on purpose."""

import contextlib
import json
import logging
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from semalign.config.judge import LlmJudge
from semalign.errors import InputError
from semalign.files import Row
from semalign.judging import cache
from semalign.judging.models import judge_with_models
from semalign.judging.protocol import comparisons
from semalign.judging.templates import messages, read_template
from semalign.signals import Stopped
from tests.conftest import ROOT
from tests.unit.chat_server import ChatServer, Reply, Request, completion, error, longer

TEMPLATE = read_template("mt", {})
KEY = "test-key-3f9a7c51d2"


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer().running() as running:
        yield running


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEST_JUDGE_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


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
    "empty content": completion(""),
    "cut off": completion("Decision: [[1]]", finish="length"),
    "no choices": {"choices": []},
    "a refusal": completion(None, refusal="no"),
    "thought alone": completion("<think>[[1]]"),
    "truncated JSON": b'{"choices": [{"message": {"content": "[[1]]"',
    "no JSON": b"<html>[[1]]</html>",
    "nothing": b"",
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


GOOD_SHAPES = [
    "[[ {} ]]",
    "［［{}］］",
    "<think>[[0]] [[1]] [[2]]</think>Decision: [[{}]]",
    "```\nDecision: [[{}]]\n```",
    "[[ {} ]]",
]


@pytest.mark.parametrize("shape", GOOD_SHAPES)
def test_verdicts_of_other_shapes(server: ChatServer, shape: str) -> None:
    def answer(request: Request) -> Reply:
        value = longer(request).body["choices"][0]["message"]["content"][-3]
        return Reply(body=completion(shape.format(value)))

    server.behave = answer
    assert winners(judged(settings(server))) == [1, 2, 1, 2]
    assert set(server.asked.values()) == {1}


TROUBLE = {
    "429 without Retry-After": error(429, "rate_limit_exceeded"),
    "429 with Retry-After": error(429, "rate_limit_exceeded", Retry_After="0.05"),
    "429 with a date": error(429, None, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
    "429 with nonsense": error(429, None, Retry_After="soon"),
    "500": error(500, None),
    "503 without JSON": Reply(503, b"<html>busy</html>"),
    "a disconnect in the middle": Reply(body=completion("[[1]]"), cut=True),
    "a bad gateway": Reply(502, b""),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_is_waited_out(server: ChatServer, trouble: str) -> None:
    server.behave = misbehaving(*[TROUBLE[trouble]] * 3)
    rows = judged(settings(server))
    assert winners(rows) == [1, 2, 1, 2]
    assert all(row["attempts"] == {"forward": 1, "backward": 1} for row in rows)
    assert set(server.asked.values()) == {4}


def test_retry_after_holds_for_every_call(server: ChatServer) -> None:
    times: list[float] = []
    lock = threading.Lock()

    def limited(request: Request) -> Reply:
        with lock:
            times.append(time.monotonic())
            first = len(times) == 1
        return error(429, None, Retry_After="0.6") if first else longer(request)

    server.behave = limited
    judged(settings(server, concurrency=1), n=3)
    assert times[1] - times[0] >= 0.6
    assert len(times) == 7


@pytest.mark.parametrize(
    "slow", [Reply(body=completion("[[1]]"), delay=1.5), Reply(body=completion("[[1]]"), drip=0.05)]
)
def test_a_call_that_takes_too_long_is_made_again(server: ChatServer, slow: Reply) -> None:
    """The second sends a byte now and then: no silence is long, the whole is."""
    server.behave = misbehaving(slow)
    started = time.monotonic()
    assert winners(judged(settings(server, timeout=0.5), n=2)) == [1, 2]
    assert time.monotonic() - started < 5


def test_trouble_without_end_stops_and_keeps_what_was_answered(server: ChatServer) -> None:
    server.behave = lambda request: longer(request) if "来源0" in request.prompt else error(500, None)
    said = message(lambda: judged(settings(server, max_retries=2, concurrency=2), n=4))
    assert "500, 3 times in a row" in said
    assert "no answer is paid twice" in said
    server.behave = longer
    assert winners(judged(settings(server), n=4)) == [1, 2, 1, 2]
    assert max(number for prompt, number in server.answered.items()) == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (
            error(401, "invalid_api_key", f"Incorrect API key provided: {KEY}"),
            "TEST_JUDGE_KEY (401): set it to",
        ),
        (error(429, "insufficient_quota"), "nothing left to spend"),
        (error(403, None, f"key {KEY} may not"), "refuses with 403"),
        (error(404, "model_not_found", "no model judge-1"), "no model judge-1; check judge.model (judge-1)"),
        (error(400, "unsupported_parameter", "temperature is not supported"), "temperature is not supported; check"),
        (error(422, None, "extra fields"), "refuses with 422"),
    ],
)
def test_what_waiting_cannot_help_stops_at_once(server: ChatServer, reply: Reply, expected: str) -> None:
    server.behave = lambda request: reply
    said = message(lambda: judged(settings(server, concurrency=1)))
    assert expected in said
    assert KEY not in said
    assert sum(server.asked.values()) == 1


def test_a_failure_lets_calls_under_way_end_and_keeps_them(server: ChatServer) -> None:
    def behave(request: Request) -> Reply:
        if "来源3<" in request.prompt.replace("\n", ""):
            return error(401, None)
        slow = longer(request)
        slow.delay = 0.3
        return slow

    server.behave = behave
    message(lambda: judged(settings(server, concurrency=8), n=8))
    answered = Counter(server.answered)
    server.behave = longer
    judged(settings(server), n=8)
    assert answered
    assert all(number == 1 for number in server.answered.values())


def test_an_item_that_the_server_refuses_is_unparsed_and_not_asked_again(server: ChatServer) -> None:
    too_long = error(400, "context_length_exceeded", f"too long for {KEY}")
    server.behave = lambda request: too_long if "来源1\n" in request.prompt else longer(request)
    rows = judged(settings(server))
    assert winners(rows) == [1, None, 1, 2]
    assert rows[1]["problems"]["forward"] == "refused by the server"
    assert sum(server.asked.values()) == 8
    assert KEY not in json.dumps(rows)


def test_a_missing_key_is_named_before_any_call(monkeypatch: pytest.MonkeyPatch, server: ChatServer) -> None:
    monkeypatch.delenv("TEST_JUDGE_KEY")
    assert winners(judged(settings(server))) == [1, 2, 1, 2]  # a local server needs none
    said = message(lambda: judged(settings(server, base_url="https://api.openai.com/v1")))
    assert "the environment variable TEST_JUDGE_KEY is not set: export it" in said


def test_the_key_is_sent_and_never_written(server: ChatServer, caplog: pytest.LogCaptureFixture) -> None:
    seen: set[str] = set()

    def echo(request: Request) -> Reply:
        seen.add(request.key)
        if request.time == 1:
            return error(500, None, f"internal error for {request.key}")
        return Reply(body=completion(f"Your key is {request.key}. [[1]]", key=request.key))

    server.behave = echo
    with caplog.at_level(logging.DEBUG):
        rows = judged(settings(server))
    assert seen == {KEY}
    assert "[key]" in json.dumps(rows)
    assert KEY not in caplog.text
    written = b"".join(file.read_bytes() for file in Path("results").rglob("*") if file.is_file())
    assert b"Your key is [key]" in written
    assert KEY.encode() not in written


def test_calls_are_made_so_many_at_a_time(server: ChatServer) -> None:
    def slow(request: Request) -> Reply:
        reply = longer(request)
        reply.delay = 0.05
        return reply

    server.behave = slow
    judged(settings(server, concurrency=3), n=10)
    assert server.most_at_once == 3


def test_a_stop_is_obeyed_between_calls_and_nothing_is_lost(server: ChatServer) -> None:
    def stop() -> None:
        if sum(server.answered.values()) >= 6:
            raise Stopped

    with pytest.raises(Stopped):
        judged(settings(server, concurrency=2), n=20, check=stop)
    assert sum(server.answered.values()) < 12
    assert winners(judged(settings(server), n=20)) == [1, 2] * 10
    assert set(server.asked.values()) == {1}


# What it costs: 100 tokens of a prompt and 20 of an answer, at 10 and 40 for a thousand: 1 + 0.8 a call.
PAID: dict[str, Any] = {"prices": {"input": 10_000.0, "output": 40_000.0}, "parameters": {"max_tokens": 100}}
BOUND = 4 + 0.01 * (64 + len(messages(TEMPLATE, "来源0", "ཀཀཀ0", "ཀཀ0")[0]["content"].encode()))


def test_the_ceiling_stops_before_it_is_passed(server: ChatServer) -> None:
    ceiling = 1.8 * 5 + BOUND  # five answers leave room for just one more, by its bound
    paid = settings(server, **PAID, ceiling=ceiling, pilot=100, concurrency=4)
    said = message(lambda: judged(paid, n=20))
    assert "raise the ceiling" in said
    assert sum(server.asked.values()) == 6
    assert winners(judged(settings(server, **PAID, ceiling=500.0), n=20)) == [1, 2] * 10
    assert set(server.asked.values()) == {1}


def test_a_ceiling_below_one_call_stops_before_the_first(server: ChatServer) -> None:
    message(lambda: judged(settings(server, **PAID, ceiling=BOUND / 2)))
    assert not server.asked


def test_the_pilot_foretells_the_whole_and_stops(server: ChatServer) -> None:
    """20 items: 36 calls after the pilot's 4, 1.8 each; with the pilot and two more comparisons 72 + 144."""
    paid = PAID | {"pilot": 2}
    said = message(lambda: judged(settings(server, **paid, ceiling=200.0), n=20, others=2))
    assert "the rest of this comparison costs about 64.80" in said
    assert "2 more to come about 144.00; with 7.20 spent that makes 216.00, above judge.ceiling 200.00" in said
    assert sum(server.asked.values()) == 4
    judged(settings(server, **paid, ceiling=217.0), n=20, others=2)
    assert sum(server.asked.values()) == 40


def test_a_pilot_without_any_verdict_stops(server: ChatServer) -> None:
    server.behave = lambda request: Reply(body=completion("thinking", finish="length"))
    said = message(lambda: judged(settings(server, pilot=2), n=20))
    assert "none of the pilot's 4 calls to judge-1 gave a verdict (mostly: ended by length)" in said
    assert sum(server.asked.values()) == 4 * 3


def test_what_a_finished_comparison_cost_counts_for_the_next(server: ChatServer) -> None:
    judged(settings(server, **PAID, ceiling=100.0), n=2)  # 7.2
    said = message(lambda: judged(settings(server, **PAID, ceiling=7.3), n=3, seed=1))
    assert "7.20 of judge.ceiling 7.30 is spent" in said
    assert judged(settings(server, **PAID, ceiling=0.0), n=2)  # all of it is there: nothing to pay


def test_an_answer_without_counted_tokens_costs_its_bound(server: ChatServer) -> None:
    server.behave = lambda request: Reply(body=completion("[[1]]", usage=None))
    said = message(lambda: judged(settings(server, **PAID, ceiling=1.5 * BOUND, concurrency=1)))
    assert f"judge: {BOUND:.2f} of judge.ceiling" in said


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


ITEMS = 1000

RUN = f"""
import sys, logging
sys.path[:0] = [{str(ROOT / "workflow" / "scripts")!r}, {str(ROOT)!r}]
from tests.unit.test_judging import judged, settings
class Server: url = sys.argv[1]
logging.basicConfig(level=logging.INFO)
rows = judged(settings(Server, concurrency=16, max_retries=20), n={ITEMS})
print(sum(row["winner"] == 1 + i % 2 for i, row in enumerate(rows)))
"""


def committed() -> set[str]:
    """Prompts whose answers are in the cache."""
    file = Path("results/judge_cache/answers.sqlite")
    with contextlib.closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT request FROM answers").fetchall()
    return {json.loads(request)["messages"][0]["content"] for (request,) in rows}


@pytest.mark.long
def test_thousands_of_calls_killed_and_resumed_none_lost_none_paid_twice(server: ChatServer) -> None:
    def troubled(request: Request) -> Reply:
        trouble = hash(request.prompt) % 50 if request.time == 1 else 50
        if trouble < 3:
            return [error(429, None), error(500, None), Reply(body=completion("[[1]]"), cut=True)][trouble]
        return longer(request)

    server.behave = troubled
    command = [sys.executable, "-c", RUN, server.url]
    for share in (0.2, 0.6):
        with open("log", "ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as run:
            while sum(server.answered.values()) < share * 2 * ITEMS:
                assert run.poll() is None, Path("log").read_text()
                time.sleep(0.02)
            run.send_signal(signal.SIGKILL)
    time.sleep(0.2)
    kept, paid = committed(), Counter(server.answered)
    assert len(kept) > 0.5 * 2 * ITEMS
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert ended.stdout.strip() == str(ITEMS)
    assert f"{2 * ITEMS} calls, {len(kept)} already answered" in ended.stderr
    assert all(server.answered[prompt] == paid[prompt] for prompt in kept)  # what was committed is not asked for again
    twice = [prompt for prompt, number in server.answered.items() if number > 1]
    assert len(twice) <= 2 * 16  # what was on its way when it was killed, no more
    assert len(server.answered) == 2 * ITEMS
