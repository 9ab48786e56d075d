"""BLEU-4, character BLEU and chrF++, all by sacrebleu and all stored 0..1."""

from collections.abc import Callable, Sequence
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
    if language.bleu_tokens != TIBETAN:
        return _corpus_score(_bleu(language), hypotheses, references)
    score = _corpus_score(_bleu(language), hypotheses, references, _spaced)
    return Score(score.value, f"{score.signature}|{tokens.SIGNATURE}", score.n)


def bleu_statistics(hypotheses: Sequence[str], references: Sequence[str], language: Language) -> list[list[int]]:
    """What each item adds to corpus BLEU: matched 1- to 4-grams, all 1- to 4-grams, both lengths; ten counts."""
    check_aligned(hypotheses, references)
    # the effective order changes a sentence's score, not its counts, and silences sacrebleu's advice to use it
    metric, own = _bleu(language, effective_order=True), language.bleu_tokens == TIBETAN
    rows = []
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        texts = (_spaced(hypothesis), _spaced(reference)) if own else (hypothesis, reference)
        score = metric.sentence_score(texts[0], [texts[1]])
        rows.append([*score.counts, *score.totals, score.sys_len, score.ref_len])
    return rows


def chrf_statistics(hypotheses: Sequence[str], references: Sequence[str]) -> list[list[int]]:
    """What each item adds to corpus chrF++: for 1 to 6 characters and 1 to 2 words the n-grams of the hypothesis, of
    the reference, and those that match; 24 counts."""
    check_aligned(hypotheses, references)
    metric = CHRF(word_order=2)
    return [counts(metric, [one], [other])[0] for one, other in zip(hypotheses, references, strict=True)]


def chrf_of_sums(sums: np.ndarray) -> np.ndarray:
    """Corpus chrF++ (0..1), β = 2, of statistics (…, 24) that were added up; shape (…).

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


def bleu_of_sums(sums: Sequence[int]) -> float:
    """Corpus BLEU-4 (0..1) of items whose statistics add up to `sums`; smoothing as in `corpus_bleu`."""
    score = BLEU.compute_bleu(
        correct=list(sums[:4]), total=list(sums[4:8]), sys_len=sums[8], ref_len=sums[9], smooth_method="exp"
    )
    return float(score.score) / 100


def paired_bootstrap(
    first: Sequence[str], second: Sequence[str], references: Sequence[str], language: Language, resamples: int
) -> float:
    """p of corpus BLEU's difference by sacrebleu's paired bootstrap (its own seed, SACREBLEU_SEED, default 12345)."""
    if language.bleu_tokens == TIBETAN:
        first, second, references = ([_spaced(text) for text in texts] for texts in (first, second, references))
    test = PairedTest(
        [("first", list(first)), ("second", list(second))],
        {"BLEU": _bleu(language)},
        [list(references)],
        test_type="bs",
        n_samples=resamples,
    )
    result: Any = test()[1]["BLEU"][1]
    return float(result.p_value)


def character_bleu(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Corpus BLEU-4 (0..1) over the characters of the raw text, sacrebleu's `char` tokenizer."""
    return _corpus_score(BLEU(tokenize="char", force=True), hypotheses, references)


def chrf_plus_plus(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """chrF++ (0..1): character n-grams to 6 and word n-grams to 2, on the raw text."""
    return _corpus_score(CHRF(word_order=2), hypotheses, references)


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


def _corpus_score(
    metric: Metric, hypotheses: Sequence[str], references: Sequence[str], prepared: Callable[[str], str] = str
) -> Score:
    """What sacrebleu's `corpus_score` of the prepared texts is, with the n-grams of a few items in memory at a time.

    The statistics of items are counts, and the score is one of their sums, in whatever order they are added.
    """
    check_aligned(hypotheses, references)
    sums: list[list[int]] = []
    for start in range(0, len(hypotheses), AT_ONCE):
        chunk = slice(start, start + AT_ONCE)
        ours, theirs = ([prepared(text) for text in texts[chunk]] for texts in (hypotheses, references))
        sums.append([sum(column) for column in zip(*counts(metric, ours, theirs), strict=True)])
    score = score_of_counts(metric, sums)
    signature = f"{metric.__class__.__name__}|{metric.get_signature()}"
    return Score(score / 100, signature, len(hypotheses))
