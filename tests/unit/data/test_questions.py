"""Questions in CMRC 2018's own style and in the hubs' tables; the SQuAD style is in test_sources.py."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from semalign.config.data import Cmrc2018, Squad, Table
from semalign.data.preparation import prepare_questions
from semalign.data.questions import read_questions
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, write_jsonl
from tests.unit.data.test_sources import squad
from tests.unit.inputs import DATA, message, needs_data, written

QUERY = {"query_id": "q1", "query_text": " 谁？ ", "answers": ["我", 39764.0]}
PASSAGE = {"context_id": "P1", "context_text": "我是", "title": "t", "qas": [QUERY]}
ROWS: list[Row] = [
    {"id": "q1", "context": "我是", "question": "谁？", "answers": {"text": ["我"], "answer_start": [0]}},
    {"id": "q2", "context": "他是", "question": "谁？", "answers": {"text": ["他", "他是"], "answer_start": [0, 0]}},
    {"id": "q3", "context": "我是", "question": "何？", "answers": {"text": ["是"], "answer_start": [1]}},
]


def native(path: Path) -> Cmrc2018:
    return Cmrc2018(format="cmrc2018", path=path)


def hub(path: Path, **columns: str) -> Table:
    return Table.model_validate({"format": path.suffix[1:], "path": path, "columns": columns})


def test_questions_in_the_style_of_cmrc_2018(tmp_path: Path) -> None:
    path = written(tmp_path, "q.json", json.dumps([PASSAGE]))
    assert list(read_questions(native(path))) == [
        {"id": "q1", "group": "P1", "context": "我是", "question": "谁？", "answers": ["我", "39764.0"]}
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"data": []}', ": a list of passages is missing; CMRC 2018's own style is needed"),
        ("[]", ": holds no rows"),
        ("[{}]", ": [0]: 'context_id' (text) is missing"),
        (json.dumps([PASSAGE, PASSAGE | {"qas": {}}]), ": [1]: 'qas' (a list) is missing"),
        (json.dumps([PASSAGE | {"qas": [QUERY | {"answers": []}]}]), ": [0].qas[0]: every question needs answers"),
        (json.dumps([PASSAGE | {"qas": [QUERY | {"answers": [["x"]]}]}]), ": [0].qas[0]: every question needs answers"),
        (json.dumps([PASSAGE | {"qas": [{"query_id": "q"}]}]), ": [0].qas[0]: 'answers' (a list) is missing"),
        (json.dumps([PASSAGE, PASSAGE]), ": [1].qas[0]: id 'q1' was already at [0].qas[0]"),
    ],
)
def test_broken_questions_of_that_style(tmp_path: Path, content: str, expected: str) -> None:
    path = written(tmp_path, "q.json", content)
    assert message(read_questions(native(path))).startswith(f"{path}{expected}")


def as_file(folder: Path, ending: str, rows: list[Row]) -> Path:
    path = folder / f"q.{ending}"
    if ending == "jsonl":
        write_jsonl(path, rows)
    elif ending == "json":
        path.write_text(json.dumps(rows))
    else:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("ending", ["jsonl", "json", "parquet"])
def test_questions_in_a_table_share_a_group_with_their_passage(tmp_path: Path, ending: str) -> None:
    rows = list(read_questions(hub(as_file(tmp_path, ending, ROWS))))
    assert rows[1] == {"id": "q2", "group": "q:2", "context": "他是", "question": "谁？", "answers": ["他", "他是"]}
    assert [row["group"] for row in rows] == ["q:1", "q:2", "q:1"]


@pytest.mark.parametrize("ending", ["jsonl", "json", "parquet"])
def test_columns_of_questions_are_mapped_and_answers_may_be_objects(tmp_path: Path, ending: str) -> None:
    rows = [
        {"key": 5, "passage": "我是", "question": "谁？", "answers": [{"text": "我", "answer_start": 0}], "doc": "d"}
    ]
    source = hub(as_file(tmp_path, ending, rows), id="key", context="passage", group="doc")
    expected = {"id": "5", "group": "d", "context": "我是", "question": "谁？", "answers": ["我"]}
    assert list(read_questions(source)) == [expected]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"answers": {"text": [], "answer_start": []}}, ":2: every question needs answers"),
        ({"answers": "我"}, ":2: every question needs answers"),
        ({"answers": {"text": "我"}}, ":2: every question needs answers"),
        ({"question": 5}, ":2: 'question' must be text, found int"),
        ({"id": ""}, ":2: the id is empty"),
        ({"id": "q1"}, ":2: id 'q1' was already at {path}:1"),
        ({"id": "\ufeffq1 "}, ":2: id 'q1' was already at {path}:1"),
    ],
)
def test_broken_table_of_questions(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    path = as_file(tmp_path, "jsonl", [ROWS[0], ROWS[1] | changes])
    assert message(read_questions(hub(path))).startswith(f"{path}{expected.format(path=path)}")


def test_a_table_of_questions_without_its_columns(tmp_path: Path) -> None:
    path = as_file(tmp_path, "parquet", [{"id": "1", "context": "c", "question": "q"}])
    expected = f"{path}: no column 'answers' for 'answers'; columns there: id, context, question"
    assert message(read_questions(hub(path))).startswith(expected)
    path = written(tmp_path, "x.parquet", "PAR1")
    assert message(read_questions(hub(path))).startswith(f"{path}: cannot be read as Parquet")


# Public questions


@needs_data
@pytest.mark.parametrize("part", ["trial", "dev"])
def test_both_published_styles_hold_the_same_questions(part: str) -> None:
    folder = DATA / "cmrc2018"
    own = list(read_questions(native(folder / f"native_{part}.json")))
    assert own == list(read_questions(Squad(format="squad", path=folder / f"squad_{part}.json")))
    if part == "dev":
        by_name = {row["id"]: row for row in own}
        assert by_name["DEV_10_QUERY_2"]["answers"][2] == "39764.0"


def test_unanswerable_questions_have_the_empty_answer(tmp_path: Path) -> None:
    asked = [
        {"id": "a", "question": "q", "answers": [{"text": "x"}], "is_impossible": False},
        {"id": "b", "question": "q", "answers": [{"text": "plausible"}], "is_impossible": True},
        {"id": "c", "question": "q", "answers": []},
    ]
    path = tmp_path / "two.json"
    path.write_text(squad({"context": "c", "qas": asked}))
    source = Squad(format="squad", path=path)
    assert [row["answers"] for row in read_questions(source, unanswerable=True)] == [["x"], [""], [""]]
    with pytest.raises(InputError, match="every question needs answers"):
        list(read_questions(source))
    rows = list(read_questions(source, unanswerable=True))
    kept, report = prepare_questions(rows, origin="here", unanswerable=True).all()
    assert (len(kept), report["unanswerable"], report["dropped"]) == (3, 2, {})
    assert prepare_questions(rows, origin="here").all()[1]["dropped"] == {"empty_answers": 2}
