import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semalign.data.sources import read_pairs
from semalign.data.tabular import read_rows
from tests.unit.inputs import DATA, message, needs_data, table, written

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)
PLAIN = CELLS.map(lambda text: text.replace("\n", " ").replace("\t", " "))


def write_table(path: Path, rows: Sequence[dict[str, Any]], **options: Any) -> None:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        pandas.DataFrame(rows).to_parquet(path)
    else:
        with open(path, "w", encoding="utf-8", newline="") as file:
            delimiter = "," if path.suffix == ".csv" else "\t"
            writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter, **options)
            writer.writeheader()
            writer.writerows(rows)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "tsv", "parquet"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.fixed_dictionaries({"source": CELLS, "target": CELLS, "score": CELLS}), min_size=1, max_size=5))
def test_every_format_gives_the_text_back(tmp_path: Path, ending: str, rows: list[dict[str, str]]) -> None:
    if ending == "tsv":  # a field that spans lines and holds a tab is taken for a stray quotation mark
        rows = [{key: text.replace("\t", " ") for key, text in row.items()} for row in rows]
    path = tmp_path / f"t.{ending}"
    write_table(path, rows)
    read = list(read_rows(table(path), ("source", "target")))
    assert [(row["source"], row["target"]) for row in read] == [(row["source"], row["target"]) for row in rows]
    assert set(read[0]) == {"id", "source", "target"}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(PLAIN, PLAIN), min_size=1, max_size=5))
def test_quotation_marks_can_be_text(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    path = written(tmp_path, "t.tsv", "source\ttarget\n" + "".join(f"{a}\t{b}\n" for a, b in rows))
    read = list(read_rows(table(path, quoting="none"), ("source", "target")))
    assert [(row["source"], row["target"]) for row in read] == rows


@pytest.mark.parametrize("ending", ["jsonl", "csv", "tsv", "parquet"])
def test_columns_are_mapped_and_labels_become_text(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t.{ending}"
    rows: list[dict[str, Any]] = [
        {"key": 7, "doc": 1, "zh": "NA", "bo": "007", "other": 0.5},
        {"key": 8, "doc": 1, "zh": "null", "bo": "1.0", "other": 0.5},
    ]
    write_table(path, rows)
    columns = {"id": "key", "group": "doc", "source": "zh", "target": "bo"}
    assert list(read_pairs(table(path, columns=columns))) == [
        {"id": "7", "group": "1", "source": "NA", "target": "007"},
        {"id": "8", "group": "1", "source": "null", "target": "1.0"},
    ]


def test_ids_name_the_line_where_a_row_begins(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", '\ufeffsource,target\r\n"a\r\nb",c\r\n\r\nd,e\r\n')
    rows = list(read_pairs(table(path)))
    assert [row["id"] for row in rows] == ["t:2", "t:5"]
    assert rows[0]["group"] != rows[1]["group"]
    path = written(
        tmp_path, "u.jsonl", b'\xef\xbb\xbf{"source": "a", "target": "b"}\r\n\r\n{"source": "c", "target": null}'
    )
    assert [(row["id"], row["target"]) for row in read_pairs(table(path))] == [("u:1", "b"), ("u:3", "")]


def test_rows_numbered_alike_in_two_files_are_not_of_one_group(tmp_path: Path) -> None:
    one, two = (written(tmp_path, f"{name}.csv", "id,source,target\n0,a,b\n") for name in ("one", "two"))
    assert next(read_pairs(table(one)))["group"] != next(read_pairs(table(two)))["group"]


def test_a_column_absent_or_in_disorder_elsewhere_does_no_harm(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"source": "a", "target": "b", "meta": None}] * 3 + [
        {"source": "c", "target": "d", "meta": {"x": [1, "y"]}}
    ]
    path = tmp_path / "t.jsonl"
    write_table(path, rows)
    assert [row["source"] for row in read_pairs(table(path))] == ["a", "a", "a", "c"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "t.jsonl",
            '{"source": "a", "target": "b"}\n{"source": "a"}\n',
            ":2: no column 'target' for 'target'; columns",
        ),
        (
            "t.jsonl",
            '{"source": "a", "target": "b"}\n\n{"source": \n',
            ":3: broken JSON (Expecting value at column 12)",
        ),
        ("t.jsonl", "[1]\n", ":1: a JSON object is needed, found list"),
        ("t.jsonl", "null\n", ":1: a JSON object is needed, found NoneType"),
        ("t.jsonl", b'{"source": "a", "target": "\xff"}\n', ":1: not UTF-8"),
        ("t.jsonl", '{"source": 5, "target": "b"}', ":1: 'source' must be text, found int"),
        ("t.jsonl", '{"id": 1.5, "source": "a", "target": "b"}', ":1: 'id' must be text, found float"),
        ("t.jsonl", '{"source": "a\\u0000", "target": "b"}', ":1: 'source' contains a NUL"),
        ("t.jsonl", '{"source": "\\ud83d", "target": "b"}', ":1: 'source' contains a NUL or half a surrogate"),
        ("t.jsonl", '{"id": "", "source": "a", "target": "b"}', ":1: the id is empty"),
        (
            "t.jsonl",
            '{"id": "x", "source": "a", "target": "b"}\n\n{"id": "x", "source": "c", "target": "d"}\n',
            ":3: id 'x' was already at line 1",
        ),
        ("t.jsonl", "", ": holds no rows"),
        ("t.csv", "", ": holds no rows"),
        ("t.csv", "source,target\n", ": holds no rows"),
        ("t.csv", "source,traget\na,b\n", ":1: no column 'target' for 'target'; columns there: source, traget"),
        (
            "t.csv",
            "Source,target\na,b\n",
            ":1: no column 'source' for 'source'; columns there: Source, target. Set `columns`, as in "
            "`columns: {source: 'Source'}`",
        ),
        (
            "t.csv",
            "source;target\na;b\n",
            ":1: no column 'source' for 'source'; columns there: source;target. Set `columns`; or, where ';' separates",
        ),
        (
            "t.tsv",
            "source,target\na,b\n",
            ":1: no column 'source' for 'source'; columns there: source,target. Set `columns`; or, where ',' separates "
            "the columns, set `format: csv`",
        ),
        (
            "t.csv",
            "你好,བོད\n",
            ":1: no column 'source' for 'source'; columns there: 你好, བོད. Set `columns`; a file without a header",
        ),
        (
            "t.csv",
            '"source";"target"\n"a";"b"\n',
            ":1: ',' expected after '\"'; or, where ';' separates the columns, write",
        ),
        (
            "t.tsv",
            "source;target\n",
            ":1: no column 'source' for 'source'; columns there: source;target. Set `columns`; or",
        ),
        ("t.csv", "source,target\ra,b\r", ":1: a carriage return (CR) within a line; end lines with LF or CRLF"),
        ("t.csv", "source,target\na\rb,c\n", ":2: a carriage return (CR) within a line"),
        ("t.csv", "source,target\na,b\n\ufeffsource,target \nc,d\n", ":3: the header stands here again"),
        ("t.csv", "id,source,target\nx,a,b\n\ufeff x,c,d\n", ":3: id 'x' was already at line 2"),
        ("t.csv", "sep=,\nsource,target\na,b\n", ":1: no column 'source' for 'source'; columns there: sep=, . Set"),
        (
            "t.csv",
            "source,\ttarget\na,b\n",
            ":1: no column 'target' for 'target'; columns there: source, \ttarget. Set `columns`, as in "
            '`columns: {target: "\\ttarget"}`',
        ),
        ("t.json", '{"source": "a"}\n{"source": "b"}\n', ":2: broken JSON (Extra data at column 1); where each line"),
        ("t.csv", "source,target\na,b,c\n", ":2: 3 fields where the header has 2. Put a field that holds a separator"),
        ("t.csv", "source,target\na,b\n".encode("utf-16"), ":1: not UTF-8"),
        ("t.csv", "source,target\na,b\n".encode("utf-16-le"), ":1: contains a NUL"),
        (
            "t.jsonl",
            '{"source": "a", "target": "b"}\n{"id": 1, "source": "a", "id": 2}',
            ":2: the key 'id' was already",
        ),
        ("t.jsonl", '{"id": "\u200b ", "source": "a", "target": "b"}', ":1: the id is empty"),
        ("t.csv", "source,target,target\na,b,c\n", ":1: the header names ['target'] twice"),
        ("t.csv", "source,target\na,b\nc\n", ":3: 1 fields where the header has 2"),
        ("t.csv", 'source,target\na,b\n"c,d\ne,f\n', ":3: unexpected end of data"),
        ("t.csv", 'source,target\n"a"b,c\n', ":2: ',' expected after '\"'"),
        ("t.csv", "source,target\na,b\0\n", ":2: contains a NUL"),
        ("t.csv", b"source,target\na,b\nc,\xe0\xbd\n", ":3: not UTF-8"),
        ("t.csv", "id,source,target\nx,a,b\ny,a,b\nx,a,b\n", ":4: id 'x' was already at line 2"),
        ("t.tsv", 'source\ttarget\n"a\tb\nc\td"\te\n', ":2: a quoted field runs on to line 3, tabs included"),
        ("t.csv", "version https://git-lfs.github.com/spec/v1\n", ":1: is a pointer of Git LFS"),
        ("t.parquet", "not parquet", ": cannot be read as Parquet"),
    ],
)
def test_broken_table_is_named_by_line(tmp_path: Path, name: str, content: str | bytes, expected: str) -> None:
    path = written(tmp_path, name, content)
    assert message(read_pairs(table(path))).startswith(f"{path}{expected}")


@pytest.mark.parametrize("ending", ["jsonl", "csv", "tsv", "parquet"])
def test_missing_file_is_named(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"absent.{ending}"
    assert message(read_pairs(table(path))).startswith(f"{path}: cannot be read")


def test_parquet_column_of_numbers_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pandas.DataFrame({"source": ["a"], "target": [1.5]}).to_parquet(path)
    assert message(read_pairs(table(path))).startswith(
        f"{path}: column 'target' must be text for 'target', found double"
    )


def test_parquet_of_other_types_of_text_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    columns = {
        "id": pyarrow.array([7, 8]).dictionary_encode(),
        "group": pyarrow.nulls(2),
        "source": pyarrow.array(["a", None]).dictionary_encode(),
        "target": pyarrow.array(["b", "c"], pyarrow.string_view()),
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    rows = [[row[name] for name in ("id", "source", "target")] for row in read_pairs(table(path))]
    assert rows == [["7", "a", "b"], ["8", "", "c"]]
    doubled = [pyarrow.array(["a"]), pyarrow.array(["b"]), pyarrow.array(["c"])]
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(doubled, ["source", "target", "target"]), path)
    assert message(read_pairs(table(path))).startswith(f"{path}: the header names ['target'] twice")
    pyarrow.parquet.write_table(pyarrow.table({"id": [1.0], "source": ["a"], "target": ["b"]}), path)
    assert "column 'id' must be text for 'id', found double; write it as text or whole numbers" in message(
        read_pairs(table(path))
    )


def test_tables_with_marks_that_were_joined_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", '\ufeff\ufeff\n \nsource,target\na,b\n\ufeff"c",d\n"e\r\nf","\ufeff""g"\n')
    expected = [("a", "b"), ("c", "d"), ("e\r\nf", '\ufeff"g')]
    assert [(row["source"], row["target"]) for row in read_pairs(table(path))] == expected
    path = written(tmp_path, "t.jsonl", '\ufeff{"source": "a", "target": "b"}\n\ufeff{"source": "c", "target": "d"}\n')
    assert [(row["id"], row["source"]) for row in read_pairs(table(path))] == [("t:1", "a"), ("t:2", "c")]


def test_column_map_must_name_columns_that_are_read_and_there(tmp_path: Path) -> None:
    path = written(tmp_path, "t.csv", "source,target\na,b\n")
    assert "columns names ['sorce'], which nothing reads" in message(
        read_pairs(table(path, columns={"sorce": "source"}))
    )
    assert ":1: no column 'doc' for 'group'" in message(read_pairs(table(path, columns={"group": "doc"})))


def test_file_name_is_not_a_pattern(tmp_path: Path) -> None:
    written(tmp_path, "a1.csv", "source,target\nwrong,file\n")
    path = written(tmp_path, "a[1].csv", "source,target\nright,file\n")
    assert [row["source"] for row in read_pairs(table(path))] == ["right"]


def test_reading_needs_no_torch_and_no_network(tmp_path: Path) -> None:
    for ending in ("csv", "parquet"):
        write_table(tmp_path / f"t.{ending}", [{"source": "a", "target": "b"}])
    program = f"""
import socket, sys
def refuse(*args): raise OSError("network")
socket.socket.connect = refuse
from pathlib import Path
from semalign.config.data import PairTable
from semalign.data.sources import read_pairs
for ending in ("csv", "parquet"):
    rows = list(read_pairs(PairTable(format=ending, path=Path({str(tmp_path)!r}, "t." + ending))))
    assert [row["source"] for row in rows] == ["a"], rows
assert not {{"torch", "transformers", "datasets", "pandas"}} & set(sys.modules)
"""
    scripts = Path(__file__).parents[3] / "workflow/scripts"
    environment = {"PYTHONPATH": str(scripts), "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    assert {path.name for path in tmp_path.iterdir()} == {"t.csv", "t.parquet"}


# Real text


@needs_data
def test_public_tables_are_read_whole() -> None:
    path = DATA / "mitra_parallel/K10D0252_H0253_T17n0774.tsv"
    columns = {"source": "tgt_original", "target": "src_original", "id": "src_segmentnr"}
    rows = list(read_pairs(table(path, columns=columns)))
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    assert [[row["id"], row["target"], row["source"]] for row in rows] == [[a, b, d] for a, b, _, d in lines]

    graded = DATA / "mlqe_pe_enzh/dev.enzh.df.short.tsv"  # quotation marks as text like any other
    columns = {"source": "original", "target": "translation"}
    assert "Where quotation marks are text like any other" in message(read_pairs(table(graded, columns=columns)))
    rows = list(read_pairs(table(graded, columns=columns, quoting="none")))
    lines = [line.split("\t") for line in graded.read_text(encoding="utf-8").split("\n")[1:] if line]
    assert [[row["source"], row["target"]] for row in rows] == [line[1:3] for line in lines]
