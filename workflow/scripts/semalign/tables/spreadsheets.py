"""CSV that a spreadsheet opens: the one place where it is written and read back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import regex

from semalign.runtime.files import replacing

NUMBER = r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?"
# Text that a spreadsheet may take for a formula, also after white space, invisible characters or an apostrophe, and in
# fullwidth or small forms.
_INVISIBLE = r"[\s\u2800\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]"
FORMULA = regex.compile(rf"(?!{NUMBER}\Z)'*([\t\n]|{_INVISIBLE}*[-=+@＝＋－＠﹦﹢﹣﹫])", regex.I)


def write_csv(path: str | Path, frame: pd.DataFrame) -> None:
    """Write a table as CSV, atomically: figures to ten digits, and before each text that a spreadsheet would take for a
    formula an apostrophe, which `read_csv` takes away."""
    safe = pd.DataFrame({_as_text(str(name)): _column(frame[name], _as_text) for name in frame.columns})
    with replacing(path) as file:
        safe.to_csv(file, index=False, float_format="%.10g")


def read_csv(path: str | Path, **options: Any) -> pd.DataFrame:
    """What `write_csv` wrote, where only an empty cell is a gap; `options` are those of `pandas.read_csv`."""
    given: dict[str, Any] = {"keep_default_na": False, "na_values": [""]} | options
    frame: pd.DataFrame = pd.read_csv(path, **given)
    return frame.rename(columns=_plain).apply(_column, args=(_plain,))


def _column(values: pd.Series, change: Callable[[Any], Any]) -> pd.Series:
    return values if pd.api.types.is_numeric_dtype(values) else values.map(change)


def _as_text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    value = value.replace("\r\n", "\n").replace("\r", "\n")  # a lone CR would end the line for some readers
    return f"'{value}" if FORMULA.match(value) else value


def _plain(value: Any) -> Any:
    return value[1:] if isinstance(value, str) and value.startswith("'") and FORMULA.match(value) else value
