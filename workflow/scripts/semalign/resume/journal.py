"""Answers and verdicts that are written down one by one: a killed job goes on after the last."""

import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from semalign.runtime.files import Row

log = logging.getLogger(__name__)


class Journal:
    """Rows that are written down as they are made, so that a killed job goes on after the last.

    `rows` holds those that an earlier run left; what a kill cut off, and all from a damaged line on, is dropped.
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
        """Write rows down for good."""
        with open(self.path, "ab") as file:
            file.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())


def _row(line: bytes) -> Row | None:
    try:
        row = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None
