"""What the tests of readers on damaged files share: good files, ways of damaging them, and what may come of it."""

import io
import json
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from semalign.runtime.errors import InputError
from semalign.runtime.files import Row

Files = pytest.TempPathFactory
HANG = 20  # seconds after which a reader is taken to hang

fuzz = settings(max_examples=100, deadline=None)
fuzz_few = settings(max_examples=50, deadline=None)  # of what is slow


@contextmanager
def in_time() -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"not read in {HANG} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(HANG)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(read: Callable[[], Iterable[Any]], *paths: Path) -> list[Any] | None:
    """What is read; None where an InputError names one of the files."""
    with in_time():
        try:
            return list(read())
        except InputError as error:
            message = str(error)
    assert any(str(path) in message for path in paths), message
    return None


def are_rows(rows: list[Any] | None, keys: set[str], *, optional: Iterable[str] = ()) -> None:
    """The rows have these keys, every value is text (answers: texts), and they can be written as JSON lines."""
    for row in rows or []:
        assert keys <= set(row) <= keys | set(optional)
        for key, value in row.items():
            texts = value if key == "answers" else [value]
            assert all(isinstance(text, str) for text in texts)
            json.dumps(row, ensure_ascii=False).encode()


# Damage

PIECES = [
    *(b"\0", b"\xef\xbb\xbf", b"\r", b"\r\n", b"\n", b"\n\n", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xe0\xbd"),
    *("\u2028".encode(), "\u0085".encode(), b"\x1c", b"\x0b", b"\x0c", b"\x1a", "\ufeff".encode(), "🏔".encode()),
    *(b'"', b"'", b'""', b",", b"\t", b"\\", b"\\u0000", b"\\ud83d", b"{", b"}", b"[", b"]", b":", b" ", b"#"),
    *(b"1e999", b"-1e999", b"NaN", b"Infinity", b"null", b"true", b"9" * 400, b"[" * 200, b'{"a":' * 200, b"NA"),
]
CHANGES = st.one_of(
    st.tuples(st.just("flip"), st.integers(0, 7)),
    st.tuples(st.just("set"), st.integers(0, 255)),
    st.tuples(st.just("cut"), st.just(0)),
    st.tuples(st.just("delete"), st.integers(1, 8)),
    st.tuples(st.just("insert"), st.sampled_from(PIECES)),
    st.tuples(st.just("double line"), st.just(0)),
    st.tuples(st.just("delete line"), st.just(0)),
)
DAMAGE = st.lists(st.tuples(CHANGES, st.floats(0, 1)), max_size=4)
LINE_DAMAGE = DAMAGE.map(
    lambda found: [change for change in found if change[0][0] in ("cut", "double line", "delete line")]
)


def damaged(content: bytes, damage: list[tuple[tuple[str, Any], float]]) -> bytes:
    """The content after each change, made at its share of the length."""
    for (kind, value), share in damage:
        at = min(int(share * len(content)), len(content) - 1)
        lines = content.split(b"\n")
        line = int(share * (len(lines) - 1))
        if not content:
            content = value if kind == "insert" else b""
        elif kind in ("flip", "set"):
            changed = content[at] ^ (1 << value) if kind == "flip" else value
            content = content[:at] + bytes([changed]) + content[at + 1 :]
        elif kind == "cut":
            content = content[:at]
        elif kind == "delete":
            content = content[:at] + content[at + value :]
        elif kind == "insert":
            content = content[:at] + value + content[at:]
        elif kind == "double line":
            content = b"\n".join([*lines[:line], lines[line], *lines[line:]])
        else:
            content = b"\n".join(lines[:line] + lines[line + 1 :])
    return content


def as_jsonl(*rows: Row) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


ROWS: list[Row] = [
    {"id": "a", "group": "d1", "source": "中文，书", "target": "བོད་ཡིག"},
    {"id": 7, "group": 1, "source": "second \\ line", "target": None},
    {"id": "c", "group": "", "source": "", "target": "x", "more": [1, {"y": 2.5}]},
]
JSONL = as_jsonl(*ROWS)
JSON = b"[\n" + JSONL.strip().replace(b"\n", b",\n") + b"]"
CSV = '\ufeffid,source,target\r\na,"中\n文",བོད\nb,"x ""y"" z",བོད\n\nc,,y\n'.encode()
TSV = 'id\tsource\ttarget\na\t中文\tབོད\nb\t"x ""y"" z"\tབོད\n\nc\t\ty\n'.encode()


def parquet(columns: dict[str, Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer, **options)
    return buffer.getvalue()


COLUMNS = {"id": ["a", "b", "c"], "source": ["中文", "北京", None], "target": ["བོད", "x", "y"], "n": [1, 2, 3]}
PARQUET = parquet(COLUMNS)
PLAIN_PARQUET = parquet(COLUMNS, compression="none", use_dictionary=False, write_statistics=False)
TABLES = {"jsonl": JSONL, "json": JSON, "csv": CSV, "tsv": TSV}
PAIR = {"id", "group", "source", "target"}


def squad(**changes: Any) -> bytes:
    question = {"id": "q1", "question": "谁？", "answers": [{"text": "甲", "answer_start": 0}]} | changes
    other = {"id": "q2", "question": "？", "answers": [{"text": 7}, {"text": "乙"}]}
    paragraph = {"id": "p1", "context": "甲乙", "qas": [question, other]}
    return json.dumps({"data": [{"paragraphs": [paragraph]}]}, ensure_ascii=False, indent=1).encode()


def cmrc2018(**changes: Any) -> bytes:
    question = {"query_id": "q1", "query_text": "谁？", "answers": ["甲", 7]} | changes
    other = {"query_id": "q2", "query_text": "？", "answers": ["乙"]}
    passage = {"context_id": "p1", "context_text": "甲乙", "title": "t", "qas": [question, other]}
    return json.dumps([passage], ensure_ascii=False, indent=1).encode()


def question_rows(**changes: Any) -> bytes:
    question = {"id": "q1", "context": "甲乙", "question": "谁？", "answers": {"text": ["甲"], "answer_start": [0]}}
    other = {"id": 2, "context": "甲乙", "question": "？", "answers": [{"text": 7}], "group": "g"}
    return as_jsonl(question | changes, other)


QUESTION = {"id", "group", "context", "question", "answers"}
LEAVES = st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats() | st.text(max_size=3)
