"""Pairs of two files, tables less the rows of others, and CMHG's shape, by hand."""

import csv
from pathlib import Path
from typing import Any

import pytest

from semalign.config.data import Captions, Joined, Language, PairTable
from semalign.data.preparation import prepare_pairs
from semalign.data.sources import origin, read_all_pairs, read_pairs
from tests.unit.inputs import message, table, written

CHINESE = Language(script="Han", excluded_scripts=["Tibetan"], latin_share=0.5, bleu_tokens="zh")
TIBETAN = Language(script="Tibetan", excluded_scripts=["Han"], latin_share=0.5, bleu_tokens="tibetan")

# Joined tables


def joined(folder: Path, source: str, target: str, **columns: str) -> Joined:
    """Two CSV files joined; `columns` maps those of both."""
    files = {"source": written(folder, "s.csv", source), "target": written(folder, "t.csv", target)}
    tables = {side: {"format": "csv", "path": path, "columns": columns} for side, path in files.items()}
    return Joined.model_validate({"format": "joined"} | tables)


def test_two_tables_are_joined_by_id_in_the_order_of_the_first(tmp_path: Path) -> None:
    source = joined(tmp_path, "id,text\n2,二\n1,一\n4,四\n", "id,text\n1,ཀ\n3,ག\n2,ཁ\n")
    path = source.source.path
    assert list(read_pairs(source)) == [
        {"id": "2", "group": f"{path}:2", "source": "二", "target": "ཁ"},
        {"id": "1", "group": f"{path}:1", "source": "一", "target": "ཀ"},
        {"id": "4", "left_out": "no_partner"},
        {"id": "3", "left_out": "no_partner"},
    ]
    kept, report = prepare_pairs(
        read_all_pairs([source], "key"), CHINESE, TIBETAN, origin=origin("key", [source])
    ).all()
    assert [row["id"] for row in kept] == ["2", "1"]
    assert (report["read"], report["dropped"], report["examples"]) == (4, {"no_partner": 2}, {"no_partner": ["4", "3"]})


def test_columns_and_documents_of_joined_tables(tmp_path: Path) -> None:
    source = joined(tmp_path, "n,sentence\n0,一\n1,二\n", "n,sentence\n0,ཀ\n1,ཁ\n", id="n", text="sentence")
    assert [(row["source"], row["target"]) for row in read_pairs(source)] == [("一", "ཀ"), ("二", "ཁ")]
    with_groups = written(tmp_path, "g.csv", "n,sentence,url\n0,一,u\n1,二,u\n")
    columns = {"id": "n", "text": "sentence", "group": "url"}
    grouped = source.model_copy(update={"source": table(with_groups, columns=columns)})
    assert [row["group"] for row in read_pairs(grouped)] == ["u", "u"]


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("id,text\n1,一\n", "id,text\n2,ཀ\n", "s.csv and {folder}/t.csv have no id in common"),
        ("text\n一\n", "id,text\n1,ཀ\n", "s.csv:1: no column 'id' for 'id'; columns there: text"),
        ("id,text\n1,一\n", "id,txt\n1,ཀ\n", "t.csv:1: no column 'text' for 'text'"),
        ("id,text\n1,一\n1,二\n", "id,text\n1,ཀ\n", "s.csv:3: id '1' was already at line 2"),
        ("id,text\n1,一\n", "id,text\n1,ཀ\n1,ཁ\n", "t.csv:3: id '1' was already at line 2"),
        ("id,text\n,一\n", "id,text\n1,ཀ\n", "s.csv:2: the id is empty"),
        ("id,text\n1,一\n", "id,text\n", "t.csv: holds no rows"),
    ],
)
def test_tables_that_cannot_be_joined(tmp_path: Path, source: str, target: str, expected: str) -> None:
    text = message(read_pairs(joined(tmp_path, source, target)))
    assert text.startswith(f"{tmp_path}/{expected.format(folder=tmp_path)}")


# Captions


def captions(folder: Path, source: str | bytes, target: str | bytes) -> Captions:
    paths = {"source": written(folder, "zh.txt", source), "target": written(folder, "bo.txt", target)}
    return Captions.model_validate({"format": "captions"} | paths)


def test_captions_are_joined_by_image_and_number_and_grouped_by_image(tmp_path: Path) -> None:
    source = captions(
        tmp_path,
        "b.jpg#zhc#0 一个#1 人\r\nb.jpg#zhc#1\t两 人\n\na.jpg#zhc#0 三\nc.jpg#zhc#0\n",
        "a.jpg#tic#0 ག\nb.jpg#tic#1 ཁ\nb.jpg#tic#0 ཀ\nc.jpg#tic#0 ང\nb.jpg#tic#2 ཅ\n",
    )
    assert list(read_pairs(source)) == [
        {"id": "b.jpg#0", "group": "b.jpg", "source": "一个#1 人", "target": "ཀ"},
        {"id": "b.jpg#1", "group": "b.jpg", "source": "两 人", "target": "ཁ"},
        {"id": "a.jpg#0", "group": "a.jpg", "source": "三", "target": "ག"},
        {"id": "c.jpg#0", "group": "c.jpg", "source": "", "target": "ང"},
        {"id": "b.jpg#2", "left_out": "no_partner"},
    ]
    _, report = prepare_pairs(read_pairs(source), CHINESE, TIBETAN, origin="here").all()
    assert report["dropped"] == {"empty_source": 1, "no_partner": 1}


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (
            "a.jpg#zhc#0 一\nb.jpg 二\n",
            "a.jpg#tic#0 ཀ\n",
            "zh.txt:2: no caption; `<image>#<language>#<number> <text>` is",
        ),
        ("a.jpg#zhc#0 一\n", "a.jpg#tic#x ཀ\n", "bo.txt:1: no caption"),
        ("a.jpg#zhc#0 一\n\na.jpg#zhc#0 二\n", "a.jpg#tic#0 ཀ\n", "zh.txt:3: caption 'a.jpg#0' was already at line 1"),
        ("a.jpg#zhc#0 一\n", "a.jpg#tic#1 ཀ\n", "zh.txt and {folder}/bo.txt have no id in common"),
        ("a.jpg#zhc#0 一\n", "\n", "bo.txt: holds no rows"),
        (b"a.jpg#zhc#0 \xff\n", "a.jpg#tic#0 x\n", "zh.txt:1: not UTF-8"),
    ],
)
def test_captions_that_are_none(tmp_path: Path, source: str | bytes, target: str, expected: str) -> None:
    text = message(read_pairs(captions(tmp_path, source, target)))
    assert text.startswith(f"{tmp_path}/{expected.format(folder=tmp_path)}")


# Rows of other tables left out


def cmhg(folder: Path, rows: list[dict[str, str]], test: list[dict[str, str]], **fields: Any) -> PairTable:
    """A headline table of CMHG's columns, less the annotated rows."""
    for name, part in (("bo-all", rows), ("annotated", test)):
        with open(folder / f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["id", "title", "content", "average_score"], restval="4.5")
            writer.writeheader()
            writer.writerows(part)
    return table(
        folder / "bo-all.csv",
        columns={"source": "content", "target": "title"},
        exclude_ids_from=[{"format": "csv", "path": folder / "annotated.csv"} | fields],
    )


ARTICLES = [{"id": str(n), "title": f"མགོ,{n}", "content": f'ཚིག "{n}"\nགཉིས་པ།\n\nགསུམ་པ,'} for n in (101, 102, 103, 104)]


def test_annotated_rows_leave_the_training_data(tmp_path: Path) -> None:
    source = cmhg(tmp_path, ARTICLES, [ARTICLES[3], ARTICLES[1]])
    rows = list(read_pairs(source))
    assert rows[0] == {
        "id": "101",
        "group": f"{source.path}:101",
        "source": 'ཚིག "101"\nགཉིས་པ།\n\nགསུམ་པ,',
        "target": "མགོ,101",
    }
    assert [row for row in rows if "left_out" in row] == [
        {"id": "102", "left_out": "excluded"},
        {"id": "104", "left_out": "excluded"},
    ]
    kept, report = prepare_pairs(read_all_pairs([source], "key"), TIBETAN, TIBETAN, origin="here").all()
    assert ([row["id"] for row in kept], report["dropped"]) == (["101", "103"], {"excluded": 2})
    annotated = table(tmp_path / "annotated.csv", columns=source.columns)  # the test set: the same rows, read whole
    assert [row["id"] for row in read_pairs(annotated)] == ["104", "102"]


def test_a_left_out_id_may_come_from_another_source(tmp_path: Path) -> None:
    source = cmhg(tmp_path, ARTICLES, ARTICLES[:1])
    annotated = table(tmp_path / "annotated.csv", columns=source.columns)
    rows = list(read_all_pairs([source, annotated], "key"))
    assert [row["id"] for row in rows if "left_out" not in row] == ["102", "103", "104", "101"]


def test_a_table_that_leaves_out_nothing_is_refused(tmp_path: Path) -> None:
    source = cmhg(tmp_path, ARTICLES, [{"id": "7", "title": "a", "content": "b"}])
    assert message(read_pairs(source)).startswith(
        f"{source.path}: holds none of the ids of {tmp_path}/annotated.csv, whose rows are to be left out"
    )
    source = cmhg(tmp_path, ARTICLES, ARTICLES[:1], columns={"id": "key"})
    assert "annotated.csv:1: no column 'key' for 'id'" in message(read_pairs(source))


def test_repeated_ids_can_be_left_out(tmp_path: Path) -> None:
    again = {"id": "102", "title": "ཡང་།", "content": "ཡང་།"}
    source = cmhg(tmp_path, [*ARTICLES, again, ARTICLES[2]], [ARTICLES[2], ARTICLES[2]])
    assert "bo-all.csv:18: id '102' was already at line 6" in message(read_pairs(source))
    rows = list(read_pairs(source.model_copy(update={"repeated_ids": "left_out"})))
    assert [row["id"] for row in rows if "left_out" not in row] == ["101", "102", "104"]
    assert [(row["id"], row["left_out"]) for row in rows if "left_out" in row] == [
        ("103", "excluded"),
        ("102", "repeated_id"),
        ("103", "repeated_id"),
    ]


# Lists of objects


def test_a_list_of_objects_is_a_table(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "train_1.json",
        '[{"id": 7, "content": "一\\n二", "title": "ཀ", "x": [1]},\n {"id": 8, "content": null, "title": "ཁ"}]',
    )
    source = table(path, columns={"source": "content", "target": "title"})
    assert list(read_pairs(source)) == [
        {"id": "7", "group": f"{path}:7", "source": "一\n二", "target": "ཀ"},
        {"id": "8", "group": f"{path}:8", "source": "", "target": "ཁ"},
    ]
    path = written(tmp_path, "test.json", '[{"zh": "一", "bo": "ཀ"}, {"zh": "二", "bo": "ཁ"}]')
    assert [row["id"] for row in read_pairs(table(path, columns={"source": "zh", "target": "bo"}))] == [
        "test:1",
        "test:2",
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ":1: broken JSON"),
        ('[{"source": "a", "target": "b"},\n{]', ":2: broken JSON"),
        ('{"source": "a", "target": "b"}', ": a JSON list of objects is needed, found dict"),
        ("[]", ": holds no rows"),
        ("[[]]", ": row 1: a JSON object is needed, found list"),
        ('[{"source": "a", "target": "b"}, {"source": "a"}]', ": row 2: no column 'target' for 'target'"),
        ('[{"source": 1, "target": "b"}]', ": row 1: 'source' must be text, found int"),
        (
            '[{"id": 1, "source": "a", "target": "b"}, {"id": "1", "source": "a", "target": "b"}]',
            ": row 2: id '1' was already at row 1",
        ),
        ('[{"id": "", "source": "a", "target": "b"}]', ": row 1: the id is empty"),
    ],
)
def test_broken_list_is_named_by_row(tmp_path: Path, content: str, expected: str) -> None:
    path = written(tmp_path, "t.json", content)
    assert message(read_pairs(table(path))).startswith(f"{path}{expected}")
