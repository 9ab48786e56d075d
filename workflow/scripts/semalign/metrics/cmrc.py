"""Answers scored by the rules of CMRC 2018's official script (its SQuAD-style version), in percent.

F1 comes from the longest common *substring* of tokens, not from the bag of tokens as in SQuAD, and a partly right
answer loses by each word it adds.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from statistics import fmean

from semalign.runtime.errors import InputError

# The script lists the ellipsis as two characters, which no single character equals: it is never dropped. Neither are
# ASCII full stop, comma, brackets and quotation marks, nor the opening single quotation mark.
_DROPPED = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_HAN = re.compile("([\u4e00-\u9fa5])")
_THINK = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


@dataclass(frozen=True)
class CmrcItem:
    """One question: F1 0..100, EM 0 or 100; `answered` is false where no prediction bears its id."""

    id: str
    em: float
    f1: float
    answered: bool


@dataclass(frozen=True)
class CmrcScore:
    """Means over all questions in percent; `answer_length` is in characters over the answered ones."""

    em: float
    f1: float
    avg: float
    n: int
    skipped: int
    answer_length: float | None
    signature: str
    items: list[CmrcItem]


def strip_think(text: str) -> str:
    """The text without its reasoning, to be called before scoring.

    Drops each `<think>…</think>` block; an opening tag that is never closed (the output was cut short) with all that
    follows; and all up to a closing tag that was never opened (the prompt opened it).
    """
    return _THINK.sub("", text).rpartition("</think>")[2]


def exact_match(prediction: object, answers: Sequence[object]) -> float:
    """100 if the prediction equals any answer once both are normalised, else 0. Two empty texts are equal."""
    normalised = _normalise(prediction)
    return 100.0 * any(normalised == _normalise(answer) for answer in answers)


def f1(prediction: object, answers: Sequence[object]) -> float:
    """The best F1 (0..100) over the answers, from the longest common substring of tokens; 0 where there is none."""
    predicted = _segments(_normalise(prediction))
    return 100.0 * max(_substring_f1(predicted, _segments(_normalise(answer))) for answer in answers)


def score(answers: Mapping[str, Sequence[object]], predictions: Mapping[str, object]) -> CmrcScore:
    """Score predictions by question id against `answers`: the id of each question and its accepted answers.

    A question without a prediction scores 0 and is counted as skipped; a prediction without a question is ignored.
    Raises InputError where there are no questions, or a question has no answer.
    """
    if not answers:
        raise InputError("no questions to score: the test set is empty")
    items = [_item(question, accepted, predictions) for question, accepted in answers.items()]
    lengths = [len(str(predictions[item.id]).strip()) for item in items if item.answered]
    em_mean, f1_mean = fmean(item.em for item in items), fmean(item.f1 for item in items)
    return CmrcScore(
        em=em_mean,
        f1=f1_mean,
        avg=(em_mean + f1_mean) / 2,
        n=len(items),
        skipped=len(items) - len(lengths),
        answer_length=fmean(lengths) if lengths else None,
        signature=f"cmrc2018|f1:substring|words:nltk.word_tokenize,preserve_line|version:{version('nltk')}",
        items=items,
    )


def _item(question: str, accepted: Sequence[object], predictions: Mapping[str, object]) -> CmrcItem:
    if not accepted:
        raise InputError(f"question {question!r} has no answer; give each at least one, which may be empty text")
    if question not in predictions:
        return CmrcItem(question, em=0.0, f1=0.0, answered=False)
    prediction = predictions[question]
    return CmrcItem(question, em=exact_match(prediction, accepted), f1=f1(prediction, accepted), answered=True)


def _normalise(text: object) -> str:
    # in this order: white space that the dropped characters lay around stays
    return str(text).lower().strip().translate(_DROPPED)


def _segments(text: str) -> list[str]:
    """One token a Han character; what stands between goes to nltk's word tokenizer."""
    from nltk.tokenize import word_tokenize  # two seconds, and most users of this module have no such text

    segments: list[str] = []
    for piece in filter(None, _HAN.split(text)):
        segments += [piece] if _HAN.fullmatch(piece) else word_tokenize(piece, preserve_line=True)
    return segments


def _substring_f1(predicted: Sequence[str], answer: Sequence[str]) -> float:
    common = _longest_common_substring(predicted, answer)
    if common == 0:
        return 0.0
    precision, recall = common / len(predicted), common / len(answer)
    return 2 * precision * recall / (precision + recall)


def _longest_common_substring(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest run of tokens that occurs in both."""
    longest = 0
    above = [0] * (len(right) + 1)  # entry j + 1: the run that ends at right[j] and the previous token of left
    for token in left:
        row = [0] * (len(right) + 1)
        for j, other in enumerate(right):
            if token == other:
                row[j + 1] = above[j] + 1
        longest = max(longest, *row)
        above = row
    return longest
