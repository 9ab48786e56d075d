"""Files, table entries and error messages that the tests of readers share."""

from pathlib import Path
from typing import Any

import pytest

from semalign.config.data import PairTable
from semalign.runtime.errors import InputError
from tests.conftest import ROOT

DATA = ROOT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the public samples are not at {DATA}")


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """A file of that content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(path: Path, **fields: Any) -> PairTable:
    """The config entry of a table file, its format from the file's ending."""
    return PairTable.model_validate({"format": path.suffix[1:], "path": path} | fields)


def message(rows: Any) -> str:
    """The message of the InputError that reading the rows raises."""
    with pytest.raises(InputError) as caught:
        list(rows)
    return str(caught.value)
