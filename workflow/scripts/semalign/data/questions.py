"""Reading extractive questions: both JSON styles of CMRC 2018, and the tables in which hubs hold them."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semalign.config.data import Cmrc2018, QuestionSource, Squad, Table
from semalign.data.tabular import as_text, group_of, not_empty, place_of, read_nested, undamaged
from semalign.data.tabular import label as cleaned_label
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, read_json

Placed = Iterator[tuple[str, Row]]  # (where the question stands, as a message names it; the question)

STYLES = {"squad": "SQuAD style is needed", "cmrc2018": "CMRC 2018's own style is needed"}


def read_questions(source: QuestionSource, unanswerable: bool = False) -> Iterator[Row]:
    """Yield {"id", "group": the passage's id, "context", "question", "answers": list of text}.

    Where an answer starts is not read: 2% of CMRC 2018's are wrong. An answer that is a number becomes text, as the
    official scorer has it, and so does an id that is a whole number. Tables have columns id, context, question and
    answers, perhaps group; without it a passage is a group. Where there may be `unanswerable` questions, one without
    answers, or that SQuAD 2.0 calls impossible, has the empty text as its answer. Raises InputError, naming the place
    in the file, for what is missing and for repeated ids.
    """
    if isinstance(source, Squad):
        placed = _squad(source, unanswerable)
    elif isinstance(source, Cmrc2018):
        placed = _cmrc2018(source)
    else:
        placed = _table(source, unanswerable)
    return not_empty(_once(placed, source.path), source.path)


def _once(placed: Placed, path: Path) -> Iterator[Row]:
    """The questions. Raises InputError for an id that was there before."""
    places: dict[str, str] = {}
    for place, row in placed:
        if row["id"] in places:
            raise InputError(f"{place}: id {row['id']!r} was already at {places[row['id']]}")
        places[row["id"]] = place.removeprefix(f"{path}: ")
        yield row


def _member(value: Any, key: str, kind: type, place: str, style: str) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get(key), kind):
        raise InputError(f"{place}: {key!r} ({'a list' if kind is list else 'text'}) is missing; {STYLES[style]}")
    return undamaged(value[key], key, place) if kind is str else value[key]


def _label(value: Any, key: str, place: str, style: str) -> str:
    """An id of a question or a passage. Raises InputError where it is neither text nor a whole number, or is blank."""
    label = value.get(key) if isinstance(value, dict) else None
    if isinstance(label, float | bool):
        raise InputError(f"{place}: {key!r} must be text or a whole number, found {label!r}; write it as text")
    text = str(label) if isinstance(label, int) else str(_member(value, key, str, place, style))
    return cleaned_label(text, key, place)


def _squad(source: Squad, unanswerable: bool) -> Placed:
    path, style = source.path, source.format
    for e, entry in enumerate(_member(read_json(path), "data", list, str(path), style)):
        for p, paragraph in enumerate(_member(entry, "paragraphs", list, f"{path}: data[{e}]", style)):
            place = f"{path}: data[{e}].paragraphs[{p}]"
            context = _member(paragraph, "context", str, place, style)
            own_id = paragraph.get("id") is not None
            group = _label(paragraph, "id", place, style) if own_id else f"{path.stem}:{e}.{p}"
            for q, question in enumerate(_member(paragraph, "qas", list, place, style)):
                at = f"{place}.qas[{q}]"
                yield (
                    at,
                    {
                        "id": _label(question, "id", at, style),
                        "group": group,
                        "context": context,
                        "question": _member(question, "question", str, at, style),
                        "answers": _texts(_given(question, at, unanswerable), at, unanswerable),
                    },
                )


def _given(question: Any, place: str, unanswerable: bool) -> list[Any]:
    """A question's answers; none where SQuAD 2.0 calls it impossible, whatever stands there."""
    if unanswerable and isinstance(question, dict) and question.get("is_impossible") is True:
        return []
    return _member(question, "answers", list, place, "squad")


def _cmrc2018(source: Cmrc2018) -> Placed:
    path, style = source.path, source.format
    passages = read_json(path)
    if not isinstance(passages, list):
        raise InputError(f"{path}: a list of passages is missing; {STYLES[style]}")
    for p, passage in enumerate(passages):
        place = f"{path}: [{p}]"
        group = _label(passage, "context_id", place, style)
        context = _member(passage, "context_text", str, place, style)
        for q, question in enumerate(_member(passage, "qas", list, place, style)):
            at = f"{place}.qas[{q}]"
            answers = _member(question, "answers", list, at, style)
            yield (
                at,
                {
                    "id": _label(question, "query_id", at, style),
                    "group": group,
                    "context": context,
                    # Without the white space around it, as in the publishers' own SQuAD-style files.
                    "question": _member(question, "query_text", str, at, style).strip(),
                    "answers": _texts([{"text": answer} for answer in answers], at),
                },
            )


def _table(table: Table, unanswerable: bool) -> Placed:
    groups: dict[str, str] = {}
    names = ("id", "context", "question")
    for number, row in read_nested(table, (*names, "answers"), ("group",)):
        place = place_of(table, number)
        texts = {name: as_text(row[name], name, place) for name in names}
        answers = row["answers"]
        if isinstance(answers, dict) and isinstance(answers.get("text"), list):  # a list of each field, as hubs have it
            answers = [{"text": text} for text in answers["text"]]
        texts["id"] = cleaned_label(texts["id"], "id", place)
        own = groups.setdefault(texts["context"], f"{table.path.stem}:{number}")
        group = group_of({"group": as_text(row.get("group"), "group", place)}, own)
        yield place, {**texts, "group": group, "answers": _texts(answers, place, unanswerable)}


def _texts(answers: Any, place: str, unanswerable: bool = False) -> list[str]:
    given = answers if isinstance(answers, list) else []
    if unanswerable and answers == []:
        return [""]
    texts = [answer.get("text") if isinstance(answer, dict) else None for answer in given]
    if not texts or not all(map(_can_answer, texts)):
        raise InputError(f"{place}: every question needs answers, each with a `text`")
    return [undamaged(str(text), "text", place) for text in texts]


def _can_answer(text: Any) -> bool:
    """Whether it is text or a number; NaN and infinities stand for what is missing."""
    if isinstance(text, bool) or not isinstance(text, int | float):
        return isinstance(text, str)
    return -math.inf < text < math.inf
