"""A server that fails, lies and dawdles; a key that is never shown."""

import threading
import time
from collections import Counter

import pytest

from semalign.runtime.signals import Stopped
from tests.unit.chat_server import ChatServer, Reply, Request, completion, error, longer
from tests.unit.judging.asked import KEY, judged, message, misbehaving, settings, winners

TROUBLE = {
    "429 without Retry-After": error(429, "rate_limit_exceeded"),
    "429 with Retry-After": error(429, "rate_limit_exceeded", Retry_After="0.05"),
    "429 with a date": error(429, None, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
    "429 with nonsense": error(429, None, Retry_After="soon"),
    "500": error(500, None),
    "503 without JSON": Reply(503, b"<html>busy</html>"),
    "a disconnect in the middle": Reply(body=completion("[[1]]"), cut=True),
    "a bad gateway": Reply(502, b""),
    "a bad gateway whose limits are new in an hour": Reply(502, b"", {"X-RateLimit-Reset": str(time.time() + 3600)}),
    "too many tokens a minute": error(429, None, "Too many tokens, please wait before trying again."),
    "LM Studio's model that was unloaded": Reply(400, {"error": "Model unloaded."}),
    "no capacity at Groq": error(498, "capacity_exceeded"),
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
    server.behave = lambda request: longer(request) if sum(server.answered.values()) < 2 else error(500, None)
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
        (error(402, None, "Insufficient Balance"), "nothing left to spend"),
        (
            Reply(400, [{"error": {"message": "API key not valid", "status": "INVALID_ARGUMENT"}}]),
            "TEST_JUDGE_KEY (400)",
        ),
        (error(400, None, f"Your credit balance is too low for {KEY}"), "nothing left to spend"),
        (Reply(200, {"error": {"type": "authentication_error", "message": "who?"}}), "TEST_JUDGE_KEY (400)"),
        (Reply(403, {"error": {"message": "Your API key was reported as leaked."}}), "TEST_JUDGE_KEY (403)"),
        (error(400, "budget_exceeded", "Budget has been exceeded!"), "nothing left to spend"),
        (error(404, "NotFoundError", "The model `judge-1` does not exist."), "does not exist.; check judge.model"),
        (error(404, "model_not_found", "no model judge-1"), "no model judge-1; check judge.model (judge-1)"),
        (error(400, "unsupported_parameter", "temperature is not supported"), "temperature is not supported; check"),
        (Reply(407, b"<html>a proxy's</html>"), "refuses with 407: a proxy's; check judge.model"),
    ],
)
def test_what_waiting_cannot_help_stops_at_once(server: ChatServer, reply: Reply, expected: str) -> None:
    server.behave = lambda request: reply
    said = message(lambda: judged(settings(server, concurrency=1, parameters={"top_k": 1})))
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


def test_a_missing_key_is_named_before_any_call(monkeypatch: pytest.MonkeyPatch, server: ChatServer) -> None:
    monkeypatch.delenv("TEST_JUDGE_KEY")
    assert winners(judged(settings(server))) == [1, 2, 1, 2]  # a local server needs none
    said = message(lambda: judged(settings(server, base_url="https://api.openai.com/v1")))
    assert "the environment variable TEST_JUDGE_KEY is not set: export it" in said


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
