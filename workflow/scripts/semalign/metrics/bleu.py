"""BLEU-4, character BLEU and chrF++, all by sacrebleu and all stored 0..1."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.metrics.base import Metric
from sacrebleu.significance import PairedTest

from semalign.config.data import Language
from semalign.metrics.sacrebleu_private import counts, score_of_counts
from semalign.metrics.scores import Score, check_aligned
from semalign.runtime.errors import InputError
from semalign.text import tokens

TIBETAN = "tibetan"
AT_ONCE = 1000  # items


def corpus_bleu(hypotheses: Sequence[str], references: Sequence[str], language: Language) -> Score:
    """Corpus BLEU-4 (0..1), exponential smoothing, one reference an item.

    Where `language.bleu_tokens` is `tibetan`, sacrebleu splits nothing itself: it is given `tokens.bleu_tokens` joined
    by spaces. Otherwise it is given the raw text and its own tokenizer of that name.
    """
    return bleu_with_items(hypotheses, references, language)[0]


def bleu_with_items(
    hypotheses: Sequence[str], references: Sequence[str], language: Language
) -> tuple[Score, list[list[int]]]:
    """`corpus_bleu`, and what each item adds to it: matched 1- to 4-grams, all 1- to 4-grams, lengths; ten counts."""
    own = language.bleu_tokens == TIBETAN
    metric = _bleu(language)
    items = _items(metric, hypotheses, references, _spaced if own else str)
    score = _score(metric, items)
    if own:
        score = replace(score, signature=f"{score.signature}|{tokens.SIGNATURE}")
    return score, [[*of_item[2:], *of_item[:2]] for of_item in items]


def chrf_with_items(hypotheses: Sequence[str], references: Sequence[str]) -> tuple[Score, list[list[int]]]:
    """`chrf_plus_plus`, and what each item adds to it: for 1 to 6 characters and 1 to 2 words the n-grams of the
    hypothesis, of the reference, and those that match; 24 counts."""
    metric = CHRF(word_order=2)
    items = _items(metric, hypotheses, references)
    return _score(metric, items), items


def chrf_of_sums(sums: np.ndarray) -> np.ndarray:
    """Corpus chrF++ (0..1), β = 2, of counts (…, 24) of `chrf_with_items` that were added up; shape (…).

    As sacrebleu has it: precision and recall are means over the orders of which both sides have n-grams.
    """
    of, in_reference, matched = (np.asarray(sums, dtype=float)[..., place::3] for place in range(3))
    both = (of > 0) & (in_reference > 0)
    orders = np.maximum(both.sum(axis=-1), 1)
    precision, recall = (
        np.where(both, matched / np.maximum(total, 1), 0.0).sum(axis=-1) / orders for total in (of, in_reference)
    )
    below = 4 * precision + recall
    return np.where(below > 0, 5 * precision * recall / np.where(below > 0, below, 1.0), 0.0)


def bleu_of_sums(sums: Sequence[int], effective_order: bool = False) -> float:
    """Corpus BLEU-4 (0..1) of items whose counts (`bleu_with_items`) add up to `sums`, smoothed as in `corpus_bleu`; of
    one sentence with the effective order."""
    score = BLEU.compute_bleu(
        correct=list(sums[:4]),
        total=list(sums[4:8]),
        sys_len=sums[8],
        ref_len=sums[9],
        smooth_method="exp",
        effective_order=effective_order,
    )
    return float(score.score) / 100


def paired_bootstrap(
    first: Sequence[str], second: Sequence[str], references: Sequence[str], language: Language, resamples: int
) -> float:
    """p of corpus BLEU's difference by sacrebleu's paired bootstrap (its own seed, SACREBLEU_SEED, default 12345).

    1 where there is no difference: sacrebleu counts the resamples that lie strictly beyond it, none of two systems that
    answer alike, and returns the smallest p there is.
    """
    if language.bleu_tokens == TIBETAN:
        first, second, references = ([_spaced(text) for text in texts] for texts in (first, second, references))
    test = PairedTest(
        [("first", list(first)), ("second", list(second))],
        {"BLEU": _bleu(language)},
        [list(references)],
        test_type="bs",
        n_samples=resamples,
    )
    scores: Any = test()[1]
    one, other = scores["BLEU"]
    return 1.0 if one.score == other.score else float(other.p_value)


def character_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Corpus BLEU-4 (0..1) over the characters of the raw text, sacrebleu's `char` tokenizer."""
    metric = BLEU(tokenize="char", force=True)
    return _score(metric, _items(metric, hypotheses, references))


def chrf_plus_plus(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """chrF++ (0..1): character n-grams to 6 and word n-grams to 2, on the raw text."""
    return chrf_with_items(hypotheses, references)[0]


class SentenceBleu:
    """BLEU-4 of one sentence (0..1), with the effective order: an exact match shorter than four tokens scores 1.

    Built once and called for each pair of a hypothesis and its reference; tokens as in `corpus_bleu`.
    """

    def __init__(self, language: Language) -> None:
        self._bleu = _bleu(language, effective_order=True)
        self._own_tokens = language.bleu_tokens == TIBETAN

    def __call__(self, hypothesis: str, reference: str) -> float:
        if self._own_tokens:
            hypothesis, reference = _spaced(hypothesis), _spaced(reference)
        return self._bleu.sentence_score(hypothesis, [reference]).score / 100


def _bleu(language: Language, *, effective_order: bool = False) -> BLEU:
    name = language.bleu_tokens
    if name != TIBETAN and name not in BLEU.TOKENIZERS:
        known = ", ".join([TIBETAN, *sorted(BLEU.TOKENIZERS)])
        raise InputError(f"bleu_tokens: there is no tokenizer {name!r}; choose one of {known}")
    try:
        # `force` silences a warning about text that looks tokenized, as ours does
        return BLEU(tokenize="none" if name == TIBETAN else name, force=True, effective_order=effective_order)
    except (ImportError, RuntimeError) as error:  # the package behind the tokenizer is absent
        raise InputError(f"bleu_tokens: {name!r} cannot be used: {' '.join(str(error).split())}") from error


def _spaced(text: str) -> str:
    return " ".join(tokens.bleu_tokens(text))


def _items(
    metric: Metric, hypotheses: Sequence[str], references: Sequence[str], prepared: Callable[[str], str] = str
) -> list[list[int]]:
    """sacrebleu's statistics of each item's prepared texts, with the n-grams of a few items in memory at a time."""
    check_aligned(hypotheses, references)
    items: list[list[int]] = []
    for start in range(0, len(hypotheses), AT_ONCE):
        chunk = slice(start, start + AT_ONCE)
        ours, theirs = ([prepared(text) for text in texts[chunk]] for texts in (hypotheses, references))
        items += counts(metric, ours, theirs)
    return items


def _score(metric: Metric, items: list[list[int]]) -> Score:
    """What sacrebleu's `corpus_score` of the items is: that of their counts' sums, in whatever order they are added."""
    score = score_of_counts(metric, [[sum(column) for column in zip(*items, strict=True)]])
    signature = f"{metric.__class__.__name__}|{metric.get_signature()}"
    return Score(score / 100, signature, len(items))
