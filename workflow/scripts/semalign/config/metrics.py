"""Config of a task's metrics: the project's, the user's own and learned ones."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from semalign.config.base import Strict
from semalign.config.names import check_form

BUILT_IN = ("bleu", "chrf", "rouge_l")
FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
# What scores and tables have already under a name of their own.
TAKEN = {*BUILT_IN, "metric", "metric_name", "metrics", "bleu_char", "content", "language_consistency", "task", "model"}
TAKEN |= {"similarity", "similarity_independent", "reward", "independent", "seeds", "rewards", "id", "testset"}
TAKEN |= {"audit", "audit_of_references", "n", "empty", "truncated", "bleu_statistics", "chrf_statistics"}
PREFIXES = ("cmrc_", "judge_", "nll_", "kl_", "noise_")


def check_function(name: str) -> str:
    """An import path: `module:function`."""
    if not FUNCTION.fullmatch(name):
        raise ValueError(f"{name!r} is no module:function")
    return name


class FunctionMetric(Strict):
    """A metric of the user's own or a learned one, under a short name and with the model that it needs."""

    name: str = Field(description="what its column is called: small letters, digits and _, a letter first")
    function: Annotated[str, AfterValidator(check_function)] = Field(
        description="module:function, called with outputs, references and sources, and with `model` where it is given"
    )
    model: Path | None = Field(None, description="the file or folder of its model; what it holds counts for reruns")

    @model_validator(mode="after")
    def _check(self) -> "FunctionMetric":
        if check_form(self.name) in TAKEN or self.name.startswith(PREFIXES):
            raise ValueError(f"name: {self.name} is the name of another figure; give this metric another")
        return self


def _check_name(entry: str) -> str:
    if entry not in BUILT_IN and not FUNCTION.fullmatch(entry):
        raise ValueError(f"{entry!r} is neither one of {', '.join(BUILT_IN)} nor module:function")
    return entry


def _check_metrics(entries: list[Any]) -> list[Any]:
    names = [metric_name(entry) for entry in entries]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ValueError(f"repeats {name}; take one of them out, or give it another name")
    return entries


Metric = Annotated[
    Annotated[str, AfterValidator(_check_name), Tag("[name]")] | Annotated[FunctionMetric, Tag("[function]")],
    Discriminator(lambda entry: "[function]" if isinstance(entry, dict | FunctionMetric) else "[name]"),
]
Metrics = Annotated[
    list[Metric],
    Field(min_length=1),
    AfterValidator(_check_metrics),
]


def metric_name(entry: str | FunctionMetric) -> str:
    """The name of a metric's column: a built-in's, the short one of an entry, else the import path."""
    return entry if isinstance(entry, str) else entry.name


def function_of(entry: str | FunctionMetric) -> FunctionMetric | None:
    """The function behind a metric; None for a built-in."""
    if isinstance(entry, FunctionMetric):
        return entry
    return None if entry in BUILT_IN else function_metric({"name": entry, "function": entry, "model": None})


def function_metric(dumped: dict[str, Any]) -> FunctionMetric:
    """An entry from its JSON form; not validated, since an import path alone is no short name."""
    model = Path(dumped["model"]) if dumped["model"] else None
    return FunctionMetric.model_construct(name=dumped["name"], function=dumped["function"], model=model)
