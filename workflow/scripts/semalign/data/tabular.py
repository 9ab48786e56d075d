"""Reading tables: JSON lines, JSON, CSV, TSV and Parquet, with the config's names for their columns."""

import csv
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from semalign.config.data import PairTable, Table
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, read_json, read_jsonl, read_lines
from semalign.text.matching import cleaned, comparable

SEPARATORS = {"csv": ",", "tsv": "\t"}
OTHER_SEPARATORS = {"\t": "set `format: tsv`", ",": "set `format: csv`"} | dict.fromkeys(";|，、،", "")
LABELS = ("id", "group", "vote")  # whole numbers are as good as text here
DAMAGE = re.compile("[\0\ud800-\udfff]")  # NUL and halves of surrogate pairs, which JSON can escape

BATCH = 1000  # Parquet rows in memory at once
SHOWN = 300  # characters of a header that a message shows

Read = TypeVar("Read")
Numbered = Iterator[tuple[int, Row]]  # (line of the file, or row of JSON and Parquet; row under our column names)


def read_rows(table: Table, required: Sequence[str], optional: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the table's rows as {"id", every required column, every optional column that the file has}, all text.

    Column names are ours, after `table.columns`; `id` is always among the optional ones and is made of file and line
    where the file has none. An empty or null cell is an empty text. Raises InputError, with file and line, for a
    missing column, a cell that is not text, a repeated id, broken UTF-8, JSON, quoting or Parquet, and an empty file.
    """
    return (row for _, row in read_placed(table, required, optional))


def read_placed(table: Table, required: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[str, Row]]:
    """The same rows, each with its place as a message names it (see `place_of`)."""
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
    if table.format in SEPARATORS:
        return _delimited(table, required, optional)
    if table.format == "parquet":
        return _texts(table, _nested_parquet(table, required, optional, text=True))
    return _texts(table, read_nested(table, required, optional))


def _texts(table: Table, rows: Numbered) -> Numbered:
    for number, row in rows:
        yield number, {name: as_text(value, name, place_of(table, number)) for name, value in row.items()}


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


def _with_ids(table: Table, rows: Numbered) -> Iterator[tuple[str, Row]]:
    seen: dict[str, int] = {}
    for number, row in rows:
        place = place_of(table, number)
        if "id" not in row:
            row["id"] = f"{table.path.stem}:{number}"
        elif (name := label(row["id"], "id", place)) in seen:
            if isinstance(table, PairTable) and table.repeated_ids == "left_out":
                yield place, {"id": name, "left_out": "repeated_id"}
                continue
            kind = "row" if table.format in ("json", "parquet") else "line"
            raise InputError(f"{place}: id {name!r} was already at {kind} {seen[name]}")
        else:
            row["id"] = name
            seen[name] = number
        yield place, row


def label(text: str, name: str, place: str) -> str:
    """An id or a group's name as `matching.cleaned` leaves it. Raises InputError where it shows nothing."""
    if not comparable(text):
        raise InputError(f"{place}: the {name} is empty")
    return cleaned(text)


def group_of(row: Row, otherwise: str) -> str:
    """The name of a row's group; another where it has none."""
    name: str = row.get("group") or ""
    return cleaned(name) if comparable(name) else otherwise


def _present(
    table: Table, found: Sequence[str], required: Sequence[str], optional: Sequence[str], at: str
) -> dict[str, str]:
    """{our column: the file's column}, of those that the file has. Raises InputError where one is missing or twice."""
    columns = {}
    for name in (*required, *optional):
        column = table.columns.get(name, name)
        if column in found:
            columns[name] = column
        elif name in required or name in table.columns:
            there = ", ".join(map(str, found))[:SHOWN] or "none"
            raise InputError(
                f"{table.path}{at}: no column {column!r} for {name!r}; columns there: {there}. Set `columns`"
                f"{_remedy(table, found, name, column)}"
            )
    if doubled := {column for column in columns.values() if found.count(column) > 1}:
        raise InputError(f"{table.path}{at}: the header names {sorted(doubled)} twice; rename all but one of them")
    return columns


def _remedy(table: Table, found: Sequence[str], name: str, column: str) -> str:
    """What may help beside mapping a column that is not there."""
    near = [other for other in found if comparable(other) == comparable(column)]
    if near:
        # YAML reads escapes in double quotation marks alone, as JSON does
        quoted = repr(near[0]) if near[0].isprintable() and "\\" not in near[0] else json.dumps(near[0])
        return f", as in `columns: {{{name}: {quoted}}}`"
    if column.partition(".")[0] in found:
        return f"; {column!r} within another column is not read: write it as a column of its own"
    if table.format not in SEPARATORS:
        return ""
    if found and found[0].startswith("sep="):
        return "; or remove the line `sep=`, which Excel alone reads, and separate the columns with commas"
    return _other_separator(table, found) or "; a file without a header needs one, its first line"


def _other_separator(table: Table, header: Sequence[str]) -> str:
    """What to do where something else separates the columns of a header; nothing where it does not look so."""
    for separator, remedy in OTHER_SEPARATORS.items():
        if separator != SEPARATORS[table.format] and any(separator in column for column in header):
            instead = remedy or f"write {'commas' if table.format == 'csv' else 'tabs'} instead"
            return f"; or, where {separator!r} separates the columns, {instead}"
    return ""


def as_text(value: Any, name: str, place: str) -> str:
    """A cell as text; null is an empty one. Raises InputError where it is something else than text."""
    if value is None:
        return ""
    if name in LABELS and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise InputError(f"{place}: {name!r} must be text, found {type(value).__name__}; write it as text")
    return undamaged(value, name, place)


def undamaged(text: str, name: str, place: str) -> str:
    """The text. Raises InputError where it holds what no file of text can."""
    if DAMAGE.search(text):
        raise InputError(f"{place}: {name!r} contains a NUL or half a surrogate pair; the text is damaged")
    return text


def _objects(table: Table) -> Numbered:
    """(line or row, the object there) of a file of JSON."""
    if table.format == "jsonl":
        numbers = (number for number, line in read_lines(table.path) if line.lstrip("\ufeff").strip())
        yield from zip(numbers, read_jsonl(table.path), strict=True)
        return
    try:
        rows = read_json(table.path)
    except InputError as error:
        if "Extra data" not in str(error):
            raise
        raise InputError(f"{error}; where each line is an object, set `format: jsonl`") from error
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


def _delimited(table: Table, required: Sequence[str], optional: Sequence[str]) -> Numbered:
    csv.field_size_limit(sys.maxsize)  # the default refuses fields over 131,072 characters
    separator, path = SEPARATORS[table.format], table.path
    begin, header = 1, list[str]()
    reader = csv.reader(
        # A BOM within the file, as `cat` leaves it, would make the quotation mark behind it text.
        (
            line[1:] if number == begin and line.startswith('\ufeff"') else line
            for number, line in read_lines(path, keep_ends=True)
        ),
        delimiter=separator,
        quoting=csv.QUOTE_NONE if table.quoting == "none" else csv.QUOTE_MINIMAL,
        strict=True,
    )
    places: dict[str, int] = {}
    try:
        for cells in reader:
            if not header and not "".join(cells).strip():
                pass  # blank lines before the header
            elif not header:
                header = cells
                columns = _present(table, header, required, optional, f":{begin}")
                places = {name: header.index(column) for name, column in columns.items()}
            elif cells and (len(header) > 1 or cells[0].strip()):
                if len(cells) != len(header):
                    raise _quoting(path, begin, f"{len(cells)} fields where the header has {len(header)}")
                if separator == "\t" and any("\n" in cell and "\t" in cell for cell in cells):
                    raise _quoting(path, begin, f"a quoted field runs on to line {reader.line_num}, tabs included")
                if len(header) > 1 and _is_again(cells, header):
                    raise InputError(
                        f"{path}:{begin}: the header stands here again, as where files are joined; remove it"
                    )
                yield begin, {name: cells[place] for name, place in places.items()}
            begin = reader.line_num + 1
    except csv.Error as error:
        if "new-line" in str(error):
            remedy = "take out others" if table.quoting else "put a field that holds another in quotation marks"
            raise InputError(
                f"{path}:{begin}: a carriage return (CR) within a line; end lines with LF or CRLF, and {remedy}"
            ) from error
        first = "" if header else _other_separator(table, [next(read_lines(path))[1]])
        raise _quoting(path, begin, str(error) + first) from error


def _is_again(cells: list[str], header: list[str]) -> bool:
    """Whether a row is the header once more, white space and BOMs aside."""
    # most rows differ in their first cell: a long one is not looked at
    return len(cells[0]) < len(header[0]) + 10 and list(map(cleaned, cells)) == list(map(cleaned, header))


def _quoting(path: Path, line: int, problem: str) -> InputError:
    return InputError(
        f"{path}:{line}: {problem}. Put a field that holds a separator or a line break in quotation marks. Where "
        "quotation marks are text like any other, set `quoting: none`"
    )


def _nested_parquet(table: Table, required: Sequence[str], optional: Sequence[str], text: bool = False) -> Numbered:
    """(row, its values) of a Parquet file; where they are to be `text`, columns of another type are an error."""
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    number = 0
    try:
        with ParquetFile(table.path) as file:
            schema = file.schema_arrow
            columns = _present(table, schema.names, required, optional, "")
            for name, column in columns.items() if text else ():
                if not _is_text(kind := schema.field(column).type, name):
                    raise InputError(
                        f"{table.path}: column {column!r} must be text for {name!r}, found {kind}; write it as text"
                        f"{' or whole numbers' if name in LABELS else ''}"
                    )
            for batch in file.iter_batches(BATCH, columns=sorted(set(columns.values()))):
                for row in batch.to_pylist():
                    number += 1
                    yield number, {name: row[column] for name, column in columns.items()}
    except (OSError, ArrowException, ValueError) as error:  # ValueError: not UTF-8
        raise InputError(f"{table.path}: cannot be read as Parquet ({error}), after row {number}") from error


def _is_text(kind: Any, name: str) -> bool:
    """Whether a column of this Arrow type holds text, or nothing; for labels whole numbers will do."""
    from pyarrow import types

    if types.is_dictionary(kind):  # as of pandas' categories
        kind = kind.value_type
    texts = (types.is_null, types.is_string, types.is_large_string, types.is_string_view)
    return any(is_kind(kind) for is_kind in (*texts, *((types.is_integer,) if name in LABELS else ())))
