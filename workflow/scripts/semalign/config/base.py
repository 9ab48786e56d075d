"""What every part of the configuration is made of."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _number(value: Any) -> Any:
    if isinstance(value, str) and "e" in value.lower():
        raise ValueError(f"{value!r} is text to YAML: write an exponent with a decimal point, as in 1.0e-3")
    return value


Rate = Annotated[float, BeforeValidator(_number), Field(ge=0, strict=True, allow_inf_nan=False)]
Share = Annotated[float, BeforeValidator(_number), Field(ge=0, le=1, strict=True)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1, strict=True)]  # what numpy and transformers take
Count = Annotated[int, Field(ge=1, strict=True)]


class Strict(BaseModel):
    """Unknown keys are errors; values are fixed once validated."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def laid_over(below: Any, changes: Any) -> Any:
    """`changes` over what is below, as one config is laid over another: mappings are merged, all else is replaced."""
    if isinstance(below, dict) and isinstance(changes, dict):
        return below | {key: laid_over(below.get(key), value) for key, value in changes.items()}
    return changes


def without_null(mapping: Any) -> Any:
    """An overlay takes an entry out with null, since mappings are merged."""
    return {key: value for key, value in mapping.items() if value is not None} if isinstance(mapping, dict) else mapping
