"""A server that speaks the chat-completions protocol, and a folder and a key of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.chat_server import ChatServer
from tests.unit.judging.asked import KEY


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer().running() as running:
        yield running


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEST_JUDGE_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
