"""Trouble that lasts: of one item, or of a server that fails at the end."""

import pytest

from tests.unit.chat_server import ChatServer, Reply, Request, completion, error, longer
from tests.unit.judging.asked import judged, message, settings, winners
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
