"""Lines, JSON and tables, damaged: rows of the documented shape, or an InputError that names the file."""

from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as st

from semalign.config.data import PairTable, Squad
from semalign.data.questions import read_questions
from semalign.data.sources import read_pairs
from semalign.data.tabular import read_rows
from semalign.resume.journal import Journal
from semalign.runtime.files import NO_TEXT, read_json, read_jsonl, read_lines
from tests.unit.fuzz import (
    DAMAGE,
    JSON,
    JSONL,
    PAIR,
    PARQUET,
    PLAIN_PARQUET,
    QUESTION,
    TABLES,
    TSV,
    Files,
    are_rows,
    damaged,
    fuzz,
    fuzz_few,
    in_time,
    outcome,
    parquet,
    squad,
)
from tests.unit.inputs import written

# Lines and JSON


@fuzz
@given(st.binary(max_size=60) | DAMAGE.map(lambda damage: damaged(TSV, damage)))
def test_lines_of_any_bytes(tmp_path_factory: Files, content: bytes) -> None:
    path = written(tmp_path_factory.mktemp("fuzz"), "a.txt", content)
    found = outcome(lambda: read_lines(path), path)
    text = content.decode(errors="replace")
    if found is None:
        assert "\0" in text or text.encode() != content or content.startswith(tuple(NO_TEXT))
        return
    text = text.lstrip("\ufeff")
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    assert [line for _, line in found] == [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")] * bool(
        content
    )


@fuzz
@given(st.binary(max_size=60) | DAMAGE.map(lambda damage: damaged(JSONL, damage)))
@example(b'{"a": NaN, "b": 1e999, "a": -Infinity}')
@example(b'{"\\ud800": "\\u0000"}')
def test_json_lines_of_any_bytes(tmp_path_factory: Files, content: bytes) -> None:
    path = written(tmp_path_factory.mktemp("fuzz"), "a.jsonl", content)
    found = outcome(lambda: read_jsonl(path), path)
    assert found is None or all(isinstance(row, dict) for row in found)


@fuzz
@given(st.binary(max_size=60) | DAMAGE.map(lambda damage: damaged(JSON, damage)))
def test_json_of_any_bytes(tmp_path_factory: Files, content: bytes) -> None:
    path = written(tmp_path_factory.mktemp("fuzz"), "a.json", content)
    outcome(lambda: [read_json(path)], path)


@fuzz
@given(st.binary(max_size=60) | DAMAGE.map(lambda damage: damaged(JSONL, damage)), st.integers(0, 9))
def test_a_journal_goes_on_from_any_bytes(tmp_path_factory: Files, content: bytes, number: int) -> None:
    path = written(tmp_path_factory.mktemp("fuzz"), "a.jsonl", content)
    with in_time():
        journal = Journal(path)
        assert content.startswith(path.read_bytes())
        kept = list(journal.rows)
        journal.append([{"n": number}])
        assert str(Journal(path).rows) == str([*kept, {"n": number}])  # as text, for NaN is not itself


# Tables


@pytest.mark.parametrize("ending", TABLES)
@fuzz_few
@given(damage=DAMAGE)
def test_a_damaged_table(tmp_path_factory: Files, ending: str, damage: list[Any]) -> None:
    path = written(tmp_path_factory.mktemp("fuzz"), f"a.{ending}", damaged(TABLES[ending], damage))
    table = PairTable(format=ending, path=path)
    are_rows(outcome(lambda: read_pairs(table), path), PAIR)
    raw = outcome(lambda: read_rows(table, ("source",), ("group",)), path)
    are_rows(raw, {"id", "source"}, optional=["group"])


@pytest.mark.parametrize("ending", [*TABLES, "parquet"])
@fuzz_few
@given(content=st.binary(max_size=50))
def test_a_table_of_any_bytes(tmp_path_factory: Files, ending: str, content: bytes) -> None:
    path = written(tmp_path_factory.mktemp("fuzz"), f"a.{ending}", content)
    table = PairTable(format=ending, path=path)
    assert outcome(lambda: read_pairs(table), path) in (None, []) or b"source" in content


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@fuzz_few
@given(content=st.text(st.sampled_from("ab\"\t,\r\n\u2028\x85\x1c\ufeff\\#' "), max_size=40), plain=st.booleans())
def test_a_table_of_separators(tmp_path_factory: Files, ending: str, content: str, plain: bool) -> None:
    separator = {"csv": ",", "tsv": "\t"}[ending]
    text = f"source{separator}target\nfirst{separator}row\n{content}"
    path = written(tmp_path_factory.mktemp("fuzz"), f"a.{ending}", text.encode())
    table = PairTable(format=ending, path=path, quoting="none" if plain else None)
    rows = outcome(lambda: read_pairs(table), path)
    are_rows(rows, PAIR)
    assert rows is None or rows[0]["source"] == "first"


@pytest.mark.parametrize("valid", [PARQUET, PLAIN_PARQUET], ids=["compressed", "plain"])
@fuzz_few
@given(damage=DAMAGE)
def test_a_damaged_parquet_file(tmp_path_factory: Files, valid: bytes, damage: list[Any]) -> None:
    path = written(tmp_path_factory.mktemp("fuzz"), "a.parquet", damaged(valid, damage))
    try:
        rows = outcome(lambda: read_pairs(PairTable(format="parquet", path=path)), path)
    except UnicodeDecodeError:  # see test_parquet_of_another_encoding
        reject()
    are_rows(rows, PAIR)


def of_bytes(*values: bytes) -> pyarrow.Array:
    """A column that says it is UTF-8, whatever its bytes."""
    return pyarrow.array(values, pyarrow.binary()).view(pyarrow.string())


@pytest.mark.parametrize(
    "content",
    [
        parquet({"source": of_bytes("中".encode("gb18030")), "target": ["x"]}),
        parquet({"source": ["a"], "target": ["b"], "unused": ["c"]}).replace(b"unused", b"un\xffsed"),
    ],
    ids=["cell", "name"],
)
def test_parquet_of_another_encoding(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, "a.parquet", content)
    assert outcome(lambda: read_pairs(PairTable(format="parquet", path=path)), path) is None


# Nesting and figures that Python's JSON refuses in its own way

BEYOND = ["[" * 100_000, '{"a":' * 100_000, "9" * 5000, "-" + "9" * 5000]


@pytest.mark.parametrize("value", BEYOND, ids=["[", "{", "long", "-long"])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_json_beyond_pythons_limits(tmp_path: Path, name: str, value: str) -> None:
    path = written(tmp_path, name, f'{{"data": {value}}}\n'.encode())
    assert outcome(lambda: read_jsonl(path) if name == "a.jsonl" else [read_json(path)], path) is None
    assert outcome(lambda: read_questions(Squad(format="squad", path=path)), path) is None
    assert outcome(lambda: read_pairs(PairTable(format="jsonl", path=path)), path) is None


@pytest.mark.parametrize("value", BEYOND, ids=["[", "{", "long", "-long"])
def test_a_journal_beyond_pythons_limits(tmp_path: Path, value: str) -> None:
    path = written(tmp_path, "a.jsonl", f'{{"n": 1}}\n{{"n": {value}}}\n'.encode())
    assert Journal(path).rows == [{"n": 1}]


@fuzz_few
@given(
    st.sampled_from(["1e999", "-1e999", "NaN", "1e-999", "-0.0", "9" * 4000, "0." + "3" * 9000, "[" * 150 + "]" * 150])
)
def test_figures_in_the_place_of_text(tmp_path_factory: Files, value: str) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    path = written(folder, "a.jsonl", f'{{"id": {value}, "source": "a", "target": "b"}}'.encode())
    rows = outcome(lambda: read_pairs(PairTable(format="jsonl", path=path)), path)
    assert rows is None if value != "9" * 4000 else rows is not None and rows[0]["id"] == value
    path = written(folder, "a.json", squad(id="XX").replace(b'"text": 7', f'"text": {value}'.encode()))
    rows = outcome(lambda: read_questions(Squad(format="squad", path=path)), path)
    assert (rows is None) is value.startswith(("[", "NaN", "1e999", "-1e999"))
    are_rows(rows, QUESTION)
