"""Reading and writing JSON and JSON lines: errors that name the line, writes that are whole or absent."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from semalign.errors import InputError

Row = dict[str, Any]


def read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line without its end) of a UTF-8 file; CRLF and a BOM are accepted.

    Raises InputError with file and line where the bytes are not UTF-8 or hold a NUL.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(path, "rb"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); check the path in the config") from error
        for number, raw in enumerate(file, start=1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}:{number}: not UTF-8 (byte {raw[error.start]:#04x} at column {error.start + 1}); "
                    "convert the file to UTF-8"
                ) from error
            if "\0" in line:
                raise InputError(f"{path}:{number}: contains a NUL character; the file is binary or damaged")
            yield number, line.rstrip("\r\n")


def read_jsonl(path: str | Path) -> Iterator[Row]:
    """Yield the objects of a JSON-lines file; blank lines are passed over.

    Raises InputError with file and line where a line is not a JSON object.
    """
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{number}: broken JSON ({error.msg} at column {error.colno})") from error
        if not isinstance(row, dict):
            raise InputError(f"{path}:{number}: a JSON object is needed, found {type(row).__name__}")
        yield row


def read_json(path: str | Path) -> Any:
    """The content of a JSON file. Raises InputError with file and line where it is broken."""
    text = "\n".join(line for _, line in read_lines(path))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: broken JSON ({error.msg} at column {error.colno})") from error


@contextmanager
def _part_of(path: str | Path) -> Iterator[Path]:
    """A file beside `path` that takes its name when the block ends without an error, and is gone otherwise."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield partial
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replacing(path: str | Path) -> Iterator[TextIO]:
    """Open a text file for writing that takes its name only when the block ends without an error."""
    with _part_of(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as file:
        yield file


@contextmanager
def replacing_binary(path: str | Path) -> Iterator[BinaryIO]:
    """The same for bytes."""
    with _part_of(path) as partial, open(partial, "wb") as file:
        yield file


def write_jsonl(path: str | Path, rows: Iterable[Row]) -> int:
    """Write one JSON object a line, atomically; returns the number of rows."""
    count = 0
    with replacing(path) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def write_json(path: str | Path, value: Any) -> None:
    """Write indented JSON, atomically."""
    with replacing(path) as file:
        json.dump(value, file, ensure_ascii=False, indent=2)
        file.write("\n")


def sha256(path: str | Path) -> str:
    """Hex digest of a file, or of a folder's relative names and contents in sorted order."""
    path = Path(path)
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode() + b"\0")
        with open(file, "rb") as handle:
            while chunk := handle.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
