"""Config of what is measured of the abilities that must be kept: named benchmarks, of which one gives the tax."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from semalign.config.base import Count, CountFromTwo, CountFromZero, Distinct, Seed, Strict, without_null
from semalign.config.data import Lines, QuestionSource, Table
from semalign.config.names import check_form
from semalign.config.placeholders import prompt_of
from semalign.config.shots import AnsweredShots, Shots, Stops, check_drawn_elsewhere


class QuestionShots(AnsweredShots):
    """Examples of questions."""

    source: Annotated[list[QuestionSource], Distinct] = Field(
        min_length=1, description="where they are drawn from; a question on a passage of the test set is never drawn"
    )


class Extractive(Strict):
    """Reading comprehension: the model answers, and its text is compared with the accepted answers."""

    kind: Literal["extractive"] = Field(description="answers are taken from a passage")
    rules: Literal["cmrc2018", "squad"] = Field(
        description="cmrc2018: the official script of CMRC 2018, for Chinese; squad: SQuAD 1.1, and unanswerable "
        "questions of 2.0; avg, f1 and em in percent"
    )
    test: Annotated[list[QuestionSource], Distinct] = Field(min_length=1, description="the questions and their answers")
    prompt: Annotated[str, prompt_of("context", "question")] = Field(
        description="the user's turn; {context} and {question} are replaced"
    )
    max_new_tokens: Count = Field(64, description="greedy decoding stops here")
    limit: Count | None = Field(None, description="take only the first questions")
    stop: Stops = Field(default_factory=list, description="an answer ends before the first of these texts, too")
    shots: QuestionShots | None = Field(None, description="examples before each question; null: none")
    no_answer: str | None = Field(
        None,
        description="what an answer says, as the prompt asks it to, where the passage holds none; it counts as the "
        "empty answer. Only with squad",
    )

    @model_validator(mode="after")
    def _check(self) -> "Extractive":
        if self.no_answer is not None and self.rules != "squad":
            raise ValueError(f"no_answer: the rules of {self.rules} know no unanswerable questions; take it out")
        if self.shots:
            check_drawn_elsewhere(self.shots.source, self.test)
        return self

    @property
    def measures(self) -> list[str]:
        """The figures, the benchmark's own first."""
        return ["avg", "f1", "em"] if self.rules == "cmrc2018" else ["f1", "em"]


class ChoiceShots(Shots):
    """Examples of multiple-choice items."""

    source: Annotated[list[Table], Distinct] = Field(
        min_length=1, description="tables with the columns of those of `test`; no item of the test set is ever drawn"
    )


class MultipleChoice(Strict):
    """The right one of several texts is to be likelier, after the prompt, than the others; nothing is answered."""

    kind: Literal["multiple_choice"] = Field(description="choices are compared by their likelihood")
    test: Annotated[list[Table], Distinct] = Field(
        min_length=1,
        description="tables with `label` and the columns that prompt and choices name, mapped by `columns`",
    )
    prompt: str = Field(description="what stands before a choice; each {column} is replaced")
    choices: Annotated[list[str], Distinct, Field(min_length=2)] | str = Field(
        description="the column of each choice, in the order of the labels; or one column that holds a list"
    )
    first_label: Literal[0, 1, "A", "a"] = Field(0, description="the label of the first choice; the others follow it")
    words: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="by column: what stands in the prompt for each of its values"
    )
    delimiter: str = Field(" ", description="between the prompt and a choice")
    chat_template: bool = Field(
        False, description="the prompt is the user's turn and a choice the answer; else both are one plain text"
    )
    measure: Literal["acc", "acc_norm"] = Field(
        "acc", description="the benchmark's own figure: by the likelihood of a choice, or by it over its bytes"
    )
    max_tokens: CountFromTwo = Field(
        1024, description="of a prompt and its choice; longer prompts lose their beginning"
    )
    batch_size: Count = Field(16, description="prompts with a choice a forward pass")
    limit: Count | None = Field(None, description="take only the first items")
    shots: ChoiceShots | None = Field(None, description="examples before each prompt; null: none")

    @model_validator(mode="after")
    def _check(self) -> "MultipleChoice":
        fields = re.findall(r"\{(\w+)\}", self.prompt)
        if not fields:
            raise ValueError("prompt: names no column in braces, as in {question}")
        if unknown := self.words.keys() - set(fields):
            raise ValueError(f"words: {sorted(unknown)} stand in no braces of the prompt")
        if self.shots:
            check_drawn_elsewhere(self.shots.source, self.test)
        return self

    @property
    def measures(self) -> list[str]:
        """The figures, the benchmark's own first."""
        return [self.measure, "acc_norm" if self.measure == "acc" else "acc"]


class Perplexity(Strict):
    """How well given texts are predicted."""

    kind: Literal["perplexity"] = Field(description="texts are predicted")
    test: Annotated[list[Annotated[Lines | Table, Field(discriminator="format")]], Distinct] = Field(
        min_length=1, description="the texts: `lines`, or tables of a column text"
    )
    max_tokens: CountFromTwo = Field(1024, description="a longer text is cut; counted")
    batch_size: Count = Field(16, description="texts a forward pass")
    limit: Count | None = Field(None, description="take only the first texts")

    @property
    def measures(self) -> list[str]:
        """The figures, the benchmark's own first."""
        return ["nll", "ppl", "bits_per_byte"]


class LmEval(Strict):
    """A task of EleutherAI's lm-evaluation-harness, with its own prompts and metrics, on local data alone."""

    kind: Literal["lm_eval"] = Field(description="the harness measures; it needs envs/requirements-lm-eval.txt")
    task: str | None = Field(None, description="the name of one of the harness' tasks; or null with `file`")
    file: Path | None = Field(None, description="the YAML file of a task of your own; or null with `task`")
    data: Annotated[list[Path], Distinct] = Field(
        default_factory=list, description="the local files that the task reads: a change of theirs measures again"
    )
    metric: str = Field(description="which of the task's metrics is the benchmark's figure: acc, exact_match …")
    filter: str = Field("none", description="the harness' filter whose answers are scored")
    lower_is_better: bool = Field(False, description="of the metric")
    num_fewshot: CountFromZero | None = Field(None, description="examples before each prompt; null: as the task says")
    chat_template: bool = Field(False, description="the harness applies the chat template")
    add_bos_token: bool = Field(False, description="the harness begins each text with the tokenizer's begin token")
    batch_size: Count = Field(16, description="requests a forward pass")
    limit: Count | None = Field(None, description="take only the first items")
    seed: Seed = Field(1234, description="of the draw of examples")

    @model_validator(mode="after")
    def _check(self) -> "LmEval":
        if (self.task is None) == (self.file is None):
            raise ValueError("give either task or file")
        return self

    @property
    def measures(self) -> list[str]:
        """The one figure, as the harness gives it."""
        return ["loss" if self.lower_is_better else "score"]


Benchmark = Annotated[Extractive | MultipleChoice | Perplexity | LmEval, Field(discriminator="kind")]


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
            check_form(name)
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
