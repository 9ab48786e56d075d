"""Tables in brief: what fits on a terminal, the main figures first."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from semalign.tables.summary import summary

SHOWN = ["metric", "chrf", "similarity_independent", "cmrc_avg", "judge_win"]


def written(folder: Path, rows: list[dict[str, Any]], audit: dict[str, Any] | None = None) -> Path:
    path = folder / "table3.csv"
    spread = {f"{name}_sd": 0.02 for name in SHOWN}
    pd.DataFrame([dict.fromkeys(SHOWN, 0.25) | spread | row for row in rows]).to_csv(path, index=False)
    path.with_suffix(".json").write_text(json.dumps({"shown": SHOWN, "audit": audit or {}}))
    return path


def test_the_main_figures_come_first_and_are_aligned(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"task": "mt", "model": "base", "audit": "ok", "judge_win": None, "judge_win_sd": None},
        {"task": "mt", "model": "gap", "audit": None, "cmrc_avg": -2.5},
        {"task": "mt", "model": "theirs - base", "audit": None},
    ]
    lines = (summary(written(tmp_path, rows)) or "").splitlines()
    assert lines[0].split() == ["task", "model", "audit", "metric", "similarity", "cmrc_avg", "judge", "%", "chrf"]
    assert lines[1].split()[:6] == ["mt", "base", "ok", "0.250", "±", "0.020"]
    assert "–" in lines[1]
    assert "+0.250 ±" in lines[2]
    assert "-2.50 ± 0.02" in lines[2]
    assert lines[3].count("+0.2") == 5  # every figure of a difference has its sign
    assert len({line.rindex("0.250") for line in lines[1:]}) == 1


@pytest.mark.parametrize("width", [40, 60, 100])
def test_it_fits_and_is_ten_rows_long(tmp_path: Path, width: int) -> None:
    rows = [{"task": f"task{n}", "model": "rl", "audit": "ok"} for n in range(13)]
    lines = (summary(written(tmp_path, rows), width) or "").splitlines()
    assert max(map(len, lines)) <= width
    assert lines[10].startswith("task9")
    assert lines[11:] == ["… and 3 more rows"]


def test_the_audit_is_told_by_level_the_worst_first(tmp_path: Path) -> None:
    levels = {"mt/rl/0": ("collapsed", True), "mt/strong_sft/0": ("warning", False)}
    levels |= {f"hg/rl/{n}": ("ok", False) for n in range(5)}
    audit = {run: {"level": level, "is_no_gain": no_gain} for run, (level, no_gain) in levels.items()}
    lines = (summary(written(tmp_path, [{"task": "mt", "model": "rl"}], audit)) or "").splitlines()
    assert lines[2:] == [
        "audit: collapsed: mt/rl/0",
        "       no gain over the cold start, whatever the scores say: mt/rl/0",
        "audit: warning: mt/strong_sft/0",
        "audit: ok: 5 runs",
    ]


def test_a_table_of_another_kind_has_none(tmp_path: Path) -> None:
    (tmp_path / "costs.json").write_text("{}")
    assert summary(tmp_path / "costs.csv") is None
