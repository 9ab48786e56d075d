"""Config of models that were trained elsewhere: measured beside ours, never trained."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from semalign.config.base import Distinct, Strict
from semalign.config.names import check_form

TAKEN = {"base", "cold_sft", "strong_sft", "rl", "sft", "references", "gap", "change", "noise_floor"}
"""What tables call models and rows of this project."""


class GivenModel(Strict):
    """A model trained elsewhere: an adapter of the base, or a whole model."""

    adapter: Path | None = Field(
        None, description="the folder of a LoRA adapter of policy.path, as peft writes it; or null with `model`"
    )
    model: Path | None = Field(
        None,
        description="the folder of a whole model, which is asked with its own tokenizer and chat template; or null "
        "with `adapter`",
    )
    chat_template: Path | None = Field(
        None, description="a Jinja file in place of the template of a whole model; null: its own"
    )
    tasks: Annotated[list[str], Distinct, Field(min_length=1)] | None = Field(
        None, description="the tasks that it answers; null: all"
    )
    judged_against: Annotated[list[str], Distinct] | None = Field(
        None,
        description="whom the judge compares it with: base, strong_sft, rl or others of `models`; the first stands in "
        "table 3; null: strong_sft or, with train: false, the base; []: nobody",
    )

    @model_validator(mode="after")
    def _check(self) -> "GivenModel":
        if (self.adapter is None) == (self.model is None):
            raise ValueError("give either adapter or model")
        if self.adapter is not None and self.chat_template is not None:
            raise ValueError("chat_template: an adapter is asked with the template of its base; take it out")
        return self


def check_name(name: str) -> str:
    """A name that can be a folder and that no model of this project has."""
    if check_form(name) in TAKEN:
        raise ValueError(f"{name} is what tables call a model or row of their own; give the model another name")
    return name


ModelName = Annotated[str, AfterValidator(check_name)]


def problem(models: dict[str, GivenModel], tasks: Collection[str], methods: Collection[str]) -> str | None:
    """What is wrong between the entries and the rest of the config, with the key; None where nothing is."""
    for name, entry in models.items():
        if name in methods:
            return f"models.{name}: frontier.methods has an entry of this name; give one of them another"
        for task in entry.tasks or ():
            if task not in tasks:
                return f"models.{name}.tasks: {task} is not among tasks: {list(tasks)}"
    return None
