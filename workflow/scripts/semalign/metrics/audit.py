"""Signs that a reward is gamed, read from texts: length, repetition, copying, duplicates, wrong script.

Shares are 0..1. Tokens are those of `tokens`, punctuation marks included. The same measures serve a run's test
outputs and its rollouts.
"""

from collections import defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from statistics import fmean
from sys import intern
from typing import Any

from semalign.config.data import Language
from semalign.runtime.files import Row
from semalign.text.languages import language_consistency
from semalign.text.matching import is_blank
from semalign.text.tokens import bleu_tokens

Figures = dict[str, float | None]

MEASURES = ["length_ratio", "distinct_2", "repeated_4grams", "copied", "duplicates", "off_script", "empty"]


def audit(
    outputs: Sequence[str], references: Sequence[str], sources: Sequence[str], items: Sequence[str], language: Language
) -> Figures:
    """The MEASURES of outputs, each for the item named beside it.

    length_ratio: tokens of the outputs over tokens of the references. distinct_2: different bigrams over all bigrams.
    repeated_4grams: share of 4-grams that occurred before in the same output. copied: longest common substring with
    the source over the output's length in characters, mean of non-empty outputs. duplicates: share of outputs equal to
    one for another item. None where nothing could be counted (no bigram, no non-empty output).
    """
    lengths = bigrams = fourgrams = repeated = 0
    different: set[tuple[str, str]] = set()
    for text in outputs:
        tokens = [intern(token) for token in bleu_tokens(text)]  # a few words make up all bigrams
        lengths, bigrams = lengths + len(tokens), bigrams + max(0, len(tokens) - 1)
        different.update(pairwise(tokens))
        again, four = repeated_fourgrams(tokens)
        fourgrams, repeated = fourgrams + four, repeated + again
    copied = [
        common_substring(text, source) / len(text)
        for text, source in zip(outputs, sources, strict=True)
        if not is_blank(text)
    ]
    return {
        "length_ratio": share_of(lengths, sum(len(bleu_tokens(text)) for text in references)),
        "distinct_2": share_of(len(different), bigrams),
        "repeated_4grams": share_of(repeated, fourgrams),
        "copied": fmean(copied) if copied else None,
        "duplicates": duplicates(outputs, items),
        "off_script": 1 - fmean(language_consistency(text, language) for text in outputs),
        "empty": fmean(is_blank(text) for text in outputs),
    }


def repeated_fourgrams(tokens: Sequence[str]) -> tuple[int, int]:
    """How many of a text's 4-grams occurred before in it, and how many it has."""
    four = [tuple(tokens[i : i + 4]) for i in range(len(tokens) - 3)]
    return len(four) - len(set(four)), len(four)


def share_of(part: int, whole: int) -> float | None:
    """None of nothing."""
    return part / whole if whole else None


def common_substring(one: str, two: str) -> int:
    """Length of the longest run of characters that both have."""
    return SequenceMatcher(None, one, two, autojunk=False).find_longest_match().size


def duplicates(outputs: Sequence[str], items: Sequence[str]) -> float:
    """Share of the outputs that are equal to one for another item."""
    owners: dict[str, set[str]] = defaultdict(set)
    for text, item in zip(outputs, items, strict=True):
        owners[text].add(item)
    return fmean(len(owners[text]) > 1 for text in outputs)


def evenly_spaced(steps: Sequence[int], wanted: int) -> list[int]:
    """At most `wanted` of the steps, the first and the last among them, at even distances."""
    if len(steps) <= wanted:
        return list(steps)
    if wanted == 1:
        return [steps[-1]]
    return [steps[round(i * (len(steps) - 1) / (wanted - 1))] for i in range(wanted)]


def audit_step(rows: Sequence[Row], rewards: dict[str, float], language: Language) -> dict[str, float | None]:
    """A step's rollouts: MEASURES; the mean of each reward and of their weighted sum; `zero_variance_groups`, the share
    of prompts whose completions all earned the same and so teach nothing.

    Rows hold `id`, `completion`, `source`, `target` and a figure for each reward.
    """
    figures = audit(
        [row["completion"] for row in rows],
        [row["target"] for row in rows],
        [row["source"] for row in rows],
        [row["id"] for row in rows],
        language,
    )
    earned = [sum(weight * row[name] for name, weight in rewards.items()) for row in rows]
    groups: dict[str, set[float]] = defaultdict(set)
    for row, value in zip(rows, earned, strict=True):
        groups[row["id"]].add(value)
    figures |= {f"reward {name}": fmean(row[name] for row in rows) for name in rewards}
    figures |= {"reward": fmean(earned), "zero_variance_groups": fmean(len(values) == 1 for values in groups.values())}
    return figures


def summarise(by_step: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over the first tenth of the audited steps (at least one), over the last tenth, and over all."""
    tenth = max(1, len(by_step) // 10)
    parts = {"first_tenth": by_step[:tenth], "last_tenth": by_step[-tenth:], "all": by_step}
    return {name: {"steps": len(rows)} | _means(rows) for name, rows in parts.items()}


def _means(rows: Sequence[dict[str, Any]]) -> Figures:
    means: Figures = {}
    for name in rows[0]:
        if name != "step":
            known = [row[name] for row in rows if row[name] is not None]
            means[name] = fmean(known) if known else None
    return means
