"""Reading and writing JSON and JSON lines: errors that name the line, writes that are whole or absent."""

import glob
import hashlib
import json
import logging
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from semalign.runtime.errors import InputError
from semalign.runtime.processes import has_ended, own_mark

log = logging.getLogger(__name__)

Row = dict[str, Any]
SECONDS_PARTS_STAY = 24 * 3600.0
NO_TEXT = {  # how files begin that are no text yet
    b"\x1f\x8b": "is compressed by gzip; unpack it",
    b"PK\x03\x04": "is a ZIP archive or an Excel file; unpack it, or save the sheet as CSV in UTF-8",
    b"(\xb5/\xfd": "is compressed by zstd; unpack it",
    b"version https://git-lfs": "is a pointer of Git LFS; fetch the file itself with `git lfs pull`",
}
FOLDER_MARK = ".snakemake_timestamp"  # put by Snakemake into a folder that a job made


def read_lines(path: str | Path, keep_ends: bool = False) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line without its end, or with it) of a UTF-8 file; CRLF and a BOM are accepted.

    Raises InputError with file and line where the bytes are not UTF-8 or hold a NUL.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(path, "rb"))
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = error.strerror if isinstance(error, OSError) else error
            raise InputError(f"{path}: cannot be read ({reason}); check the path in the config") from error
        for number, raw in enumerate(file, start=1):
            if number == 1 and (remedy := next((NO_TEXT[begin] for begin in NO_TEXT if raw.startswith(begin)), None)):
                raise InputError(f"{path}:1: {remedy}")
            try:
                line = raw.decode()
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{path}:{number}: not UTF-8 (byte {raw[error.start]:#04x} at column {error.start + 1}); "
                    "convert the file to UTF-8"
                ) from error
            if "\0" in line:
                raise InputError(
                    f"{path}:{number}: contains a NUL character; the file is binary or damaged, or in UTF-16: convert "
                    "it to UTF-8"
                )
            line = line.lstrip("\ufeff") if number == 1 else line
            yield number, line if keep_ends else line.rstrip("\r\n")


def read_jsonl(path: str | Path) -> Iterator[Row]:
    """Yield the objects of a JSON-lines file; blank lines are passed over, and BOMs, as `cat` leaves them.

    Raises InputError with file and line where a line is not a JSON object, or an object holds a key twice.
    """
    for number, line in read_lines(path):
        text = line.lstrip("\ufeff")
        if not text.strip():
            continue
        row = _loads(text, path, number)
        if not isinstance(row, dict):
            raise InputError(f"{path}:{number}: a JSON object is needed, found {type(row).__name__}")
        yield row


def read_places(path: str | Path) -> Iterator[tuple[int, Row]]:
    """Yield the objects of a JSON-lines file that `write_jsonl` wrote, each with its place, for `rows_at`."""
    with open(path, "rb") as file:
        place = 0
        for number, line in enumerate(file, start=1):
            yield place, _loads(line.decode(), path, number)
            place += len(line)


def rows_at(path: str | Path, places: Iterable[int]) -> Iterator[Row]:
    """Yield the objects at these places of a JSON-lines file, in their order."""
    with open(path, "rb") as file:
        for place in places:
            file.seek(place)
            yield json.loads(file.readline())


def read_json(path: str | Path) -> Any:
    """The content of a JSON file. Raises InputError with file and line where it is broken or repeats a key."""
    return _loads("\n".join(line for _, line in read_lines(path)), path, 1)


class _RepeatedKey(Exception):
    """A JSON object holds a key twice."""


def _object(pairs: list[tuple[str, Any]]) -> Row:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RepeatedKey
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
_JSON_MARKS = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|[\[\]{}]', re.DOTALL)


def _repeated_key(text: str, path: str | Path, first: int) -> InputError:
    """Where in JSON text an object first holds a key twice."""
    objects: list[dict[str, int]] = []  # those open at a mark, lists too: the lines of their keys
    line, at = first, 0
    for mark in _JSON_MARKS.finditer(text):
        line, at = line + text.count("\n", at, mark.start()), mark.start()
        if mark[0] in "[{":
            objects.append({})
        elif mark[0] in "]}":
            objects.pop()
        elif mark[2]:
            key = json.loads(mark[1])
            if key in objects[-1]:
                before = objects[-1][key]
                return InputError(f"{path}:{line}: the key {key!r} was already at line {before}; remove one of them")
            objects[-1][key] = line
    raise AssertionError("no key is there twice")


def _loads(text: str, path: str | Path, first: int) -> Any:
    """The value that is JSON text from line `first` of a file on. Raises InputError, with file and line."""
    try:
        return _DECODER.decode(text)
    except _RepeatedKey:
        raise _repeated_key(text, path, first) from None
    except json.JSONDecodeError as error:
        line = first + error.lineno - 1
        raise InputError(f"{path}:{line}: broken JSON ({error.msg} at column {error.colno})") from error
    except RecursionError as error:
        raise InputError(f"{path}:{first}: broken JSON (nested too deeply)") from error
    except ValueError as error:  # an integer of thousands of digits
        raise InputError(f"{path}:{first}: broken JSON ({error})") from error


def _place_for_part(target: Path) -> Path:
    """Where a target is written before it takes its name. What killed processes left there is removed.

    Of another machine's processes nothing is known: what they left stays for a day after the last write to it.
    """
    for part in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        mark = part.name.removeprefix(f".{target.name}.").removesuffix(".part")
        with suppress(FileNotFoundError):  # its own process was faster
            if "." not in mark and (has_ended(mark) or time.time() - _last_written(part) > SECONDS_PARTS_STAY):
                log.info("%s: left by a process that was killed; removed", part)
                shutil.rmtree(part) if part.is_dir() else part.unlink()
    return target.with_name(f".{target.name}.{own_mark()}.part")


def _last_written(part: Path) -> float:
    """When a file, or anything in a folder, was written last, in seconds since 1970."""
    return max(path.lstat().st_mtime for path in [part, *part.rglob("*")])


@contextmanager
def _part_of(path: str | Path) -> Iterator[Path]:
    """A file beside `path` that takes its name when the block ends without an error, and is gone otherwise."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = _place_for_part(target)
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


@contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """An empty folder to be filled, which takes the place of `path` when the block ends without an error."""
    target = Path(path)
    partial = _place_for_part(target)
    partial.mkdir(parents=True)
    try:
        yield partial
        if target.exists():
            shutil.rmtree(target)
        os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class Journal:
    """Rows that are written down as they are made, so that a killed job goes on after the last.

    `rows` holds those that an earlier run left; what a kill cut off, and all from a damaged line on, is dropped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Row] = []
        whole = 0
        for line in path.read_bytes().splitlines(keepends=True) if path.is_file() else []:
            row = _row(line)
            if row is None:
                log.warning("%s: damaged after %d rows; going on from there", path, len(self.rows))
                break
            self.rows.append(row)
            whole += len(line)
        if path.is_file():
            os.truncate(path, whole)

    def append(self, rows: Iterable[Row]) -> None:
        """Write rows down for good."""
        with open(self.path, "ab") as file:
            file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def _row(line: bytes) -> Row | None:
    try:
        row = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


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
    """Hex digest of a file, or of a folder's relative names and contents in sorted order, Snakemake's mark aside."""
    path = Path(path)
    digest = hashlib.sha256()
    inner = (file for file in path.rglob("*") if file.is_file() and file.name != FOLDER_MARK)
    for file in sorted(inner) if path.is_dir() else [path]:
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode() + b"\0")
        with open(file, "rb") as handle:
            while chunk := handle.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
