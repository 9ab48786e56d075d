"""BLEU-4, character BLEU and chrF++, all by sacrebleu and all stored 0..1."""

from collections.abc import Sequence

from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.metrics.base import Metric

from semalign import tokens
from semalign.config.data import Language
from semalign.errors import InputError
from semalign.scores import Score, check_aligned

TIBETAN = "tibetan"


def corpus_bleu(hypotheses: Sequence[str], references: Sequence[str], language: Language) -> Score:
    """Corpus BLEU-4 (0..1), exponential smoothing, one reference an item.

    Where `language.bleu_tokens` is `tibetan`, sacrebleu splits nothing itself: it is given `tokens.bleu_tokens` joined
    by spaces. Otherwise it is given the raw text and its own tokenizer of that name.
    """
    own = language.bleu_tokens == TIBETAN
    if own:
        hypotheses, references = [_spaced(text) for text in hypotheses], [_spaced(text) for text in references]
    score = _corpus_score(_bleu(language), hypotheses, references)
    return Score(score.value, f"{score.signature}|tokens:{tokens.VERSION}", score.n) if own else score


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


def _corpus_score(metric: Metric, hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    check_aligned(hypotheses, references)
    result = metric.corpus_score(list(hypotheses), [list(references)])
    signature = f"{metric.__class__.__name__}|{metric.get_signature()}"
    return Score(result.score / 100, signature, len(hypotheses))
