"""Reading the data that the config names into plain rows: aligned text, documents with headlines, tables, questions."""

from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any

from semalign.config.data import AlignedText, CorpusItem, Headlines, Lines, PairSource, Squad, Table
from semalign.errors import InputError
from semalign.files import Row, read_json, read_lines
from semalign.tabular import not_empty, read_rows, undamaged


def origin(key: str, sources: Sequence[PairSource | Squad]) -> str:
    """How a message names some sources: their config key and files."""
    paths = [source.source if isinstance(source, AlignedText) else _path(source) for source in sources]
    return f"{key} ({', '.join(map(str, paths))})"


def _path(source: Headlines | Table | Squad) -> Path:
    return source.text if isinstance(source, Headlines) else source.path


def read_all_pairs(sources: Sequence[PairSource], key: str) -> Iterator[Row]:
    """The pairs of several sources, one after the other (see `read_pairs`); `key` is where the config lists them.

    Raises InputError where two sources give the same id.
    """
    seen: dict[str, int] = {}
    for number, source in enumerate(sources):
        for row in read_pairs(source):
            if seen.setdefault(row["id"], number) != number:
                first = origin(f"{key}.{seen[row['id']]}", [sources[seen[row["id"]]]])
                raise InputError(
                    f"{origin(f'{key}.{number}', [source])}: id {row['id']!r} is also in {first}; "
                    "make the ids, or where there is no id column the file names, differ"
                )
            yield row


def read_pairs(source: PairSource) -> Iterator[Row]:
    """Yield {"id", "group", "source", "target"}, all text.

    id: the file's own, a document's for headlines, else `<file name without ending>:<line>`. group: the document or
    scene that must not be cut by a split; a row without one is a group of its own. The text is as in the file.
    Raises InputError, with file and line, for what is missing or damaged.
    """
    if isinstance(source, AlignedText):
        return not_empty(_aligned(source), source.source)
    if isinstance(source, Headlines):
        return not_empty(_headlines(source), source.text)
    return _table_pairs(source)


def read_questions(squad: Squad) -> Iterator[Row]:
    """Yield {"id", "group": the passage's id, "context", "question", "answers": list of text} of a SQuAD-style file.

    Where an answer starts is not read: 2% of CMRC 2018's are wrong. An answer that is a number becomes text, as the
    official scorer has it. Raises InputError, naming the place in the JSON, for what is missing and for repeated ids.
    """
    return not_empty(_questions(squad.path), squad.path)


def read_documents(item: CorpusItem) -> Iterator[Row]:
    """Yield a corpus part for base training: {"text"}, {"source", "target"} or {"context", "question", "answers"}."""
    source = item.source
    keys: Sequence[str] = ("text",)
    if isinstance(source, Squad):
        keys, rows = ("context", "question", "answers"), read_questions(source)
    elif isinstance(source, Lines):
        lines = ({"text": line} for _, line in read_lines(source.path) if line.strip())
        rows = not_empty(lines, source.path)
    elif item.kind == "text":
        assert isinstance(source, Table)  # the config's own check
        rows = read_rows(source, ("text",))
    else:
        keys, rows = ("source", "target"), read_pairs(source)
    return ({key: row[key] for key in keys} for row in rows)


def _side_by_side(*paths: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(line number, that line of every file). Raises InputError with the counts where the files' lengths differ."""
    streams = [(line for _, line in read_lines(path)) for path in paths]
    for number, lines in enumerate(zip_longest(*streams), start=1):
        if None in lines:
            counts = " and ".join(f"{path} has {sum(1 for _ in read_lines(path))} lines" for path in paths)
            raise InputError(f"{counts}: line n of one must belong to line n of the other")
        yield number, lines


def _document(path: Path, number: int, line: str) -> str:
    if not line.strip():
        raise InputError(f"{path}:{number}: the document id is empty")
    return line.strip()


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


def _table_pairs(table: Table) -> Iterator[Row]:
    for row in read_rows(table, ("source", "target"), ("group",)):
        # The path, not the id: two files may both number their rows from 0 without sharing a document.
        group = row.get("group") or f"{table.path}:{row['id']}"
        yield {"id": row["id"], "group": group, "source": row["source"], "target": row["target"]}


# Questions
def _member(value: Any, key: str, kind: type, place: str) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get(key), kind):
        raise InputError(f"{place}: {key!r} ({'a list' if kind is list else 'text'}) is missing; SQuAD style is needed")
    return undamaged(value[key], key, place) if kind is str else value[key]


def _questions(path: Path) -> Iterator[Row]:
    places: dict[str, str] = {}
    for e, entry in enumerate(_member(read_json(path), "data", list, str(path))):
        for p, paragraph in enumerate(_member(entry, "paragraphs", list, f"{path}: data[{e}]")):
            place = f"{path}: data[{e}].paragraphs[{p}]"
            context = _member(paragraph, "context", str, place)
            for q, question in enumerate(_member(paragraph, "qas", list, place)):
                at = f"{place}.qas[{q}]"
                name = _member(question, "id", str, at)
                if name in places:
                    raise InputError(f"{at}: id {name!r} was already at {places[name]}")
                places[name] = at.removeprefix(f"{path}: ")
                yield {
                    "id": name,
                    "group": str(paragraph.get("id", f"{path.stem}:{e}.{p}")),
                    "context": context,
                    "question": _member(question, "question", str, at),
                    "answers": _answers(_member(question, "answers", list, at), at),
                }


def _answers(answers: list[Any], place: str) -> list[str]:
    texts = [answer.get("text") if isinstance(answer, dict) else None for answer in answers]
    if not texts or any(isinstance(text, bool) or not isinstance(text, str | int | float) for text in texts):
        raise InputError(f"{place}: every question needs answers, each with a `text`")
    return [undamaged(str(text), "text", place) for text in texts]
