"""Pairs whose two languages lie in two files, and tables less the rows that other tables hold."""

import re
from collections.abc import Iterator
from pathlib import Path

from semalign.config.data import Captions, Joined, PairTable
from semalign.data.tabular import group_of, not_empty, read_ids, read_rows
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, read_lines
from semalign.text.matching import cleaned, comparable

CAPTION = re.compile(r"(?P<image>.+?)#[^#\s]*#(?P<number>\d+)(?:\s+(?P<text>.*))?")

Key = tuple[str, str]  # image, number


def without_ids(rows: Iterator[Row], table: PairTable) -> Iterator[Row]:
    """The rows, those whose id is in a table of `table.exclude_ids_from` as {"id", "left_out": "excluded"}.

    Ids are compared as texts are, by `matching.comparable`. Raises InputError where such a table and the rows share no
    id: it would leave out nothing, and nobody would know.
    """
    excluded = [set(map(comparable, read_ids(other))) for other in table.exclude_ids_from]
    met = [False] * len(excluded)
    for row in rows:
        name = comparable(row["id"])
        found = [name in ids for ids in excluded]
        met = [before or now for before, now in zip(met, found, strict=True)]
        yield {"id": row["id"], "left_out": "excluded"} if any(found) and "left_out" not in row else row
    for other, some in zip(table.exclude_ids_from, met, strict=True):
        if not some:
            raise InputError(
                f"{table.path}: holds none of the ids of {other.path}, whose rows are to be left out; check both "
                "tables' column `id`"
            )


def joined_tables(source: Joined) -> Iterator[Row]:
    """The pairs of two tables (see `sources.read_pairs`) in the order of the first; then those without a partner.

    The second table is held in memory. A group without a name of its own is the path of the first and the id.
    """
    partners = {row["id"]: row["text"] for row in read_rows(source.target, ("id", "text"))}
    pairs, alone = 0, list[str]()
    for row in read_rows(source.source, ("id", "text"), ("group",)):
        name = row["id"]
        if name in partners:
            pairs += 1
            group = group_of(row, f"{source.source.path}:{name}")
            yield {"id": name, "group": group, "source": row["text"], "target": partners.pop(name)}
        else:
            alone.append(name)
    yield from _alone([*alone, *partners], pairs, source.source.path, source.target.path)


def joined_captions(source: Captions) -> Iterator[Row]:
    """The pairs of two files of captions in the order of the first, grouped by image; then those without a partner.

    The second file is held in memory.
    """
    partners = dict(_captions(source.target))
    pairs, alone = 0, list[str]()
    for key, text in _captions(source.source):
        name = "#".join(key)
        if key in partners:
            pairs += 1
            yield {"id": name, "group": key[0], "source": text, "target": partners.pop(key)}
        else:
            alone.append(name)
    yield from _alone([*alone, *map("#".join, partners)], pairs, source.source, source.target)


def _alone(names: list[str], pairs: int, source: Path, target: Path) -> Iterator[Row]:
    if not pairs:
        raise InputError(f"{source} and {target} have no id in common; check that they belong together, and their ids")
    yield from ({"id": name, "left_out": "no_partner"} for name in names)


def _captions(path: Path) -> Iterator[tuple[Key, str]]:
    """(image and number, caption) of each line. Raises InputError with the line of another form, or a repeated key."""
    return not_empty(_numbered_captions(path), path)


def _numbered_captions(path: Path) -> Iterator[tuple[Key, str]]:
    lines: dict[Key, int] = {}
    for number, line in read_lines(path):
        if not line.strip():
            continue
        found = CAPTION.fullmatch(line.lstrip("\ufeff"))  # a BOM within the file, as `cat` leaves it
        if found is None:
            raise InputError(f"{path}:{number}: no caption; `<image>#<language>#<number> <text>` is needed")
        key = cleaned(found["image"]), found["number"]
        if key in lines:
            raise InputError(f"{path}:{number}: caption {'#'.join(key)!r} was already at line {lines[key]}")
        lines[key] = number
        yield key, found["text"] or ""
