"""What a retention benchmark measures, and what its figures are called.

A column is the benchmark's name and the measure: `cmrc_avg`, `squad_f1`. What a column means, its unit and its
decimals follow from the measure.
"""

from dataclasses import dataclass
from typing import NamedTuple


class Measure(NamedTuple):
    """What a measure tells, its unit, the decimals shown, and whether a larger figure is worse."""

    about: str
    unit: str
    digits: int
    grows: bool = False


MEASURES = {
    "avg": Measure("reading comprehension", "%", 2),
    "f1": Measure("reading comprehension", "%", 2),
    "em": Measure("reading comprehension", "%", 2),
    "answer_length": Measure("answers", "characters", 1),
    "acc": Measure("multiple choice", "%", 2),
    "acc_norm": Measure("multiple choice, by byte", "%", 2),
    "score": Measure("lm-evaluation-harness", "", 4),
    "loss": Measure("lm-evaluation-harness", "", 4, grows=True),
    "nll": Measure("prediction of kept text", "nats per token", 4, grows=True),
    "ppl": Measure("prediction of kept text", "", 2, grows=True),
    "bits_per_byte": Measure("prediction of kept text", "bits", 4, grows=True),
}


@dataclass(frozen=True)
class Retained:
    """A benchmark: its measures, its own figure first, and those that the CSV alone shows."""

    name: str
    kind: str
    measures: list[str]

    @property
    def main(self) -> str:
        """The column of the benchmark's own figure."""
        return self.column(self.measures[0])

    @property
    def columns(self) -> dict[str, str]:
        """{column: measure} of the figures that every table shows."""
        return {self.column(measure): measure for measure in self.measures}

    @property
    def aside(self) -> dict[str, str]:
        """{column: measure} of what stands beside them in the CSV."""
        return {self.column("answer_length"): "answer_length"} if self.kind == "extractive" else {}

    @property
    def exact(self) -> str | None:
        """The measure that is all or nothing for each item, which McNemar's test compares."""
        return next((measure for measure in ("em", "acc") if measure in self.measures), None)

    @property
    def by_item(self) -> list[str]:
        """The measures that each item has a value of: the benchmark's is their mean."""
        return [measure for measure in self.measures if measure != "ppl"]

    def weight(self, measure: str) -> str | None:
        """The column by which the mean over items is weighted; None where all count alike."""
        return {"nll": "tokens", "bits_per_byte": "bytes"}.get(measure) if self.kind == "perplexity" else None

    @property
    def per_token(self) -> list[str]:
        """The columns that models with one tokenizer alone can be compared by."""
        return [self.column(measure) for measure in ("nll", "ppl") if measure in self.measures]

    @property
    def loss(self) -> int:
        """The sign of the tax in model − base: −1 where a larger figure is better."""
        return 1 if MEASURES[self.measures[0]].grows else -1

    def column(self, measure: str) -> str:
        return f"{self.name}_{measure}"


def measure_of(column: str) -> Measure | None:
    """What a column of a benchmark tells; None where it is no benchmark's."""
    known = [name for name in MEASURES if column.endswith(f"_{name}")]
    return MEASURES[max(known, key=len)] if known else None


def title(column: str) -> str:
    """A column's name for people: `cmrc_avg` is CMRC AVG."""
    return column.replace("_", " ").upper()


def described(column: str) -> str:
    """A column as the title of an axis, over two lines."""
    measure = measure_of(column)
    about, unit = (measure.about, f", {measure.unit}" if measure.unit else "") if measure else ("retention", "")
    return f"{about}\n({title(column)}{unit})"


def lost(column: str) -> str:
    """In what the loss is counted: `points of CMRC AVG`."""
    measure = measure_of(column)
    return f"{'nats' if measure and measure.unit.startswith('nats') else 'points'} of {title(column)}"
