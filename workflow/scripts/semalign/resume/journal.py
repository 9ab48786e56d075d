"""Answers and verdicts that are written one by one, so that a killed job resumes after the last."""

import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from semalign.runtime.files import Row

log = logging.getLogger(__name__)


class Journal:
    """Rows that are written as they are made, so that a killed job resumes after the last.

    `rows` holds those of an earlier run, up to the first line that is damaged or cut off.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Row] = []
        whole = 0
        for line in path.read_bytes().splitlines(keepends=True) if path.is_file() else []:
            row = _row(line)
            if row is None:
                log.warning("%s: damaged after %d rows; going on from there", path, len(self.rows))
                break
            self.rows.append(row)
            whole += len(line)
        if path.is_file():
            os.truncate(path, whole)

    def append(self, rows: Iterable[Row]) -> None:
        """Append rows to the file."""
        with open(self.path, "ab") as file:
            file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def _row(line: bytes) -> Row | None:
    try:
        row = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
