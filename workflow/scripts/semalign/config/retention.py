"""Config of what is measured of the abilities that must be kept: named benchmarks, of which one gives the tax."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from semalign.config.base import Count, Distinct, Strict, without_null
from semalign.config.data import QuestionSource
from semalign.config.placeholders import prompt_of


class Extractive(Strict):
    """Reading comprehension: the model answers, and its text is compared with the accepted answers."""

    kind: Literal["extractive"] = Field(description="answers are taken from a passage")
    rules: Literal["cmrc2018"] = Field(
        description="cmrc2018: the official script of CMRC 2018; its avg, f1 and em in percent"
    )
    test: Annotated[list[QuestionSource], Distinct] = Field(min_length=1, description="the questions and their answers")
    prompt: Annotated[str, prompt_of("context", "question")] = Field(
        description="the user's turn; {context} and {question} are replaced"
    )
    max_new_tokens: Count = Field(64, description="greedy decoding stops here")
    limit: Count | None = Field(None, description="take only the first questions")

    @property
    def measures(self) -> list[str]:
        """The figures, the benchmark's own first."""
        return ["avg", "f1", "em"]


Benchmark = Extractive


class Retention(Strict):
    """What is measured on the base and every model, and never trained on."""

    primary: str | None = Field(
        None,
        description="the benchmark whose loss is the tax in the frontier, statistics and table 3; null: the only one",
    )
    benchmarks: Annotated[dict[str, Benchmark], BeforeValidator(without_null)] = Field(
        min_length=1,
        description="name (a small letter, then small letters, digits, _), which begins the names of its columns, and "
        "settings; null in an overlay: not measured",
    )

    @model_validator(mode="after")
    def _check(self) -> "Retention":
        for name in self.benchmarks:
            if not re.fullmatch("[a-z][a-z0-9_]*", name):
                raise ValueError(
                    f"benchmarks: {name!r} must begin with a small letter, and small letters, digits and _ follow"
                )
        if self.primary is None and len(self.benchmarks) > 1:
            raise ValueError(f"primary: name one of {list(self.benchmarks)}, whose loss is the tax")
        if self.primary is not None and self.primary not in self.benchmarks:
            raise ValueError(f"primary: {self.primary} is not among benchmarks: {list(self.benchmarks)}")
        return self

    @property
    def ordered(self) -> dict[str, Benchmark]:
        """The benchmarks, the primary one first, the others by name."""
        first = self.primary or next(iter(self.benchmarks))
        return {name: self.benchmarks[name] for name in [first, *sorted(self.benchmarks.keys() - {first})]}

    @property
    def extractive(self) -> dict[str, Extractive]:
        """Those that are answered, in their order."""
        return {name: entry for name, entry in self.ordered.items() if isinstance(entry, Extractive)}

    @property
    def question_prompt(self) -> str:
        """The prompt with which questions of a corpus are shown; empty where no benchmark has one."""
        return next((entry.prompt for entry in self.extractive.values()), "")

    @property
    def main_column(self) -> str:
        """The column of the primary benchmark's own figure: the tax is what the base loses of it."""
        name, entry = next(iter(self.ordered.items()))
        return f"{name}_{entry.measures[0]}"
