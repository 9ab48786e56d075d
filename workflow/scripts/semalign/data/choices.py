"""Reading multiple-choice items from tables: XCOPA, Belebele, C-Eval and the like, by a map of their columns."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from semalign.config.data import Table
from semalign.data.tabular import group_of, label, not_empty, place_of, read_nested, read_rows, undamaged
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.text.matching import comparable
from semalign.text.prompts import fill


@dataclass(frozen=True)
class Layout:
    """How a row is read.

    prompt: with the names of columns in braces. choices: the column of each choice, or the one that holds a list.
    first_label: what the label of the first choice is. words: for a column, what stands for each of its values in the
    prompt.
    """

    prompt: str
    choices: Sequence[str] | str
    first_label: int | str
    words: Mapping[str, Mapping[str, str]]

    @property
    def fields(self) -> list[str]:
        """The columns that fill the prompt."""
        return list(dict.fromkeys(re.findall(r"\{(\w+)\}", self.prompt)))

    @property
    def columns(self) -> list[str]:
        """All that a row must have."""
        choices = [self.choices] if isinstance(self.choices, str) else list(self.choices)
        return list(dict.fromkeys([*self.fields, *choices, "label"]))


def read_choices(table: Table, layout: Layout) -> Iterator[Row]:
    """Yield {"id", "group", "context": the filled prompt, "fields": the texts in it, "choices", "label": the place of
    the right one, "answer": its text}.

    A row without an id has its file and line. Raises InputError, naming the place in the file, for a missing column, a
    label that names no choice, a value without a word for it, and for fewer than two choices or a blank one.
    """
    seen: dict[str, str] = {}
    for number, row in not_empty(_rows(table, layout), table.path):
        place = place_of(table, number)
        fields = {name: _text(row[name], name, place) for name in layout.fields}
        name = str(row["id"]) if row.get("id") not in (None, "") else f"{table.path.stem}:{number}"
        name = label(_text(name, "id", place), "id", place)
        if name in seen:
            raise InputError(f"{place}: id {name!r} was already at {seen[name]}")
        seen[name] = place.removeprefix(f"{table.path}: ")
        choices = _choices(row, layout, place)
        right = _label(row["label"], layout.first_label, len(choices), place)
        shown = {name: _word(value, layout.words.get(name), name, place) for name, value in fields.items()}
        yield {
            "id": name,
            "group": group_of({"group": _text(row.get("group") or "", "group", place)}, name),
            "context": fill(layout.prompt, **shown),
            "fields": [value for name, value in fields.items() if name not in layout.words],
            "choices": choices,
            "label": right,
            "answer": choices[right],
        }


def _rows(table: Table, layout: Layout) -> Iterator[tuple[int, Row]]:
    required, optional = layout.columns, [name for name in ("id", "group") if name not in layout.columns]
    if unknown := set(table.columns) - {*required, *optional}:
        known = ", ".join([*required, *optional])
        raise InputError(f"{table.path}: columns names {sorted(unknown)}, which nothing reads; known: {known}")
    if table.format in ("csv", "tsv"):
        yield from enumerate(read_rows(table, required, ("group",)), start=2)
    else:
        yield from read_nested(table, required, optional)


def _text(value: Any, name: str, place: str) -> str:
    """A cell as text, a whole number too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise InputError(f"{place}: {name!r} must be text, found {type(value).__name__}; write it as text")
    return undamaged(value, name, place)


def _choices(row: Row, layout: Layout, place: str) -> list[str]:
    if isinstance(layout.choices, str):
        found = row[layout.choices]
        found = found.get("text") if isinstance(found, dict) else found  # as ARC has them: {"text": […], "label": […]}
        if not isinstance(found, list):
            raise InputError(f"{place}: {layout.choices!r} must be a list of choices; name a column for each instead")
    else:
        found = [row[name] for name in layout.choices]
    texts = [_text(value, "choices", place) for value in found]
    if len(texts) < 2 or not all(map(comparable, texts)):
        raise InputError(f"{place}: two choices or more are needed, none of them blank; found {texts}")
    return texts


def _label(value: Any, first: int | str, choices: int, place: str) -> int:
    """The place of the right choice."""
    text = str(value).strip()
    try:
        found = int(text) - first if isinstance(first, int) else ord(text) - ord(first)
    except (ValueError, TypeError):
        found = -1
    if not 0 <= found < choices:
        last = first + choices - 1 if isinstance(first, int) else chr(ord(first) + choices - 1)
        raise InputError(
            f"{place}: the label {value!r} names none of {choices} choices, which are {first} to {last}; set "
            "first_label, or map `label` to its column"
        )
    return found


def _word(value: str, words: Mapping[str, str] | None, name: str, place: str) -> str:
    if words is None:
        return value
    if value not in words:
        raise InputError(f"{place}: words.{name} has nothing for {value!r}; it knows {', '.join(words)}")
    return words[value]
