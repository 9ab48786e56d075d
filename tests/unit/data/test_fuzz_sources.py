"""Aligned text, headlines, questions, documents, predictions, damaged: rows, or an InputError naming the file."""

import json
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
    Lines,
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
    file,
    fuzz,
    fuzz_few,
    outcome,
    parquet,
    question_rows,
    squad,
)

# Aligned text, headlines, questions, documents

LINES = "一\r\n二\n\n四 \u2028 五\n".encode()
IDS = b"d1\nd1\nd2\nd3\n"


@fuzz
@given(left=DAMAGE, right=DAMAGE, ids=st.none() | DAMAGE)
def test_damaged_aligned_text(
    tmp_path_factory: Files, left: list[Any], right: list[Any], ids: list[Any] | None
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    paths = [file(folder, "a.zh", damaged(LINES, left)), file(folder, "a.bo", damaged(LINES, right))]
    if ids is not None:
        paths.append(file(folder, "ids", damaged(IDS, ids)))
    source = AlignedText(format="aligned", source=paths[0], target=paths[1], documents=dict(enumerate(paths)).get(2))
    rows = outcome(lambda: read_pairs(source), *paths)
    are_rows(rows, PAIR)
    if rows is not None:
        assert [row["id"] for row in rows] == [f"a:{number}" for number in range(1, len(rows) + 1)]


@fuzz
@given(text=DAMAGE, ids=DAMAGE, segments=st.none() | st.integers(1, 3))
def test_damaged_headlines(tmp_path_factory: Files, text: list[Any], ids: list[Any], segments: int | None) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    paths = [file(folder, "a.txt", damaged(LINES, text)), file(folder, "ids", damaged(IDS, ids))]
    rows = outcome(
        lambda: read_pairs(Headlines(format="headlines", text=paths[0], documents=paths[1], segments=segments)), *paths
    )
    are_rows(rows, PAIR)
    assert rows is None or len({row["id"] for row in rows}) == len(rows)


ZH = "a.jpg#zhc#0 一\r\na.jpg#zhc#1 二 \u2028\n\nb c.jpg#zhc#0\n".encode()
BO = "b c.jpg#tic#0 ཀ\na.jpg#tic#0 ཁ\na.jpg#tic#1\tག\n".encode()


@fuzz
@given(left=DAMAGE, right=DAMAGE)
def test_damaged_captions(tmp_path_factory: Files, left: list[Any], right: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    paths = [file(folder, "a.zh", damaged(ZH, left)), file(folder, "a.bo", damaged(BO, right))]
    rows = outcome(lambda: read_pairs(Captions(format="captions", source=paths[0], target=paths[1])), *paths)
    are_pairs(rows)
    assert rows is None or len({row["id"] for row in rows}) == len(rows)


def are_pairs(rows: list[Any] | None) -> None:
    """Pairs, or what their source leaves out."""
    are_rows([row for row in rows or [] if "left_out" not in row], PAIR)
    are_rows([row for row in rows or [] if "left_out" in row], {"id", "left_out"})


SIDE = as_jsonl({"id": 1, "text": "一", "group": "d"}, {"id": "2", "text": None}, {"id": "3", "text": "三"})


@fuzz
@given(left=DAMAGE, right=DAMAGE)
def test_damaged_tables_that_are_joined(tmp_path_factory: Files, left: list[Any], right: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    paths = [file(folder, "a.jsonl", damaged(SIDE, left)), file(folder, "b.jsonl", damaged(SIDE, right))]
    tables = [Table(format="jsonl", path=path) for path in paths]
    rows = outcome(lambda: read_pairs(Joined(format="joined", source=tables[0], target=tables[1])), *paths)
    are_pairs(rows)
    assert rows is None or len({row["id"] for row in rows}) == len(rows)


@fuzz
@given(left=DAMAGE, right=DAMAGE)
def test_a_damaged_table_less_the_rows_of_another(tmp_path_factory: Files, left: list[Any], right: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    paths = [file(folder, "a.jsonl", damaged(JSONL, left)), file(folder, "b.jsonl", damaged(JSONL[:90], right))]
    without = [Table(format="jsonl", path=paths[1])]
    are_pairs(outcome(lambda: read_pairs(PairTable(format="jsonl", path=paths[0], exclude_ids_from=without)), *paths))


VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "text", "data", "x"]), inner),
    max_leaves=6,
)


@fuzz
@given(DAMAGE)
def test_damaged_questions(tmp_path_factory: Files, damage: list[Any]) -> None:
    content = damaged(squad(), damage)
    path = file(tmp_path_factory.mktemp("fuzz"), "a.json", content)
    rows = outcome(lambda: read_questions(Squad(format="squad", path=path)), path)
    if b"\\ud83d" not in content:  # see test_half_a_surrogate_pair_in_questions
        are_rows(rows, QUESTION)


@fuzz
@given(damage=DAMAGE, own=st.booleans())
def test_damaged_questions_of_other_styles(tmp_path_factory: Files, damage: list[Any], own: bool) -> None:
    content = damaged(cmrc2018() if own else question_rows(), damage)
    path = file(tmp_path_factory.mktemp("fuzz"), "a.json" if own else "a.jsonl", content)
    source = Cmrc2018(format="cmrc2018", path=path) if own else Table(format="jsonl", path=path)
    are_rows(outcome(lambda: read_questions(source), path), QUESTION)


@fuzz
@given(st.sampled_from(["query_id", "query_text", "answers"]), VALUES)
def test_anything_in_a_question_of_cmrc_2018(tmp_path_factory: Files, key: str, value: Any) -> None:
    path = file(tmp_path_factory.mktemp("fuzz"), "a.json", cmrc2018(**{key: value}))
    are_rows(outcome(lambda: read_questions(Cmrc2018(format="cmrc2018", path=path)), path), QUESTION)


@fuzz
@given(st.sampled_from(["id", "context", "question", "answers", "group"]), VALUES)
def test_anything_in_a_table_of_questions(tmp_path_factory: Files, key: str, value: Any) -> None:
    path = file(tmp_path_factory.mktemp("fuzz"), "a.jsonl", question_rows(**{key: value}))
    are_rows(outcome(lambda: read_questions(Table(format="jsonl", path=path)), path), QUESTION)


@fuzz_few
@given(damage=DAMAGE)
def test_a_damaged_parquet_file_of_questions(tmp_path_factory: Files, damage: list[Any]) -> None:
    rows = {"id": ["q1", "q2"], "context": ["甲", "乙"], "question": ["谁", "谁"]}
    content = parquet(
        rows | {"answers": [{"text": ["甲"], "answer_start": [0]}, {"text": ["乙"], "answer_start": [0]}]}
    )
    path = file(tmp_path_factory.mktemp("fuzz"), "a.parquet", damaged(content, damage))
    are_rows(outcome(lambda: read_questions(Table(format="parquet", path=path)), path), QUESTION)


@fuzz
@given(st.sampled_from(["id", "question", "answers"]), VALUES)
def test_questions_with_anything_in_a_place(tmp_path_factory: Files, key: str, value: Any) -> None:
    path = file(tmp_path_factory.mktemp("fuzz"), "a.json", squad(**{key: value}))
    are_rows(outcome(lambda: read_questions(Squad(format="squad", path=path)), path), QUESTION)


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
    path = file(tmp_path_factory.mktemp("fuzz"), "a.json", json.dumps(whole, ensure_ascii=False).encode())
    are_rows(outcome(lambda: read_questions(Squad(format="squad", path=path)), path), QUESTION)


@pytest.mark.parametrize("key", ["id", "question"])
def test_half_a_surrogate_pair_in_questions(tmp_path: Path, key: str) -> None:
    path = file(tmp_path, "a.json", squad(**{key: "XX"}).replace(b"XX", b"\\ud83d"))
    rows = outcome(lambda: read_questions(Squad(format="squad", path=path)), path)
    write_jsonl(tmp_path / "prepared.jsonl", rows or [])


@pytest.mark.parametrize("kind", ["lines", "table", "pairs", "questions"])
@fuzz_few
@given(damage=DAMAGE)
def test_damaged_documents(tmp_path_factory: Files, kind: str, damage: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    if kind == "lines":
        path = file(folder, "a.txt", damaged(LINES, damage))
        item, keys = CorpusItem(kind="text", task=None, source=Lines(format="lines", path=path)), {"text"}
    elif kind == "table":
        path = file(folder, "a.jsonl", damaged(as_jsonl({"text": "中"}, {"text": "བོད", "x": 1}), damage))
        item, keys = CorpusItem(kind="text", task=None, source=PairTable(format="jsonl", path=path)), {"text"}
    elif kind == "pairs":
        path = file(folder, "a.jsonl", damaged(JSONL, damage))
        item, keys = (
            CorpusItem(kind="pairs", task="mt", source=PairTable(format="jsonl", path=path)),
            {"source", "target"},
        )
    else:
        damage = [change for change in damage if change[0][1] != b"\\ud83d"]  # see above
        path = file(folder, "a.json", damaged(squad(), damage))
        item = CorpusItem(kind="questions", task=None, source=Squad(format="squad", path=path))
        keys = {"context", "question", "answers"}
    are_rows(outcome(lambda: read_documents(item), path), keys)


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
    predictions = file(folder, "predictions.jsonl", damaged(ANSWERS, answers))
    test = file(folder / "mt", "test.jsonl", damaged(ITEMS, items))
    found = outcome(lambda: [join(predictions, [str(test)])], predictions, test)
    if found is not None:
        rows = found[0]["mt"]
        assert [row["id"] for row in rows] == [row["id"] for row in read_jsonl(test)]
        assert all({"source", "output", "tokens", "truncated"} <= set(row) for row in rows)


@pytest.mark.parametrize("row", [{}, {"id": "a"}, {"testset": "mt"}, {"testset": "mt", "id": ["a"]}])
def test_predictions_without_their_keys(tmp_path: Path, row: Row) -> None:
    (tmp_path / "mt").mkdir()
    test = file(tmp_path / "mt", "test.jsonl", ITEMS)
    predictions = file(tmp_path, "predictions.jsonl", ANSWERS + as_jsonl(row))
    assert outcome(lambda: [join(predictions, [str(test)])], predictions, test) is None
