"""Trouble that lasts: of one item, the very first too, or of a server that fails, at once or at the end."""

import pytest

from semalign.judging.protocol import comparisons
from semalign.judging.refusals import FEW
from tests.unit.chat_server import ChatServer, Reply, Request, completion, error, longer
from tests.unit.judging.asked import judged, message, settings, systems, winners
from tests.unit.judging.test_refusals import refusing

LASTING = {
    "500": error(500, None, "cannot parse the output"),
    "no answer": Reply(body=completion("[[1]]"), delay=0.5),
    "a connection that is closed": Reply(body=completion("[[1]]"), cut=True),
    "200 with an error": Reply(body={"error": {"message": "it broke", "code": 500}}),
}


@pytest.mark.parametrize("name", LASTING)
def test_trouble_of_one_item_that_lasts_belongs_to_it_and_is_not_kept(server: ChatServer, name: str) -> None:
    server.behave = refusing({1}, LASTING[name])
    rows = judged(settings(server, max_retries=1, concurrency=2, timeout=0.4))
    assert winners(rows) == [1, None, 1, 2]
    assert "2 times in a row" in rows[1]["reasons"]["forward"] or "1 times in a row" in rows[1]["reasons"]["forward"]
    asked = sum(server.asked.values())
    server.behave = longer
    assert winners(judged(settings(server))) == [1, 2, 1, 2]
    assert sum(server.asked.values()) == asked + 2


def first_asked(number: int, n: int) -> set[int]:
    """The numbers of the items that are asked about first."""
    order = dict.fromkeys(int(comparison.item[1:]) for comparison in comparisons(*systems(n), 0))
    return set(list(order)[:number])


@pytest.mark.parametrize("name", LASTING)
@pytest.mark.parametrize(("concurrency", "pilot"), [(1, 20), (2, 1)])
def test_trouble_of_the_very_first_item_ends_nothing(
    server: ChatServer, name: str, concurrency: int, pilot: int
) -> None:
    """Nothing was answered before it; what is answered while that is found out is paid once."""
    bad = first_asked(1, 6)
    server.behave = refusing(bad, LASTING[name])
    paid = {"prices": {"input": 1000.0, "output": 1000.0}, "parameters": {"max_tokens": 100}, "ceiling": 1000.0}
    judge = settings(server, max_retries=1, concurrency=concurrency, pilot=pilot, timeout=0.4, **paid)
    rows = judged(judge, n=6)
    assert winners(rows) == [None if i in bad else [1, 2][i % 2] for i in range(6)]
    others = {prompt: number for prompt, number in server.asked.items() if f"来源{min(bad)}\n" not in prompt}
    assert len(others) == 10
    assert sum(others.values()) <= 10 + 2  # one that was answered is asked again for each order of the bad item
    asked = sum(server.asked.values())
    server.behave = longer
    assert winners(judged(settings(server, **paid), n=6)) == [1, 2] * 3
    assert sum(server.asked.values()) == asked + 2


@pytest.mark.parametrize("number", [FEW, FEW + 1])
def test_only_a_few_items_are_tried_where_none_was_answered(server: ChatServer, number: int) -> None:
    bad = first_asked(number, 12)
    server.behave = refusing(bad, error(500, None, "cannot parse"))
    judge = settings(server, max_retries=1, concurrency=1)
    if number > FEW:
        assert "500, 2 times in a row: cannot parse" in message(lambda: judged(judge, n=12))
    else:
        assert {i for i, winner in enumerate(winners(judged(judge, n=12))) if winner is None} == bad


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_server_that_fails_at_every_item_ends_the_run_soon(server: ChatServer, concurrency: int) -> None:
    server.behave = lambda request: error(503, None, "no model is loaded")
    judge = settings(server, max_retries=1, concurrency=concurrency)
    assert "503, 2 times in a row: no model is loaded" in message(lambda: judged(judge, n=30))
    assert sum(server.asked.values()) <= 2 * concurrency + FEW
    server.behave = longer
    assert winners(judged(settings(server), n=30)) == [1, 2] * 15


def test_what_is_refused_while_others_are_tried_is_said(server: ChatServer) -> None:
    """The first item fails, and the model is not there for the others."""
    server.behave = refusing(first_asked(1, 4), error(500, None), lambda request: error(404, "model_not_found", "no"))
    said = message(lambda: judged(settings(server, max_retries=1, concurrency=1)))
    assert "refuses with 404: no; check judge.model (judge-1)" in said


@pytest.mark.parametrize("last", [4, 10])
def test_a_server_that_refuses_all_of_the_last_items_ends_the_run(server: ChatServer, last: int) -> None:
    """Too few to be enough in a row; answers under way when the first was refused say nothing of it."""

    def behave(request: Request) -> Reply:
        refused = sum(server.asked.values()) > 60 - last
        return error(400, None, "restarted with another config") if refused else longer(request)

    server.behave = behave
    assert "restarted with another" in message(lambda: judged(settings(server), n=30))
    server.behave = longer
    assert winners(judged(settings(server), n=30)) == [1, 2] * 15
