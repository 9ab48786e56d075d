"""Answers scored by the rules of CMRC 2018's official script (its SQuAD-style version), in percent.

F1 comes from the longest common *substring* of tokens, not from the bag of tokens as in SQuAD, and a partly right
answer loses by each word it adds.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from importlib.metadata import version

from semalign.metrics.extractive import ExtractiveScore, score_answers

# The script lists the ellipsis as two characters, which no single character equals: it is never dropped. Neither are
# ASCII full stop, comma, brackets and quotation marks, nor the opening single quotation mark.
_DROPPED = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_HAN = re.compile("([\u4e00-\u9fa5])")
_THINK = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


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


def score(answers: Mapping[str, Sequence[object]], predictions: Mapping[str, object]) -> ExtractiveScore:
    """All questions by these rules; see `extractive.score_answers`."""
    signature = f"cmrc2018|f1:substring|words:nltk.word_tokenize,preserve_line|version:{version('nltk')}"
    return score_answers(answers, predictions, exact_match, f1, signature)


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
    common = SequenceMatcher(None, predicted, answer, autojunk=False).find_longest_match().size
    if common == 0:
        return 0.0
    precision, recall = common / len(predicted), common / len(answer)
    return 2 * precision * recall / (precision + recall)
