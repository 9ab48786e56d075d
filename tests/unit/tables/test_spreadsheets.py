"""What a spreadsheet must not compute, and what is read back."""

import csv
from pathlib import Path

import pandas as pd
import pytest

from semalign.tables.sources_table import COLUMNS, write
from semalign.tables.spreadsheets import read_csv, write_csv

FORMULAS = [
    '=HYPERLINK("http://x/?"&A1)',
    "=1+1",
    "+1 (0) 123",
    "-1 bleu + 1.5 similarity",
    "@SUM(1)",
    "-",
    "\t=1",
    "\ttext",
    "\r=1",
    "\n=1",
    "  =1",
    "\u00a0=1",
    "\u3000=1",
    "\u200b=1",
    "\ufeff=1",
    "\u202e=1",
    "\xad=1",
    "\x01=1",
    "\ufe0f=1",
    "\u2800=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "﹦1",
    "'=1",
    "''-x",
    '=a,b\n"c"',
]
HARMLESS = [
    "CC BY-SA 4.0",
    "a=b",
    "-0.15",
    "+2",
    "-1e-05",
    "-.5",
    "'quoted'",
    "e-mail@x",
    "−3 %",
    "བོད",
    "NA",
    "None",
    "",
]


def cells(path: Path) -> list[list[str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_no_text_is_a_formula_and_all_come_back(tmp_path: Path) -> None:
    path, texts = tmp_path / "a.csv", [*FORMULAS, *HARMLESS]
    write_csv(path, pd.DataFrame({"=name": texts, "figure": [-0.15] * len(texts)}))
    head, *rows = cells(path)
    assert head == ["'=name", "figure"]
    as_written = [text.replace("\r", "\n") for text in texts]  # a lone CR is a line's end
    expected = [f"'{text}" for text in as_written[: len(FORMULAS)]] + as_written[len(FORMULAS) :]
    assert [row[0] for row in rows] == expected
    assert {row[1] for row in rows} == {"-0.15"}
    found = read_csv(path, dtype={"'=name": str})
    assert list(found["=name"].fillna("")) == as_written
    assert set(found["figure"]) == {-0.15}


def test_figures_and_gaps_are_as_pandas_writes_them(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "mean": [-1 / 3, None, float("-inf")],
            "n": pd.array([-1, None, 2], dtype="Int64"),
            "primary": [True, False, True],
            "mixed": [None, -2.5, "=x"],
        }
    )
    write_csv(tmp_path / "a.csv", frame)
    assert cells(tmp_path / "a.csv")[1:] == [
        ["-0.3333333333", "-1", "True", ""],
        ["", "", "False", "-2.5"],
        ["-inf", "2", "True", "'=x"],
    ]


@pytest.mark.parametrize("column", ["source", "licence", "about", "origin", "read_by"])
def test_the_table_of_sources_holds_no_formula(tmp_path: Path, column: str) -> None:
    row = dict.fromkeys(COLUMNS) | {column: "=cmd|' /C calc'!A0", "bytes": 3}
    write([row], str(tmp_path / "s.csv"), str(tmp_path / "s.md"))
    assert cells(tmp_path / "s.csv")[1][COLUMNS.index(column)] == "'=cmd|' /C calc'!A0"
    assert "| =cmd\\|' /C calc'!A0 |" in (tmp_path / "s.md").read_text(encoding="utf-8")
