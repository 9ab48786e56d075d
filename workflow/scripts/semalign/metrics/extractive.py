"""Answers to questions scored in percent by any rules: what CMRC 2018 and SQuAD have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from semalign.runtime.errors import InputError

Measure = Callable[[object, Sequence[object]], float]


@dataclass(frozen=True)
class QuestionScore:
    """One question: F1 0..100, EM 0 or 100; `answered` is false where no prediction bears its id."""

    id: str
    em: float
    f1: float
    answered: bool


@dataclass(frozen=True)
class ExtractiveScore:
    """Means over all questions in percent; `answer_length` is in characters over the answered ones."""

    em: float
    f1: float
    n: int
    skipped: int
    answer_length: float | None
    signature: str
    items: list[QuestionScore]

    @property
    def avg(self) -> float:
        """The mean of EM and F1."""
        return (self.em + self.f1) / 2


def score_answers(
    answers: Mapping[str, Sequence[object]],
    predictions: Mapping[str, object],
    exact_match: Measure,
    f1: Measure,
    signature: str,
) -> ExtractiveScore:
    """Score predictions by question id against `answers`: the id of each question and its accepted answers.

    A question without a prediction scores 0 and is counted as skipped; a prediction without a question is ignored.
    Raises InputError where there are no questions, or a question has no answer, not even the empty text.
    """
    if not answers:
        raise InputError("no questions to score: the test set is empty")
    items = []
    for question, accepted in answers.items():
        if not accepted:
            raise InputError(f"question {question!r} has no answer; give each at least one, which may be empty text")
        prediction = predictions.get(question)
        figures = (0.0, 0.0) if prediction is None else (exact_match(prediction, accepted), f1(prediction, accepted))
        items.append(QuestionScore(question, *figures, answered=prediction is not None))
    lengths = [len(str(predictions[item.id]).strip()) for item in items if item.answered]
    return ExtractiveScore(
        em=fmean(item.em for item in items),
        f1=fmean(item.f1 for item in items),
        n=len(items),
        skipped=len(items) - len(lengths),
        answer_length=fmean(lengths) if lengths else None,
        signature=signature,
        items=items,
    )
