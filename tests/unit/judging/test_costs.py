"""Ceilings, pilots, and what a call costs."""

from typing import Any

from semalign.judging.templates import messages
from tests.unit.chat_server import ChatServer, Reply, completion
from tests.unit.judging.asked import TEMPLATE, judged, message, settings, winners

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
