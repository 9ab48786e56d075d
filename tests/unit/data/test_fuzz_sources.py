"""Aligned text, headlines, questions, documents, predictions, damaged: rows, or an InputError naming the file."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semalign.config.data import (
    AlignedText,
    Captions,
    Cmrc2018,
    CorpusItem,
    Headlines,
    Joined,
    PairTable,
    Squad,
    Table,
)
from semalign.data.questions import read_questions
from semalign.data.sources import read_documents, read_pairs
from semalign.metrics.predictions import join
from semalign.runtime.files import Row, read_jsonl, write_jsonl
from tests.unit.fuzz import (
    DAMAGE,
    JSONL,
    LEAVES,
    LINE_DAMAGE,
    PAIR,
    QUESTION,
    Files,
    are_rows,
    as_jsonl,
    cmrc2018,
    damaged,
    fuzz,
    outcome,
    parquet,
    question_rows,
    squad,
)
from tests.unit.inputs import written

# Aligned text, headlines, captions, joined tables, questions, documents

LINES = "一\r\n二\n\n四 \u2028 五\n".encode()
IDS = b"d1\nd1\nd2\nd3\n"
ZH = "a.jpg#zhc#0 一\r\na.jpg#zhc#1 二 \u2028\n\nb c.jpg#zhc#0\n".encode()
BO = "b c.jpg#tic#0 ཀ\na.jpg#tic#0 ཁ\na.jpg#tic#1\tག\n".encode()
SIDE = as_jsonl({"id": 1, "text": "一", "group": "d"}, {"id": "2", "text": None}, {"id": "3", "text": "三"})
PARQUET = parquet(
    {"id": ["q1", "q2"], "context": ["甲", "乙"], "question": ["谁", "谁"]}
    | {"answers": [{"text": ["甲"], "answer_start": [0]}, {"text": ["乙"], "answer_start": [0]}]}
)
TEXTS = as_jsonl({"text": "中"}, {"text": "བོད", "x": 1})
FORMATS: dict[str, Any] = {"aligned": AlignedText, "headlines": Headlines, "captions": Captions, "joined": Joined}


def pairs(form: str, **fields: Any) -> Iterable[Any]:
    return read_pairs(FORMATS.get(form, PairTable).model_validate({"format": form} | fields))


def texts(kind: str, form: str, **fields: Any) -> Iterable[Any]:
    item = {"kind": kind, "task": "mt" if kind == "pairs" else None, "source": {"format": form} | fields}
    return read_documents(CorpusItem.model_validate(item))


def side(path: Path) -> Table:
    return Table.model_validate({"format": path.suffix[1:], "path": path})


TWO, DOCUMENTS = {"a.zh": LINES, "a.bo": LINES}, {"ids": IDS}
# The files of a source as they should be, its reader, and what its rows hold.
SOURCES: dict[str, tuple[dict[str, bytes], Callable[..., Iterable[Any]], set[str]]] = {
    "aligned": (TWO, lambda a, b: pairs("aligned", source=a, target=b), PAIR),
    "documents": (TWO | DOCUMENTS, lambda a, b, ids: pairs("aligned", source=a, target=b, documents=ids), PAIR),
    "headlines": ({"a": LINES} | DOCUMENTS, lambda a, ids: pairs("headlines", text=a, documents=ids, segments=2), PAIR),
    "whole articles": ({"a": LINES} | DOCUMENTS, lambda a, ids: pairs("headlines", text=a, documents=ids), PAIR),
    "captions": ({"a.zh": ZH, "a.bo": BO}, lambda a, b: pairs("captions", source=a, target=b), PAIR),
    "joined": ({"a.jsonl": SIDE, "b.jsonl": SIDE}, lambda a, b: pairs("joined", source=side(a), target=side(b)), PAIR),
    "less the rows of another": (
        {"a.jsonl": JSONL, "b.jsonl": JSONL[:90]},
        lambda a, b: pairs("jsonl", path=a, exclude_ids_from=[side(b)]),
        PAIR,
    ),
    "squad": ({"a.json": squad()}, lambda a: read_questions(Squad(format="squad", path=a)), QUESTION),
    "cmrc2018": ({"a.json": cmrc2018()}, lambda a: read_questions(Cmrc2018(format="cmrc2018", path=a)), QUESTION),
    "a table of questions": ({"a.jsonl": question_rows()}, lambda a: read_questions(side(a)), QUESTION),
    "questions in parquet": ({"a.parquet": PARQUET}, lambda a: read_questions(side(a)), QUESTION),
    "texts in lines": ({"a.txt": LINES}, lambda a: texts("text", "lines", path=a), {"text"}),
    "texts in a table": ({"a.jsonl": TEXTS}, lambda a: texts("text", "jsonl", path=a), {"text"}),
    "pairs as documents": ({"a.jsonl": JSONL}, lambda a: texts("pairs", "jsonl", path=a), {"source", "target"}),
    "squad as documents": (
        {"a.json": squad()},
        lambda a: texts("questions", "squad", path=a),
        {"context", "question", "answers"},
    ),
}


@pytest.mark.parametrize("name", SOURCES)
@fuzz
@given(damage=st.tuples(DAMAGE, DAMAGE, DAMAGE))
def test_a_damaged_source(tmp_path_factory: Files, name: str, damage: tuple[list[Any], ...]) -> None:
    """Rows, or what their source leaves out."""
    files, read, keys = SOURCES[name]
    contents = {name: damaged(content, one) for (name, content), one in zip(files.items(), damage, strict=False)}
    folder = tmp_path_factory.mktemp("fuzz")
    paths = [written(folder, name, content) for name, content in contents.items()]
    rows = outcome(lambda: read(*paths), *paths) or []
    if "squad" in name and b"\\ud83d" in contents["a.json"]:  # see test_half_a_surrogate_pair_in_questions
        return
    are_rows([row for row in rows if "left_out" not in row], keys)
    are_rows([row for row in rows if "left_out" in row], {"id", "left_out"})
    assert "id" not in keys or len({row["id"] for row in rows}) == len(rows)
    if name in ("aligned", "documents"):
        assert [row["id"] for row in rows] == [f"a:{number}" for number in range(1, len(rows) + 1)]


VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "text", "data", "x"]), inner),
    max_leaves=6,
)
QUESTIONS: dict[str, tuple[Callable[..., bytes], list[str]]] = {
    "squad": (squad, ["id", "question", "answers"]),
    "cmrc2018": (cmrc2018, ["query_id", "query_text", "answers"]),
    "a table of questions": (question_rows, ["id", "context", "question", "answers", "group"]),
}


@pytest.mark.parametrize("name", QUESTIONS)
@fuzz
@given(place=st.integers(0, 4), value=VALUES)
def test_anything_in_a_place_of_a_question(tmp_path_factory: Files, name: str, place: int, value: Any) -> None:
    make, keys = QUESTIONS[name]
    [file_name], read, _ = SOURCES[name]
    path = written(tmp_path_factory.mktemp("fuzz"), file_name, make(**{keys[place % len(keys)]: value}))
    are_rows(outcome(lambda: read(path), path), QUESTION)


@fuzz
@given(st.sampled_from(["data", "paragraphs", "paragraph", "qas", "context", "group"]), VALUES)
def test_questions_with_anything_above_them(tmp_path_factory: Files, place: str, value: Any) -> None:
    whole = json.loads(squad())
    entry = whole["data"][0]
    paragraph = entry["paragraphs"][0]
    holder, key = {
        "data": (whole, "data"),
        "paragraphs": (entry, "paragraphs"),
        "paragraph": (entry["paragraphs"], 0),
        "qas": (paragraph, "qas"),
        "context": (paragraph, "context"),
        "group": (paragraph, "id"),
    }[place]
    holder[key] = value
    path = written(tmp_path_factory.mktemp("fuzz"), "a.json", json.dumps(whole, ensure_ascii=False).encode())
    are_rows(outcome(lambda: read_questions(Squad(format="squad", path=path)), path), QUESTION)


@pytest.mark.parametrize("key", ["id", "question"])
def test_half_a_surrogate_pair_in_questions(tmp_path: Path, key: str) -> None:
    path = written(tmp_path, "a.json", squad(**{key: "XX"}).replace(b"XX", b"\\ud83d"))
    rows = outcome(lambda: read_questions(Squad(format="squad", path=path)), path)
    write_jsonl(tmp_path / "prepared.jsonl", rows or [])


# Predictions


ANSWERS = as_jsonl(
    *[{"testset": "mt", "id": name, "output": "བོད", "tokens": 3, "truncated": False} for name in ("a", "b", "c")]
)
ITEMS = as_jsonl(*[{"id": name, "source": "中"} for name in ("a", "b", "c")])


@fuzz
@given(answers=LINE_DAMAGE, items=LINE_DAMAGE)
def test_predictions_that_lost_lines(tmp_path_factory: Files, answers: list[Any], items: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "mt").mkdir()
    predictions = written(folder, "predictions.jsonl", damaged(ANSWERS, answers))
    test = written(folder / "mt", "test.jsonl", damaged(ITEMS, items))
    found = outcome(lambda: [join(predictions, [str(test)])], predictions, test)
    if found is not None:
        rows = found[0]["mt"]
        assert [row["id"] for row in rows] == [row["id"] for row in read_jsonl(test)]
        assert all({"source", "output", "tokens", "truncated"} <= set(row) for row in rows)


@pytest.mark.parametrize("row", [{}, {"id": "a"}, {"testset": "mt"}, {"testset": "mt", "id": ["a"]}])
def test_predictions_without_their_keys(tmp_path: Path, row: Row) -> None:
    (tmp_path / "mt").mkdir()
    test = written(tmp_path / "mt", "test.jsonl", ITEMS)
    predictions = written(tmp_path, "predictions.jsonl", ANSWERS + as_jsonl(row))
    assert outcome(lambda: [join(predictions, [str(test)])], predictions, test) is None
