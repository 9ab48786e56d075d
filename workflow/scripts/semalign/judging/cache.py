"""The judge's answers, kept for good: each is committed as it came, before anyone reads it."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from semalign.runtime.errors import InputError
from semalign.runtime.workspace import locked

FOLDER = Path("results/judge_cache")
FILE = "answers.sqlite"
ASKED_AGAIN = FOLDER / "asked_again"
"""How often questions without a verdict were set aside: a setting of the rule that judges, so that it runs again."""

COLUMNS = "status, body, cost_bound, price_input, price_output"
"""Those of `Stored`, in its order."""
TABLE = (
    "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, "
    "body TEXT NOT NULL, cost_bound REAL NOT NULL, price_input REAL NOT NULL, price_output REAL NOT NULL, "
    "answered TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)"
)


@dataclass(frozen=True)
class Stored:
    """An answer as it came: status and body, and what its tokens cost by the million then.

    status: HTTP's; UNREADABLE of a success that is no chat completion.
    """

    status: int
    body: str
    cost_bound: float
    price_input: float
    price_output: float


class Cache:
    """Answers by the hash of what was asked. Use `opened`: one process at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, request: dict[str, Any]) -> Stored | None:
        """The answer to a request; None where it was never answered."""
        row = self._connection.execute(f"SELECT {COLUMNS} FROM answers WHERE key = ?", (_key(request),)).fetchone()
        return Stored(*row) if row else None

    def put(self, request: dict[str, Any], answer: Stored) -> None:
        """Commit an answer; it is on the disk when this returns."""
        command = f"INSERT OR REPLACE INTO answers (key, request, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
        self._connection.execute(command, (_key(request), _text(request), *astuple(answer)))

    def was_refused(self, request: dict[str, Any]) -> bool:
        """Was a refusal of this request set aside?"""
        key = _key(request)
        query = "SELECT 1 FROM answers WHERE key BETWEEN ? AND ? AND status NOT IN (0, 200)"
        return self._connection.execute(query, (f"{key} ", f"{key}!")).fetchone() is not None

    def set_aside(self, without_verdict: Callable[[Stored], bool]) -> list[Stored]:
        """Take away the replies to questions of which no reply has a verdict, as if they had never been asked.

        They stay in the file under other keys, and what they cost is still spent. Returns the last reply of each.
        """
        questions: dict[str, list[tuple[str, Stored]]] = {}
        query = f"SELECT key, request, {COLUMNS} FROM answers ORDER BY rowid"
        for key, text, *values in self._connection.execute(query):
            request = json.loads(text)
            if " " not in key and isinstance(request.pop("attempt"), int):
                questions.setdefault(_text(request), []).append((key, Stored(*values)))
        found = [replies for replies in questions.values() if all(without_verdict(stored) for _, stored in replies)]
        self._connection.execute("BEGIN")
        for key, _ in (reply for replies in found for reply in replies):
            self._connection.execute("UPDATE answers SET key = key || ? WHERE key = ?", (f" {time.time_ns()}", key))
        self._connection.execute("COMMIT")
        return [replies[-1][1] for replies in found]

    def all(self) -> Iterator[tuple[dict[str, Any], Stored]]:
        """Every request and its reply, those set aside among them."""
        query = f"SELECT request, {COLUMNS} FROM answers"
        return ((json.loads(request), Stored(*values)) for request, *values in self._connection.execute(query))


@contextmanager
def opened(folder: Path = FOLDER) -> Iterator[Cache]:
    """The cache of a folder of results, made if there is none; waits while another process uses it.

    Raises InputError where the file is no cache or cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    with locked(folder / f"{FILE}.lock"):
        connection = sqlite3.connect(file, timeout=1, isolation_level=None)  # every statement commits
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        try:
            try:
                # A write-ahead log under an exclusive lock needs no shared memory: it works on network drives too.
                for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
                    connection.execute(f"PRAGMA {pragma}")
                connection.execute(TABLE)
                connection.execute(f"SELECT key, request, {COLUMNS} FROM answers LIMIT 1")
            except sqlite3.DatabaseError as error:
                held = "locked" in str(error)
                remedy = (
                    "another program has it open: close that"
                    if held
                    else "it should hold the judge's paid answers: restore it from a backup, make it writable, or move "
                    "it away to ask for everything again"
                )
                raise InputError(f"{file}: {error}; {remedy}") from error
            yield Cache(connection)
        finally:
            connection.close()


def times_asked_again() -> int:
    """How often questions without a verdict were set aside in this folder."""
    return int(ASKED_AGAIN.read_text()) if ASKED_AGAIN.is_file() else 0


def _text(request: dict[str, Any]) -> str:
    return json.dumps(request, ensure_ascii=False, sort_keys=True)


def _key(request: dict[str, Any]) -> str:
    return hashlib.sha256(_text(request).encode()).hexdigest()
