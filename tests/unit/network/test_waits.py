"""What servers ask to be waited for: read, cut to ten minutes, said on the terminal."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from semalign.data import fetching
from semalign.data.fetching import fetch_url
from semalign.network import waits
from semalign.network.waits import asked_wait
from semalign.runtime.progress import heard
from tests.unit.chat_server import ChatServer, Reply, error
from tests.unit.judging.asked import KEY, judged, misbehaving, settings, winners
from tests.unit.servers import Files, serving

SOON = format_datetime(datetime.now(UTC) + timedelta(seconds=5000), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"Retry-After": "999999999"}, 999999999),
        ({"Retry-After": "9" * 400}, float("inf")),
        ({"Retry-After": "-7"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": SOON}, 5000),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"Retry-After": "Wed, 21 Oct 99999 07:28:00 GMT"}, None),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "-1", "retry-after": "3"}, 3),
        ({"x-ratelimit-reset": "12"}, 12),
        ({"x-ratelimit-reset": "6m0s"}, 360),
        ({"x-ratelimit-reset": "20ms"}, 0.02),
        ({"x-ratelimit-reset": str(int(time.time()) + 5000)}, 5000),
        ({"x-ratelimit-reset": str(1000 * (int(time.time()) + 5000))}, 5000),
        ({"x-ratelimit-reset": "1"}, 1),
        ({"Retry-After": "2", "x-ratelimit-reset": "60"}, 2),
    ],
)
def test_what_a_server_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers) == (seconds if seconds in (None, float("inf")) else pytest.approx(seconds, abs=1000))
    if seconds is not None and seconds < 5000:
        assert asked_wait(headers) == pytest.approx(seconds, abs=0.001)


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the terminal shows; the longest wait is a fifth of a second, and is said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEST_JUDGE_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(waits, "SAID_FROM", 0.1)
    monkeypatch.setattr(fetching, "SECONDS_BEFORE_NEXT", 0.01)
    for module in ("semalign.judging.service", "semalign.data.fetching"):
        monkeypatch.setattr(f"{module}.LONGEST_WAIT", 0.2)
    return tmp_path / "terminal"


@pytest.mark.parametrize(
    ("asks", "told"),
    [
        ("999999999", "though it asks for 11574 d 1 h"),
        ("9" * 400, "though it asks for more than can be waited for"),
        ("Wed, 21 Oct 2199 07:28:00 GMT", "though it asks for"),
    ],
)
def test_a_judge_that_asks_for_years_is_asked_again_after_the_longest_wait(said: Path, asks: str, told: str) -> None:
    with ChatServer().running() as server, open(said, "wb") as terminal, heard("judge_pairs mt/0", terminal.fileno()):
        server.behave = misbehaving(error(429, None, "slow down", Retry_After=asks))
        started = time.monotonic()
        assert winners(judged(settings(server))) == [1, 2, 1, 2]
        assert 0.2 <= time.monotonic() - started < 5
    lines = said.read_text().splitlines()
    assert 1 <= len(lines) <= 8  # calls that wait together say it once
    assert f"judge_pairs mt/0: {server.url}: 429: slow down; trying again in 0 s, at " in lines[0]
    assert told in lines[0]


def test_a_download_that_asks_for_years_too(said: Path) -> None:
    files = Files({"a.txt": b"text"})
    files.statuses, files.retry_after = [429], "999999999"
    with serving(files) as address, open(said, "wb") as terminal, heard("download_file x", terminal.fileno()):
        fetch_url(f"{address}/a.txt", said.with_name("a.txt"), "downloads.x")
    assert "a.txt: the server answers 429; trying again in 0 s, at " in said.read_text()
    assert "though it asks for 11574 d 1 h" in said.read_text()


def test_short_waits_are_not_said_on_the_terminal(said: Path) -> None:
    with ChatServer().running() as server, open(said, "wb") as terminal, heard("judge_pairs mt/0", terminal.fileno()):
        server.behave = misbehaving(Reply(503, b""))
        judged(settings(server))
    assert said.read_bytes() == b""
