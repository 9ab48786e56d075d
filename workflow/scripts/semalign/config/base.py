"""What every part of the configuration is made of."""

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def number(value: Any) -> Any:
    """A number, but text in which an exponent was meant: to YAML 1e-3 is text."""
    if isinstance(value, str) and "e" in value.lower():
        raise ValueError(f"{value!r} is text to YAML: write an exponent with a decimal point, as in 1.0e-3")
    return value


def _distinct(items: Any) -> Any:
    keys = [alike(item) for item in items]
    for number, item in enumerate(items):
        if keys[number] in keys[:number]:
            shown = item.model_dump(mode="json", exclude_defaults=True) if isinstance(item, BaseModel) else item
            raise ValueError(f"repeats {shown!r}; take one of them out")
    return items


def alike(value: Any) -> Any:
    """What two entries of a list have in common where they mean the same: the same file, read for the same columns."""
    if isinstance(value, BaseModel):
        unseen = {"format", "quoting", "exclude_ids_from", "repeated_ids"}  # how a file is read
        return {name: alike(inner) for name, inner in value if name not in unseen}
    if isinstance(value, dict):
        return {name: alike(inner) for name, inner in value.items() if name != inner}  # a column's own name
    return os.path.realpath(value) if isinstance(value, Path) and "\0" not in str(value) else value


def _no_larger(count: int) -> int:
    if count > LARGEST:
        raise ValueError(f"is more than {LARGEST}, the largest number that trainers and their libraries hold")
    return count


def _passes(epochs: float) -> float:
    if epochs and not 1e-6 <= epochs <= 1e6:
        raise ValueError(f"{epochs:g} passes over the data cannot be made; give a number from 1.0e-6 to 1.0e+6")
    return epochs


LARGEST = 2**31 - 1
Rate = Annotated[float, BeforeValidator(number), Field(ge=0, strict=True, allow_inf_nan=False)]
Positive = Annotated[float, BeforeValidator(number), Field(gt=0, strict=True, allow_inf_nan=False)]
Epochs = Annotated[Positive, AfterValidator(_passes)]
EpochsOrNone = Annotated[Rate, AfterValidator(_passes)]
Share = Annotated[float, BeforeValidator(number), Field(ge=0, le=1, strict=True)]
PartialShare = Annotated[float, BeforeValidator(number), Field(ge=0, lt=1, strict=True)]
PositiveShare = Annotated[float, BeforeValidator(number), Field(gt=0, le=1, strict=True)]
InnerShare = Annotated[float, BeforeValidator(number), Field(gt=0, lt=1, strict=True)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1, strict=True)]  # what numpy and transformers take
Count = Annotated[int, Field(ge=1, strict=True), AfterValidator(_no_larger)]
CountFromTwo = Annotated[int, Field(ge=2, strict=True), AfterValidator(_no_larger)]
CountFromThree = Annotated[int, Field(ge=3, strict=True), AfterValidator(_no_larger)]
CountFromZero = Annotated[int, Field(ge=0, strict=True), AfterValidator(_no_larger)]
Distinct = AfterValidator(_distinct)
"""Of a list that makes a run, a row or a file each: nothing in it may be repeated."""


class Strict(BaseModel):
    """Unknown keys are errors; values are fixed once validated."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def deep_merge(below: Any, changes: Any) -> Any:
    """`changes` over what is below, as one config is laid over another: mappings are merged, all else is replaced."""
    if isinstance(below, dict) and isinstance(changes, dict):
        return below | {key: deep_merge(below.get(key), value) for key, value in changes.items()}
    return changes


def without_null(mapping: Any) -> Any:
    """An overlay takes an entry out with null, since mappings are merged."""
    return {key: value for key, value in mapping.items() if value is not None} if isinstance(mapping, dict) else mapping
