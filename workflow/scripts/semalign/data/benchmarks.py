"""Reading what a retention benchmark measures on: the rows of its test set, of whatever kind it is."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from pydantic import TypeAdapter

from semalign.config.data import Lines, Table
from semalign.data.choices import Layout, read_choices
from semalign.data.sources import read_all
from semalign.data.tabular import not_empty, read_rows
from semalign.runtime.files import Row, read_lines

TABLES = TypeAdapter(list[Table])
TEXTS = TypeAdapter(list[Lines | Table])
LAYOUT = ("prompt", "choices", "first_label", "words")


def read_all_choices(sources: Sequence[Table], entry: dict[str, Any], key: str) -> Iterator[Row]:
    """The items of several tables (see `choices.read_choices`); `entry` holds the benchmark's settings of LAYOUT."""
    return read_all(partial(read_choices, layout=Layout(**{name: entry[name] for name in LAYOUT})), sources, key)


def read_all_texts(sources: Sequence[Lines | Table], key: str) -> Iterator[Row]:
    """{"id", "group", "text"} of several sources; a text is a group of its own unless a table names another."""
    return read_all(_texts, sources, key)


def _texts(source: Lines | Table) -> Iterator[Row]:
    if isinstance(source, Lines):
        lines = ((f"{source.path.stem}:{number}", line) for number, line in read_lines(source.path) if line.strip())
        yield from not_empty(({"id": name, "group": name, "text": line} for name, line in lines), source.path)
        return
    for row in read_rows(source, ("text",), ("group",)):
        yield {"id": row["id"], "group": row.get("group") or row["id"], "text": row["text"]}
