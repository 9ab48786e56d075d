"""Thousands of calls, killed twice."""

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.unit.chat_server import ChatServer, Reply, Request, completion, error, longer

ITEMS = 1000

RUN = f"""
import sys, logging
sys.path[:0] = [{str(ROOT / "workflow" / "scripts")!r}, {str(ROOT)!r}]
from tests.unit.judging.asked import judged, settings
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
        trouble = zlib.crc32(request.prompt.encode()) % 50 if request.time == 1 else 50
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
