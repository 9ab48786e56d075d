"""How every table is written: CSV for a spreadsheet, Markdown for reading, LaTeX for a paper, JSON with its sources."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from semalign.runtime.files import replacing, write_json
from semalign.tables.spreadsheets import write_csv
from semalign.tables.tables import frame_latex, frame_markdown


@dataclass(frozen=True)
class Part:
    """A table of texts as it is read, its note, and remarks on rows that are not what they seem.

    keys: how many of its first columns name a row. latex: the table in LaTeX, where that is a shorter one, and
    latex_note what is then said of the rest.
    """

    lines: pd.DataFrame
    note: str
    keys: int
    remarks: Sequence[str] = ()
    latex: pd.DataFrame | None = None
    latex_note: str = ""


def write_table(output: Any, frame: pd.DataFrame, parts: Sequence[Part], sidecar: dict[str, Any]) -> None:
    """Write the four files of a rule's outputs csv, markdown, latex and sidecar, each in one step. The CSV has `frame`;
    the parts follow one another in the other two."""
    write_csv(output.csv, frame)
    with replacing(output.markdown) as file:
        file.write("\n".join(frame_markdown(part.lines, part.note, part.remarks) for part in parts))
    with replacing(output.latex) as file:
        for part in parts:
            note = "\n".join([f"{part.note} {part.latex_note}".strip(), *part.remarks])
            file.write(frame_latex(part.lines if part.latex is None else part.latex, note, part.keys))
    write_json(output.sidecar, sidecar)
