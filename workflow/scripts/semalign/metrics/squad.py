"""Answers scored by the rules of SQuAD 1.1, and of 2.0 for questions without an answer, in percent.

Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text", and 2018, "Know What You Don't
Know: Unanswerable Questions for SQuAD". Both texts are put in lower case; ASCII punctuation, the words a, an and the,
and superfluous white space are taken out. EM asks whether they are equal. With c tokens in common, counted as often as
both have them, of p in the prediction and a in the answer, F1 = 2PR/(P + R) of P = c/p and R = c/a. The best answer
counts. Where either text is empty, EM and F1 are 1 if both are, else 0: the answer to an unanswerable question is the
empty text.
"""

import re
import string
from collections import Counter
from collections.abc import Mapping, Sequence

from semalign.metrics.extractive import ExtractiveScore, score_answers

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
SIGNATURE = "squad|f1:bag of words|no answer:empty text|version:1"


def normalised(text: object) -> str:
    """The text as it is compared: an article becomes a space once punctuation is gone."""
    return " ".join(_ARTICLE.sub(" ", str(text).lower().translate(_PUNCTUATION)).split())


def exact_match(prediction: object, answers: Sequence[object]) -> float:
    """100 if the prediction equals any answer once both are normalised, else 0."""
    return 100.0 * (normalised(prediction) in _accepted(answers))


def f1(prediction: object, answers: Sequence[object]) -> float:
    """The best F1 (0..100) over the answers."""
    return 100.0 * max(_overlap(normalised(prediction).split(), answer.split()) for answer in _accepted(answers))


def score(answers: Mapping[str, Sequence[object]], predictions: Mapping[str, object]) -> ExtractiveScore:
    """All questions by these rules; see `extractive.score_answers`."""
    return score_answers(answers, predictions, exact_match, f1, SIGNATURE)


def _accepted(answers: Sequence[object]) -> list[str]:
    """The answers that leave something once normalised; else the empty one."""
    return [text for answer in answers if (text := normalised(answer))] or [""]


def _overlap(predicted: list[str], answer: list[str]) -> float:
    if not predicted or not answer:
        return float(predicted == answer)
    common = sum((Counter(predicted) & Counter(answer)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(predicted), common / len(answer)
    return 2 * precision * recall / (precision + recall)
