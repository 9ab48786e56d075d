"""Proxies of the environment: one that cannot be used, or that stands before a local server, is named."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from semalign.config.downloads import UrlDownload
from semalign.data import fetching
from semalign.data.downloads import fetch
from semalign.runtime.errors import InputError
from tests.unit.chat_server import ChatServer
from tests.unit.judging.asked import KEY, judged, message, settings, winners
from tests.unit.servers import running

PASSWORD = "pr0xy-pass-word"


class Catching(BaseHTTPRequestHandler):
    status, page = 502, b"<html><body>Bad gateway</body></html>"

    def do_POST(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.page)))
        self.end_headers()
        self.wfile.write(self.page)

    do_GET = do_CONNECT = do_POST

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEST_JUDGE_KEY", KEY)
    monkeypatch.setattr(fetching, "SECONDS_BEFORE_NEXT", 0.01)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "semalign_mirror", "semalign_offline"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer().running() as server:
        yield server


@pytest.fixture
def proxy() -> Iterator[str]:
    with running(Catching) as address:
        yield address.removeprefix("http://")


def fetched(address: str) -> None:
    fetch("x", UrlDownload(urls={"a.txt": f"{address}/a.txt"}, licence="CC0"), ["a.txt"], Path("work"))


@pytest.mark.parametrize(
    ("status", "variable"),
    [(502, "http_proxy"), (503, "HTTP_PROXY"), (403, "ALL_PROXY"), (407, "HTTP_PROXY"), (200, "http_proxy")],
)
def test_a_proxy_that_catches_a_local_server_is_named_without_its_password(
    server: ChatServer, proxy: str, status: int, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Catching, "status", status)
    monkeypatch.setenv(variable, f"http://me:{PASSWORD}@{proxy}")
    named = (
        f"asked through the proxy of the environment variable {variable} (http://{proxy}): unset or correct that, or"
    )
    for said in (
        message(lambda: judged(settings(server, max_retries=1))),
        message(lambda: fetched(server.url)),
    ):
        assert named in said
        assert "add 127.0.0.1 to NO_PROXY" in said
        assert PASSWORD not in said


@pytest.mark.parametrize(
    "value",
    [
        "socks5h://me:pr0xy-pass-word@127.0.0.1:1080",
        "socks4://127.0.0.1:1080",
        "ftp://127.0.0.1:1",
        "not a url",
        " ",
        "://x",
        "http://[::1",
        "http://me:pr0xy-pass-word@127.0.0.1:99999",
        "http://me:pr0xy-pass-word@",
        "http://me:pr0xy-pass-word#@127.0.0.1:1",
        "http://a..b:1",
    ],
)
def test_a_proxy_that_cannot_be_used_is_named_before_any_call(
    server: ChatServer, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", value)
    monkeypatch.setattr("semalign.network.proxies.find_spec", lambda package: None)
    for said in (message(lambda: judged(settings(server))), message(lambda: fetched(server.url))):
        assert said.startswith("the environment variable HTTP_PROXY (")
        assert PASSWORD not in said
    assert not server.asked


def test_a_proxy_that_nothing_goes_through_is_not_named(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    assert winners(judged(settings(server))) == [1, 2, 1, 2]
    with pytest.raises(InputError) as raised:
        fetched("http://127.0.0.1:1")
    assert "proxy" not in str(raised.value)
