"""Reading the data that the config names into plain rows: pairs in every format, and documents for base training."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from semalign.config.data import (
    AlignedText,
    Captions,
    Cmrc2018,
    CorpusItem,
    EncoderSource,
    Headlines,
    Joined,
    Lines,
    PairSource,
    PairTable,
    QuestionSource,
    Squad,
    Table,
)
from semalign.data.joining import joined_captions, joined_tables, without_ids
from semalign.data.questions import read_questions
from semalign.data.tabular import group_of, label, not_empty, read_rows
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, read_lines

PAIRS, QUESTIONS = TypeAdapter(list[PairSource]), TypeAdapter(list[QuestionSource])
TRAINING = TypeAdapter(list[EncoderSource])


def origin(key: str, sources: Sequence[PairSource | QuestionSource | Lines]) -> str:
    """How a message names some sources: their config key and files."""
    return f"{key} ({', '.join(str(first_file(source)) for source in sources)})"


def first_file(source: PairSource | EncoderSource | QuestionSource | Lines) -> Path:
    """The file by which a message names a source."""
    if isinstance(source, Headlines):
        return source.text
    if isinstance(source, Joined):
        return source.source.path
    return source.source if isinstance(source, AlignedText | Captions) else source.path


def read_all_pairs(sources: Sequence[PairSource], key: str) -> Iterator[Row]:
    """The pairs of several sources, one after the other (see `read_pairs`); `key` is where the config lists them.

    Raises InputError where two sources give the same id.
    """
    return read_all(read_pairs, sources, key)


def read_all_questions(sources: Sequence[QuestionSource], key: str, unanswerable: bool = False) -> Iterator[Row]:
    """The questions of several sources (see `questions.read_questions`), as `read_all_pairs` has pairs."""
    return read_all(partial(read_questions, unanswerable=unanswerable), sources, key)


def read_all(read: Callable[[Any], Iterator[Row]], sources: Sequence[Any], key: str) -> Iterator[Row]:
    """The rows of several sources, one after the other; `key` is where the config lists them. Raises InputError where
    two sources give the same id."""
    seen: dict[str, int] = {}
    for number, source in enumerate(sources):
        for row in read(source):
            if "left_out" not in row and seen.setdefault(row["id"], number) != number:
                first = origin(f"{key}.{seen[row['id']]}", [sources[seen[row["id"]]]])
                raise InputError(
                    f"{origin(f'{key}.{number}', [source])}: id {row['id']!r} is also in {first}; "
                    "make the ids, or where there is no id column the file names, differ"
                )
            yield row


def read_pairs(source: PairSource) -> Iterator[Row]:
    """Yield {"id", "group", "source", "target"}, all text; {"id", "left_out": reason} for what the source leaves out.

    id: the file's own, a document's for headlines, image and number for captions, else `<file name without
    ending>:<line>` (row, for JSON and Parquet). group: the document, image or scene that must not be cut by a split; a
    row without one is a group of its own. The text is as in the file. Reasons: excluded (the id is in a table of
    `exclude_ids_from`), repeated_id (where `repeated_ids` allows it), no_partner (the other language has no such row).
    Raises InputError, with file and line, for what is missing or damaged, and where files that belong together share
    nothing.
    """
    if isinstance(source, AlignedText):
        return not_empty(_aligned(source), source.source)
    if isinstance(source, Headlines):
        return not_empty(_headlines(source), source.text)
    if isinstance(source, Joined):
        return joined_tables(source)
    if isinstance(source, Captions):
        return joined_captions(source)
    return _table_pairs(source)


def read_documents(item: CorpusItem) -> Iterator[Row]:
    """Yield a corpus part for base training: {"text"}, {"source", "target"} or {"context", "question", "answers"}.

    Pairs that their source leaves out are {"left_out": reason}.
    """
    source = item.source
    keys: Sequence[str] = ("text",)
    if isinstance(source, Lines):
        lines = ({"text": line} for _, line in read_lines(source.path) if line.strip())
        rows = not_empty(lines, source.path)
    elif item.kind == "questions":
        assert isinstance(source, Squad | Cmrc2018 | Table)  # the config's own check, as below
        keys, rows = ("context", "question", "answers"), read_questions(source)
    elif item.kind == "text":
        assert isinstance(source, Table)
        rows = read_rows(source, ("text",))
    else:
        assert not isinstance(source, Squad | Cmrc2018)
        keys, rows = ("source", "target"), read_pairs(source)
    return ({key: row[key] for key in (["left_out"] if "left_out" in row else keys)} for row in rows)


def _side_by_side(*paths: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(line number, that line of every file). Raises InputError with the counts where the files' lengths differ."""
    streams = [(line for _, line in read_lines(path)) for path in paths]
    for number, lines in enumerate(zip_longest(*streams), start=1):
        if None in lines:
            counts = " and ".join(f"{path} has {sum(1 for _ in read_lines(path))} lines" for path in paths)
            raise InputError(f"{counts}: line n of one must belong to line n of the other")
        yield number, lines


def _document(path: Path, number: int, line: str) -> str:
    return label(line, "document id", f"{path}:{number}")


def _aligned(source: AlignedText) -> Iterator[Row]:
    paths = [source.source, source.target, *([source.documents] if source.documents else [])]
    for number, (left, right, *document) in _side_by_side(*paths):
        group = f"{source.source}:{number}"
        if source.documents:
            group = _document(source.documents, number, document[0])
        yield {"id": f"{source.source.stem}:{number}", "group": group, "source": left, "target": right}


def _headlines(source: Headlines) -> Iterator[Row]:
    first_lines: dict[str, int] = {}
    numbered = (
        (_document(source.documents, number, document), number, line)
        for number, (line, document) in _side_by_side(source.text, source.documents)
    )
    for document, group in groupby(numbered, key=lambda segment: segment[0]):
        (_, number, headline), *segments = group
        if document in first_lines:
            raise InputError(
                f"{source.documents}:{number}: document {document!r} was already at line {first_lines[document]}; "
                "a document's lines must follow one another"
            )
        first_lines[document] = number
        article = [line for _, _, line in segments[: source.segments]]
        yield {"id": document, "group": document, "source": "\n".join(article), "target": headline}


def _table_pairs(table: PairTable) -> Iterator[Row]:
    for row in without_ids(read_rows(table, ("source", "target"), ("group",)), table):
        if "left_out" in row:
            yield row
            continue
        # The path, not the id: two files may both number their rows from 0 without sharing a document.
        group = group_of(row, f"{table.path}:{row['id']}")
        yield {"id": row["id"], "group": group, "source": row["source"], "target": row["target"]}
