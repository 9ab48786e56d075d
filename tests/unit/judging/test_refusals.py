"""What a server refuses of one item, of all, or only for the moment; and asking again."""

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from semalign.judging import cache
from semalign.judging.protocol import comparisons
from tests.conftest import ROOT
from tests.unit.chat_server import ChatServer, Reply, Request, completion, error, longer
from tests.unit.judging.asked import judged, message, misbehaving, settings, systems, winners


def says(status: int, body: Any) -> Reply:
    return Reply(status, body)


OF_AN_ITEM = {
    "DeepSeek": error(400, "invalid_request_error", "Content Exists Risk"),
    "llama.cpp": says(400, {"error": {"code": 400, "message": "too big", "type": "exceed_context_size_error"}}),
    "OpenAI": error(400, "content_policy_violation", "Your request was rejected by our safety system"),
    "Azure": error(400, "content_filter", "The response was filtered due to the prompt"),
    "Anthropic": says(400, {"type": "error", "error": {"type": "invalid_request_error", "message": "bad text"}}),
    "vLLM": says(400, {"object": "error", "message": "maximum context length is 4096", "type": "BadRequestError"}),
    "DashScope": says(400, {"code": "DataInspectionFailed", "message": "inappropriate content", "request_id": "1"}),
    "Gemini": says(400, [{"error": {"code": 400, "message": "blocked", "status": "INVALID_ARGUMENT"}}]),
    "OpenRouter": error(403, "403", "Your input was flagged"),
    "a firewall": Reply(403, b"<html><h1>Attack detected</h1></html>"),
    "too large": Reply(413, b""),
    "FastAPI": says(422, {"detail": [{"loc": ["body"], "msg": "no lone surrogates", "type": "value_error"}]}),
    "404": says(404, {"error": "no such thing"}),
    "vLLM's limit": says(400, {"error": {"message": "must be smaller", "param": "max_tokens", "code": 400}}),
    "a context error with 500": says(500, {"error": {"code": 500, "message": "the context size is exceeded"}}),
    "200 with an error of the request": says(200, {"error": {"code": 400, "message": "Content Exists Risk"}}),
    "Gemini's count": says(400, [{"error": {"code": 400, "message": "The input token count (9) exceeds the maximum"}}]),
    "LiteLLM": says(400, {"error": {"message": "litellm.ContentPolicyViolationError: AzureException", "code": "400"}}),
    "200 with a vendor's words": says(200, {"code": "DataInspectionFailed", "message": "inappropriate", "data": None}),
}


def refusing(items: set[int], reply: Reply, otherwise: Callable[[Request], Reply] = longer) -> Any:
    return lambda request: reply if any(f"来源{i}\n" in request.prompt for i in items) else otherwise(request)


@pytest.mark.parametrize("name", OF_AN_ITEM)
def test_a_refusal_of_one_item_belongs_to_it_and_is_not_asked_again(server: ChatServer, name: str) -> None:
    server.behave = refusing({1}, OF_AN_ITEM[name])
    rows = judged(settings(server, max_retries=1, parameters={"max_tokens": 50}, concurrency=1))
    assert winners(rows) == [1, None, 1, 2]
    assert rows[1]["problems"] == {"forward": "refused by the server", "backward": "refused by the server"}
    asked = sum(server.asked.values())
    assert asked == 8
    assert judged(settings(server, parameters={"max_tokens": 50})) == rows
    assert sum(server.asked.values()) == asked


def test_the_reason_is_the_servers_own_words(server: ChatServer) -> None:
    server.behave = refusing({1}, OF_AN_ITEM["DeepSeek"])
    assert judged(settings(server))[1]["reasons"]["forward"] == "Content Exists Risk"


@pytest.mark.parametrize("pilot", [1, 20])
def test_a_pilot_whose_first_items_are_refused_goes_on(server: ChatServer, pilot: int) -> None:
    order = [comparison.item for comparison in comparisons(*systems(30), 0)]
    first = {int(item[1:]) for item in dict.fromkeys(order)} - {int(item[1:]) for item in order[24:]}
    assert len(first) == 12
    server.behave = refusing(first, error(400, None, "not this one"))
    rows = judged(settings(server, pilot=pilot), n=30)
    assert {int(row["id"][1:]) for row in rows if row["winner"] is None} == first
    assert sum(server.asked.values()) == 60


@pytest.mark.parametrize("reply", [error(400, None, "no such field"), Reply(body=b"<html>sign in</html>")])
def test_what_all_items_get_ends_the_run_and_is_asked_again_once_it_is_corrected(
    server: ChatServer, reply: Reply
) -> None:
    server.behave = lambda request: reply
    said = message(lambda: judged(settings(server, concurrency=1), n=30))
    assert ("no such field" if reply.status == 400 else "sends no chat completion but 200: sign in") in said
    assert "check judge.model (judge-1)" in said
    assert len(server.asked) <= 40
    server.behave = longer
    assert winners(judged(settings(server), n=30)) == [1, 2] * 15


@pytest.mark.parametrize("code", [None, "context_length_exceeded"])
def test_a_server_that_begins_to_refuse_everything_ends_the_run(server: ChatServer, code: str | None) -> None:
    def behave(request: Request) -> Reply:
        return longer(request) if sum(server.answered.values()) < 20 else error(400, code, "model is gone")

    server.behave = behave
    said = message(lambda: judged(settings(server, concurrency=1), n=60))
    assert "model is gone" in said
    assert "it answered items before" in said
    server.behave = longer
    assert winners(judged(settings(server), n=60)) == [1, 2] * 30


def test_many_refusals_in_a_row_belong_to_their_items_where_another_is_answered_still(server: ChatServer) -> None:
    order = list(dict.fromkeys(comparison.item for comparison in comparisons(*systems(60), 0)))
    refused = {int(item[1:]) for item in order[10:45]}
    server.behave = refusing(refused, error(400, None, "not this one"))
    rows = judged(settings(server, concurrency=1), n=60)
    assert {int(row["id"][1:]) for row in rows if row["winner"] is None} == refused
    assert sum(server.asked.values()) == 120 + 1  # one that was answered, once more


PASSING = {
    "a number": {"error": {"code": 429, "message": "slow down"}},
    "digits": {"error": {"code": "429"}},
    "a type": {"error": {"type": "rate_limit_error", "message": "slow"}},
    "Anthropic": {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    "vLLM": {"object": "error", "message": "engine is busy", "type": "ServiceUnavailableError", "code": 503},
    "Azure": {"message": "wait", "code": "RateLimitReached"},
    "FastAPI": {"detail": "Too many requests"},
    "a string": {"error": "model is loading"},
    "a fraction": {"error": {"code": 429.0}},
    "Baidu": {"error_code": 18, "error_msg": "Open api qps request limit reached"},
    "Gemini": [{"error": {"code": 503, "status": "UNAVAILABLE", "message": "later"}}],
    "MiniMax": {"choices": None, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
    "OpenRouter": {"choices": [{"error": {"code": 502}, "finish_reason": "error", "message": {"content": ""}}]},
    "a gateway": b"upstream connect error or disconnect/reset before headers",
    "text": "Internal error",
    "no word of it": {"error": {"message": "it broke"}},
}


@pytest.mark.parametrize("name", PASSING)
def test_an_error_inside_a_success_is_waited_out(server: ChatServer, name: str) -> None:
    server.behave = misbehaving(*[Reply(body=PASSING[name])] * 3)
    rows = judged(settings(server))
    assert winners(rows) == [1, 2, 1, 2]
    assert all(row["attempts"] == {"forward": 1, "backward": 1} for row in rows)


@pytest.mark.parametrize(
    "body", ['{"error": {"code": 429}}', "<html>", '{"choices": [{"mess', '{"detail": "busy"}', '"\\ud83d"']
)
def test_errors_that_an_earlier_version_kept_as_answers_are_asked_again(server: ChatServer, body: str) -> None:
    judged(settings(server))
    with contextlib.closing(sqlite3.connect("results/judge_cache/answers.sqlite")) as connection, connection:
        connection.execute("UPDATE answers SET body = ? WHERE request LIKE '%来源1\\n%'", (body,))
    assert winners(judged(settings(server))) == [1, 2, 1, 2]
    assert sum(server.asked.values()) == 8 + 2


def test_only_what_has_no_verdict_is_asked_again(server: ChatServer) -> None:
    """One item is refused, one gets no verdict, one a page: six questions of twenty."""

    def behave(request: Request) -> Reply:
        none = refusing({5}, Reply(body=b"<html>"))
        return refusing({1}, error(400, None, "no"), refusing({3}, Reply(body=completion("hm")), none))(request)

    server.behave = behave
    prices = {"prices": {"input": 1000.0, "output": 1000.0}, "parameters": {"max_tokens": 100}, "ceiling": 1000.0}
    judge = settings(server, **prices)
    rows = judged(judge, n=10)
    assert [row["id"] for row in rows if row["winner"] is None] == ["i1", "i3", "i5"]
    with cache.opened() as answers:
        before = sum(1 for _ in answers.all())
    tool = [sys.executable, str(ROOT / "tools" / "judge_again.py")]
    told = subprocess.run(tool, capture_output=True, text=True, check=True).stdout
    assert told.startswith("6 questions have no verdict (")
    assert "refused by the server 2" in told
    asked = sum(server.asked.values())
    server.behave = refusing({1}, error(400, None, "no"))
    rows = judged(judge, n=10)
    assert [row["id"] for row in rows if row["winner"] is None] == ["i1"]
    assert sum(server.asked.values()) == asked + 6
    with cache.opened() as answers:
        assert sum(1 for _ in answers.all()) == before + 6  # nothing that was paid for is gone
    assert int(Path("results/judge_cache/asked_again").read_text()) == 1


FORMS = {
    "parts": [{"type": "text", "text": "I say "}, {"type": "text", "text": "[[1]]"}],
    "a verdict across parts": [{"type": "output_text", "text": "[["}, {"type": "output_text", "text": "1]]"}],
    "strings": ["so: ", "[[1]]"],
    "a thought before": [{"type": "thinking", "thinking": "[[2]]"}, {"type": "text", "text": "[[1]]"}],
    "a thought in parts": [{"type": "thinking", "thinking": [{"type": "text", "text": "[[2]]"}]}, "[[1]]"],
    "one part": {"type": "text", "text": "[[1]]"},
    "a value inside": [{"type": "text", "text": {"value": "[[1]]", "annotations": []}}],
    "half a surrogate pair": "\ud83d [[1]]",
    "a NUL": "\0 [[1]]",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_content_is_read_and_can_be_written_down(server: ChatServer, form: str) -> None:
    server.behave = lambda request: Reply(body=completion(FORMS[form]))
    rows = judged(settings(server), n=2)
    assert winners(rows) == [0, 0]  # the same slot in both orders
    assert "[[1]]" in rows[0]["reasons"]["forward"]
    assert "[[2]]" not in rows[0]["reasons"]["forward"]
    json.dumps(rows, ensure_ascii=False).encode()


USAGES: list[Any] = [10**400, -5, 3.5, "100", None, [], {}, True, float("nan"), 10**18]


@pytest.mark.parametrize("number", range(len(USAGES)))
def test_no_count_of_tokens_poisons_the_cache(server: ChatServer, number: int) -> None:
    server.behave = lambda request: Reply(body=completion("[[1]]", usage=(USAGES[number], 20)))
    paid = {"prices": {"input": 1.0, "output": 1.0}, "parameters": {"max_tokens": 100}, "ceiling": 1.0}
    rows = judged(settings(server, **paid))
    assert judged(settings(server, **paid)) == rows
    assert rows[0]["input_tokens"] == 0


ODD_BODIES = {
    "5000 digits": b'{"id": ' + b"9" * 5000 + b', "choices": [{"message": {"content": "[[1]]"}}]}',
    "a BOM": b"\xef\xbb\xbf" + json.dumps(completion("[[1]]")).encode(),
    "bytes that are no UTF-8": json.dumps(completion("x [[1]]")).encode().replace(b"x", b"\xff\xfe"),
    "a list as the end": json.dumps(completion("[[1]]", finish=["stop"])).encode(),  # type: ignore[arg-type]
    "ten megabytes": json.dumps(completion("<think>" * 1_400_000 + "</think>[[1]]")).encode(),
}


@pytest.mark.parametrize("name", ODD_BODIES)
def test_an_odd_body_with_a_verdict_is_read(server: ChatServer, name: str) -> None:
    server.behave = lambda request: Reply(body=ODD_BODIES[name])
    assert winners(judged(settings(server), n=1)) == [0]


UNREADABLE: dict[str, Reply] = {
    "nested": Reply(body=b"[" * 100_000),
    "no object": Reply(body=b"17"),
    "a message that is a text": Reply(body={"choices": [{"message": "[[1]]"}]}),
    "another protocol": Reply(body={"type": "message", "content": [{"type": "text", "text": "[[1]]"}]}),
    "a stream": Reply(body=b'data: {"choices": []}\n\ndata: [DONE]\n\n'),
    "nothing": Reply(204, b""),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_completion_is_an_answer_without_a_verdict(server: ChatServer, name: str) -> None:
    server.behave = refusing({2}, UNREADABLE[name])
    rows = judged(settings(server))
    assert winners(rows) == [1, 2, None, 2]
    assert rows[2]["attempts"] == {"forward": 3, "backward": 3}
    asked = sum(server.asked.values())
    assert judged(settings(server)) == rows
    assert sum(server.asked.values()) == asked


def test_a_body_that_cannot_be_unpacked_is_trouble(server: ChatServer) -> None:
    server.behave = misbehaving(Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"}))
    assert winners(judged(settings(server))) == [1, 2, 1, 2]
