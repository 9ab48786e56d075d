"""A table's two forms for reading: Markdown and LaTeX."""

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semalign.tables.tables import Cell, Row, Table, frame_latex, frame_markdown, latex_text


def test_a_remark_is_plain_text_in_markdown() -> None:
    assert frame_markdown(pd.DataFrame({"a": ["1"]}), "note", ["“*” is in 2"]).endswith("\n\n“\\*” is in 2\n")


@pytest.mark.parametrize(
    ("name", "signed", "shown"),
    [
        ("metric", False, ["1.0000 ± 0.7071", "[1.0e-05, 1.9000]", "0.6000", "+0.4000"]),
        ("metric", True, ["+1.0000 ± 0.7071", "[1.0e-05, 1.9000]", "+0.6000", "+0.4000"]),
        ("cmrc_avg", False, ["1.00 ± 0.71", "[1.0e-05, 1.90]", "0.60", "+0.40"]),
        ("judge_win", False, ["1.0 ± 0.7", "[1.0e-05, 1.9]", "0.6", "+0.4"]),
    ],
)
def test_lines_for_reading(name: str, signed: bool, shown: list[str]) -> None:
    cell = Cell([0.5, 1.5], low=1e-5, high=1.9, n=4, paper=0.6)
    table = Table([name], [name], [Row({"task": "mt", "model": "rl"}, {name: cell}, 2, signed)], 0.95, "note")
    assert table.lines()[name].tolist() == shown
    assert table.lines()["model"].tolist() == ["rl", "95% interval", "paper", "difference"]


CELLS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4))
def test_every_line_has_every_column(cells: list[tuple[str, str]]) -> None:
    frame = pd.DataFrame(cells, columns=["one_name", "two"])
    for line in frame_markdown(frame, "note").split("\n\n")[0].splitlines():
        assert len(re.findall(r"(?<!\\)\|", line)) == 3
    body = [line for line in frame_latex(frame, "note", keys=1).splitlines() if line.endswith(r"\\")]
    assert len(body) == len(cells) + 1
    assert all(len(re.findall(r"(?<!\\)&", line)) == 1 for line in body)


def test_wide_tables_go_on_below_with_their_keys() -> None:
    frame = pd.DataFrame([["mt", *["0.1234 ± 0.0012"] * 6]], columns=["task", *(f"figure{i}" for i in range(6))])
    text = frame_latex(frame, "note", keys=1)
    heads = [line for line in text.splitlines() if line.startswith("task &")]
    assert [line.count("figure") for line in heads] == [4, 2]
    assert text.count("mt & 0.1234") == 2


def test_latex_escapes() -> None:
    assert latex_text("-0.5 ± 0.1") == r"$-$0.5 $\pm$ 0.1"
    assert latex_text("cold_sft & 95%") == r"cold\_sft \& 95\%"
    assert latex_text("a<b|c\nd") == r"a$<$b$|$c d"
    assert latex_text("\\~^#$·‖") == r"\textbackslash{}\textasciitilde{}\textasciicircum{}\#\$$\cdot$$\Vert$"
    assert latex_text("+1 {-x}") == r"$+$1 \{-x\}"
    lines = frame_latex(pd.DataFrame({"a": ["*", "[1]", "1"]}), "note", keys=1).splitlines()
    assert [line for line in lines if line.endswith(r"\\")][1:] == [r"{}* \\", r"{}[1] \\", r"1 \\"]


def test_markdown_escapes() -> None:
    shown = {
        "a|b": r"a\|b",
        "a\\|b": r"a\\\|b",
        "x_y_z": "x_y_z",
        "_x_": r"\_x\_",
        "*x*": r"\*x\*",
        "`x`": r"\`x\`",
        "<b>": r"\<b>",
        "p < 0.05": "p < 0.05",
        "a\n\nb": "a  b",
        "[0.1, 0.2]": "[0.1, 0.2]",
        "100%": "100%",
        "[a](b)": r"[a\](b)",
        "&lt; &": r"\&lt; &",
        "~~a~~": r"\~~a\~~",
    }
    lines = frame_markdown(pd.DataFrame({"a": list(shown)}), "note").split("\n\n")[0].splitlines()[2:]
    assert lines == [f"| {cell} |" for cell in shown.values()]
