"""ROUGE-L by rouge-score, over the tokens of `tokens`: its default tokenizer keeps ASCII alone and deletes all else."""

from collections.abc import Sequence
from importlib.metadata import version
from statistics import fmean

from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer

from semalign.metrics.scores import Score, check_aligned
from semalign.text import tokens


class _Tokens(Tokenizer):
    def tokenize(self, text: str) -> list[str]:
        return tokens.rouge_tokens(text)


_SCORER = RougeScorer(["rougeL"], tokenizer=_Tokens())
_SIGNATURE = f"rougeL|fmeasure|mean|{tokens.SIGNATURE}|version:{version('rouge-score')}"


def rouge_l_with_items(hypotheses: Sequence[str], references: Sequence[str]) -> tuple[Score, list[float]]:
    """ROUGE-L F-measure (0..1), the mean over items, and that of each; 0 where either side has no token."""
    check_aligned(hypotheses, references)
    items = [
        float(_SCORER.score(reference, hypothesis)["rougeL"].fmeasure)
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]
    return Score(fmean(items), _SIGNATURE, len(items)), items


def rouge_l(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """ROUGE-L F-measure (0..1), the mean over items."""
    return rouge_l_with_items(hypotheses, references)[0]
