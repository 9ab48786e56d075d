"""A table in brief, for a terminal: its main figures in aligned columns, and what the audit says."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from semalign.runtime.files import read_json
from semalign.statistics.retained import measure_of
from semalign.tables.spreadsheets import read_csv
from semalign.tables.tables import digits_of

WIDTH, ROWS = 100, 10  # columns of a terminal, and rows shown
FIRST = ["metric", "similarity_independent"]  # then the benchmarks' own figures, and all others as there is room
TITLES = {"similarity_independent": "similarity", "similarity": "rewarded", "judge_win": "judge %"}
FEW = 4  # runs that are named
LEVELS = ("collapsed", "warning", "ok")


def summary(path: Path, width: int = WIDTH) -> str | None:
    """The first ROWS rows of a table of the paper (`results/<table>.csv`, with its sidecar beside it), as many figures
    as fit into `width`, and the audit's verdicts by level. None for a table of another kind."""
    sidecar: dict[str, Any] = read_json(path.with_suffix(".json"))
    if "shown" not in sidecar:
        return None
    rows = read_csv(path, dtype={"task": str, "model": str})
    shown = [name for name in sidecar["shown"] if rows[name].notna().any()]
    benchmarks = [name for name in shown if measure_of(name)]
    order = dict.fromkeys(name for name in [*FIRST, *benchmarks[:1], "judge_win", *shown] if name in shown)
    columns = [[name, *rows[name].fillna("")] for name in ("task", "model", "audit") if name in rows]
    columns += [[TITLES.get(name, name), *_figures(rows, name)] for name in order]
    columns = [[str(cell) for cell in column[: ROWS + 1]] for column in columns]
    lines = _aligned(columns, width)
    if len(rows) > ROWS:
        lines.append(f"… and {len(rows) - ROWS} more rows")
    return "\n".join([*lines, *_audited(sidecar.get("audit", {}))])


def _figures(rows: pd.DataFrame, name: str) -> Iterable[str]:
    digits = min(digits_of(name), 3)
    for row in rows.to_dict("records"):
        sign = "+" if row["model"] in ("gap", "change") or row["model"].endswith(" - base") else ""
        mean, sd = row[name], row[f"{name}_sd"]
        spread = f" ± {sd:.{digits}f}" if pd.notna(sd) else ""
        yield f"{mean:{sign}z.{digits}f}{spread}" if pd.notna(mean) else "–"


def _aligned(columns: Sequence[Sequence[str]], width: int) -> list[str]:
    """Texts to the left, figures to the right, as many columns as fit."""
    fitting, taken = list[list[str]](), 0
    for place, column in enumerate(columns):
        wide = max(map(len, column))
        if taken + wide > width:
            break
        texts = column[0] in ("task", "model", "audit")
        fitting.append([cell.ljust(wide) if texts else cell.rjust(wide) for cell in column])
        taken += wide + 2 * (place < len(columns) - 1)
    return ["  ".join(line).rstrip() for line in zip(*fitting, strict=True)]


def _audited(verdicts: dict[str, Any]) -> list[str]:
    """The runs of each level, the worst first. The table's Markdown has the reasons."""
    lines = []
    for level in LEVELS:
        runs = [run for run, found in verdicts.items() if found["level"] == level]
        if runs:
            told = ", ".join(runs) if len(runs) <= FEW else f"{len(runs)} runs"
            no_gain = [run for run in runs if verdicts[run]["is_no_gain"]]
            lines.append(f"audit: {level}: {told}")
            if no_gain:
                named = ", ".join(no_gain) if len(no_gain) <= FEW else f"{len(no_gain)} runs"
                lines.append(f"       no gain over the cold start, whatever the scores say: {named}")
    return lines
