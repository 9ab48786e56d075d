"""Reading tables: JSON lines, JSON, CSV, TSV and Parquet, with the config's names for their columns."""

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from semalign.config.data import PairTable, Table
from semalign.errors import InputError
from semalign.files import Row, read_json, read_jsonl, read_lines

SEPARATORS = {"csv": ",", "tsv": "\t"}
LABELS = ("id", "group", "vote")  # whole numbers are as good as text here
DAMAGE = re.compile("[\0\ud800-\udfff]")  # NUL and halves of surrogate pairs, which JSON can escape

BATCH = 1000  # Parquet rows in memory at once

Read = TypeVar("Read")
Numbered = Iterator[tuple[int, Row]]  # (line of the file, or row of JSON and Parquet; row under our column names)


def read_rows(table: Table, required: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the table's rows as {"id", every required column, every optional column that the file has}, all text.

    Column names are ours, after `table.columns`; `id` is always among the optional ones and is made of file and line
    where the file has none. An empty or null cell is an empty text. Raises InputError, with file and line, for a
    missing column, a cell that is not text, a repeated id, broken UTF-8, JSON, quoting or Parquet, and an empty file.
    """
    optional = [name for name in ("id", *optional) if name not in required]
    known = [*required, *optional]
    if unknown := set(table.columns) - set(known):
        raise InputError(
            f"{table.path}: columns names {sorted(unknown)}, which nothing reads; known: {', '.join(known)}"
        )
    return not_empty(_with_ids(table, _read(table, required, optional)), table.path)


def read_ids(table: Table) -> set[str]:
    """The ids of a table, in which one may stand twice. Raises InputError as `read_rows` does."""
    return {row["id"] for row in not_empty((row for _, row in _read(table, ("id",), ())), table.path)}


def _read(table: Table, required: Sequence[str], optional: Sequence[str]) -> Numbered:
    read = {"jsonl": _json, "json": _json, "parquet": _parquet}.get(table.format, _delimited)
    return read(table, required, optional)


def not_empty(rows: Iterator[Read], path: Path) -> Iterator[Read]:
    """The rows as they are. Raises InputError after them where there were none."""
    empty = True
    for row in rows:
        empty = False
        yield row
    if empty:
        raise InputError(f"{path}: holds no rows; check that it is the file that was meant")


def place_of(table: Table, number: int) -> str:
    """How a message names a row: by its line where rows are lines."""
    return f"{table.path}: row {number}" if table.format in ("json", "parquet") else f"{table.path}:{number}"


def _with_ids(table: Table, rows: Numbered) -> Iterator[Row]:
    seen: dict[str, int] = {}
    for number, row in rows:
        place = place_of(table, number)
        if "id" not in row:
            row["id"] = f"{table.path.stem}:{number}"
        elif not row["id"]:
            raise InputError(f"{place}: the id is empty")
        elif row["id"] in seen and isinstance(table, PairTable) and table.repeated_ids == "left_out":
            yield {"id": row["id"], "left_out": "repeated_id"}
            continue
        elif row["id"] in seen:
            kind = "row" if table.format in ("json", "parquet") else "line"
            raise InputError(f"{place}: id {row['id']!r} was already at {kind} {seen[row['id']]}")
        else:
            seen[row["id"]] = number
        yield row


def _present(
    table: Table, found: Sequence[str], required: Sequence[str], optional: Sequence[str], at: str
) -> dict[str, str]:
    """{our column: the file's column}, of those that the file has. Raises InputError where one is missing."""
    columns = {}
    for name in (*required, *optional):
        column = table.columns.get(name, name)
        if column in found:
            columns[name] = column
        elif name in required or name in table.columns:
            there = ", ".join(map(str, found)) or "none"
            raise InputError(
                f"{table.path}{at}: no column {column!r} for {name!r}; columns there: {there}. Set `columns`"
            )
    return columns


def as_text(value: Any, name: str, place: str) -> str:
    """A cell as text; null is an empty one. Raises InputError where it is something else than text."""
    if value is None:
        return ""
    if name in LABELS and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise InputError(f"{place}: {name!r} must be text, found {type(value).__name__}")
    return undamaged(value, name, place)


def undamaged(text: str, name: str, place: str) -> str:
    """The text. Raises InputError where it holds what no file of text can."""
    if DAMAGE.search(text):
        raise InputError(f"{place}: {name!r} contains a NUL or half a surrogate pair; the text is damaged")
    return text


def _objects(table: Table) -> Numbered:
    """(line or row, the object there) of a file of JSON."""
    # Not through `datasets`: it infers the types of all columns, unused ones too, from the first 10 MB and fails on
    # later rows that differ; and a message could not name the line.
    if table.format == "jsonl":
        numbers = (number for number, line in read_lines(table.path) if line.strip())
        yield from zip(numbers, read_jsonl(table.path), strict=True)
        return
    rows = read_json(table.path)
    if not isinstance(rows, list):
        raise InputError(f"{table.path}: a JSON list of objects is needed, found {type(rows).__name__}")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise InputError(f"{place_of(table, number)}: a JSON object is needed, found {type(row).__name__}")
        yield number, row


def read_nested(table: Table, required: Sequence[str], optional: Sequence[str] = ()) -> Numbered:
    """Yield (number, row) of JSON lines, JSON or Parquet under our column names, values as they are, lists too.

    Raises InputError, with file and line or row, for a missing column and for a broken file.
    """
    if table.format == "parquet":
        yield from _nested_parquet(table, required, optional)
        return
    for number, row in _objects(table):
        at = place_of(table, number).removeprefix(str(table.path))
        columns = _present(table, list(row), required, optional, at)
        yield number, {name: row[column] for name, column in columns.items()}


def _json(table: Table, required: Sequence[str], optional: Sequence[str]) -> Numbered:
    for number, row in read_nested(table, required, optional):
        yield number, {name: as_text(value, name, place_of(table, number)) for name, value in row.items()}


def _delimited(table: Table, required: Sequence[str], optional: Sequence[str]) -> Numbered:
    columns, lines = _check_delimited(table, required, optional)
    quoting = csv.QUOTE_NONE if table.quoting == "none" else csv.QUOTE_MINIMAL
    options = {"sep": SEPARATORS[table.format], "quoting": quoting, "encoding": "utf-8-sig", "keep_default_na": False}
    yield from zip(
        lines, _load(table, "csv", columns, len(lines), usecols=sorted(set(columns.values())), **options), strict=True
    )


def _check_delimited(
    table: Table, required: Sequence[str], optional: Sequence[str]
) -> tuple[dict[str, str], list[int]]:
    """The columns to take and the line where each row begins. Raises InputError with file and line where it breaks."""
    csv.field_size_limit(sys.maxsize)  # the default refuses fields over 131,072 characters
    separator, path = SEPARATORS[table.format], table.path
    reader = csv.reader(
        (line + "\n" for _, line in read_lines(path)),
        delimiter=separator,
        quoting=csv.QUOTE_NONE if table.quoting == "none" else csv.QUOTE_MINIMAL,
        strict=True,
    )
    begin, header, lines = 1, None, list[int]()
    try:
        for cells in reader:
            if header is None:
                header = cells
                columns = _present(table, header, required, optional, ":1")
                if doubled := {column for column in columns.values() if header.count(column) > 1}:
                    raise InputError(f"{path}:1: the header names {sorted(doubled)} twice")
            elif cells and (len(header) > 1 or cells[0].strip()):
                if len(cells) != len(header):
                    raise _quoting(path, begin, f"{len(cells)} fields where the header has {len(header)}")
                if separator == "\t" and any("\n" in cell and "\t" in cell for cell in cells):
                    raise _quoting(path, begin, f"a quoted field runs on to line {reader.line_num}, tabs included")
                lines.append(begin)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise _quoting(path, begin, str(error)) from error
    return (columns if header is not None else {}), lines


def _quoting(path: Path, line: int, problem: str) -> InputError:
    return InputError(f"{path}:{line}: {problem}. Where quotation marks are text like any other, set `quoting: none`")


def _nested_parquet(table: Table, required: Sequence[str], optional: Sequence[str]) -> Numbered:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    number = 0
    try:
        with ParquetFile(table.path) as file:
            columns = _present(table, file.schema_arrow.names, required, optional, "")
            for batch in file.iter_batches(BATCH, columns=sorted(set(columns.values()))):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: row[column] for name, column in columns.items()}
    except (OSError, ArrowException, ValueError) as error:  # ValueError: not UTF-8
        raise InputError(f"{table.path}: cannot be read as Parquet ({error}), after row {number}") from error


def _parquet(table: Table, required: Sequence[str], optional: Sequence[str]) -> Numbered:
    from pyarrow import ArrowException, types
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(table.path) as file:
            schema, count = file.schema_arrow, file.metadata.num_rows
    except (OSError, ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"{table.path}: cannot be read as Parquet ({error})") from error
    columns = _present(table, schema.names, required, optional, "")
    for name, column in columns.items():
        kind = schema.field(column).type
        if not (types.is_string(kind) or types.is_large_string(kind) or (name in LABELS and types.is_integer(kind))):
            raise InputError(f"{table.path}: column {column!r} must be text for {name!r}, found {kind}")
    yield from enumerate(_load(table, "parquet", columns, count, columns=sorted(set(columns.values()))), start=1)


def _load(table: Table, builder: str, taken: dict[str, str], count: int, **options: Any) -> Iterator[Row]:
    """The rows by `datasets`, every column as text, from a cache that is gone when they have been read."""
    if not count:
        return
    import datasets

    datasets.disable_progress_bars()
    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False  # a request to the hub at every read
    features = datasets.Features({column: datasets.Value("string") for column in taken.values()})
    with TemporaryDirectory() as cache:
        link = Path(cache, "table")  # a name without * or [], which `datasets` would take for a pattern
        link.symlink_to(table.path.resolve())
        try:
            rows = datasets.load_dataset(
                builder, data_files=str(link), split="train", cache_dir=cache, features=features, **options
            )
        except datasets.exceptions.DatasetGenerationError as error:
            raise InputError(f"{table.path}: cannot be read as {table.format} ({error.__cause__ or error})") from error
        if len(rows) != count:
            raise InputError(f"{table.path}: {count} rows were found, but {len(rows)} read; write it as jsonl instead")
        for number, row in enumerate(_decoded(rows, table), start=1):
            place = f"{table.path}: row {number}"
            yield {name: as_text(row[column], name, place) for name, column in taken.items()}


def _decoded(rows: Iterable[Row], table: Table) -> Iterator[Row]:
    """The rows; Arrow decodes a text when it is asked for. Raises InputError where one is not UTF-8."""
    number = 0
    try:
        for row in rows:
            number += 1
            yield row
    except UnicodeDecodeError as error:
        raise InputError(f"{table.path}: row {number + 1}: not UTF-8; convert the text to UTF-8") from error
