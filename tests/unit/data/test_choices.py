"""Multiple-choice items of the shapes in which XCOPA, Belebele and C-Eval are published."""

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from semalign.config.data import Table
from semalign.data.choices import Layout, read_choices
from semalign.runtime.errors import InputError
from tests.unit.inputs import DATA

XCOPA = Layout("{premise}{question}", ["choice1", "choice2"], 0, {"question": {"cause": "因为", "effect": "所以"}})
PASSAGE = {"flores_passage": "甲。", "question": "谁？", "link": "x", "question_number": 1, "dialect": "zho_Hans"}
BELEBELE = PASSAGE | {f"mc_answer{n}": f"第{n}" for n in range(1, 5)} | {"correct_answer_num": "3"}


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.skipif(not (DATA / "xcopa").is_dir(), reason=f"no {DATA / 'xcopa'}")
@pytest.mark.parametrize(("language", "part", "n"), [("zh", "test", 500), ("th", "test", 500), ("sw", "val", 100)])
def test_xcopa_as_it_is_published(language: str, part: str, n: int) -> None:
    table = Table(format="jsonl", path=DATA / "xcopa" / f"{part}.{language}.jsonl", columns={"id": "idx"})
    rows = list(read_choices(table, XCOPA))
    assert len(rows) == len({row["id"] for row in rows}) == n
    assert {row["label"] for row in rows} == {0, 1}
    assert all(row["context"].endswith(("因为", "所以")) for row in rows)
    if (language, part) == ("zh", "test"):
        assert rows[0]["context"] == "该物品用气泡包装纸包着。因为"
        assert (rows[0]["choices"], rows[0]["answer"]) == (["它很易碎。", "它很小。"], "它很易碎。")
        assert rows[0]["fields"] == ["该物品用气泡包装纸包着。"]  # not the word that says which way it is asked


def test_belebele_as_json_lines_and_parquet(tmp_path: Path) -> None:
    layout = Layout("{passage}\n{question}", [f"mc_answer{n}" for n in range(1, 5)], 1, {})
    columns = {"passage": "flores_passage", "label": "correct_answer_num"}
    pq.write_table(pa.Table.from_pylist([BELEBELE]), tmp_path / "a.parquet")
    sources = [
        Table(format="jsonl", path=written(tmp_path / "a.jsonl", BELEBELE), columns=columns),
        Table(format="parquet", path=tmp_path / "a.parquet", columns=columns),
    ]
    for source in sources:
        [row] = read_choices(source, layout)
        assert (row["id"], row["label"], row["answer"]) == ("a:1", 2, "第3")
        assert (row["context"], row["choices"]) == ("甲。\n谁？", ["第1", "第2", "第3", "第4"])


def test_c_eval_as_csv_with_letters(tmp_path: Path) -> None:
    with (tmp_path / "c.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "question", "A", "B", "C", "D", "answer"])
        writer.writerow([0, "1+1=?", "1", "2", "3", "4", "B"])
    table = Table(format="csv", path=tmp_path / "c.csv", columns={"label": "answer"})
    [row] = read_choices(table, Layout("{question}\n答案：", list("ABCD"), "A", {}))
    assert (row["id"], row["label"], row["choices"]) == ("0", 1, ["1", "2", "3", "4"])


def test_choices_in_one_column(tmp_path: Path) -> None:
    layout = Layout("{question}", "choices", 0, {})
    path = written(
        tmp_path / "m.jsonl",
        {"question": "q", "choices": ["a", "b", "c"], "label": 2},
        {"question": "q", "choices": {"text": ["a", "b"], "label": ["A", "B"]}, "label": 0},
    )
    assert [row["answer"] for row in read_choices(Table(format="jsonl", path=path), layout)] == ["c", "a"]


@pytest.mark.parametrize(
    ("changes", "layout", "said"),
    [
        ({"correct_answer_num": "5"}, {}, "the label '5' names none of 4 choices, which are 1 to 4"),
        ({"correct_answer_num": "C"}, {}, "the label 'C' names none of 4 choices"),
        ({"mc_answer2": " "}, {}, "none of them blank"),
        ({"question": ["x"]}, {}, "'question' must be text, found list"),
        ({}, {"prompt": "{premise}"}, "no column 'premise' for 'premise'"),
        ({}, {"words": {"question": {"x": "y"}}}, "words.question has nothing for '谁？'; it knows x"),
        ({}, {"choices": "mc_answer1"}, "'mc_answer1' must be a list of choices"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    changes: dict[str, Any], layout: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "a.jsonl", BELEBELE | changes)
    given: dict[str, Any] = {
        "prompt": "{question}",
        "choices": [f"mc_answer{n}" for n in range(1, 5)],
        "first_label": 1,
        "words": {},
    }
    table = Table(format="jsonl", path=path, columns={"label": "correct_answer_num"})
    with pytest.raises(InputError) as caught:
        list(read_choices(table, Layout(**(given | layout))))
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_id_that_stands_twice(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", *[{"id": "x", "q": "q", "a": "1", "b": "2", "label": 0}] * 2)
    with pytest.raises(InputError, match="id 'x' was already at"):
        list(read_choices(Table(format="jsonl", path=path), Layout("{q}", ["a", "b"], 0, {})))
