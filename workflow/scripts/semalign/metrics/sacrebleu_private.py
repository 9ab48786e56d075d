"""The private parts of sacrebleu on which BLEU and chrF++ rely, and the version that they were tested with.

Its public functions give the score of a whole corpus, whose n-grams they all hold at once, and of chrF++ no counts of
single items, which the bootstrap resamples.
"""

import logging
from collections.abc import Sequence
from functools import cache

import sacrebleu
from sacrebleu.metrics.base import Metric

from semalign.runtime.errors import InputError

log = logging.getLogger(__name__)

TESTED = "2.6"
NAMES = ("_extract_corpus_statistics", "_aggregate_and_compute")


@cache
def check_version(installed: str = sacrebleu.__version__, metric: type = Metric) -> None:
    """Warn where sacrebleu is of a version that these parts were not tested with.

    It is said once. Raises InputError where a metric lacks one of them.
    """
    if missing := [name for name in NAMES if not hasattr(metric, name)]:
        raise InputError(f"sacrebleu {installed} has no {' and no '.join(missing)}; install sacrebleu {TESTED}")
    if ".".join(installed.split(".")[:2]) != TESTED:
        log.warning("sacrebleu %s was not tested with this project (tested: %s); compare a score", installed, TESTED)


def counts(metric: Metric, hypotheses: Sequence[str], references: Sequence[str]) -> list[list[int]]:
    """What each item adds to the corpus score of a metric with one reference an item: a row of counts an item."""
    check_version()
    return [[int(count) for count in row] for row in metric._extract_corpus_statistics(hypotheses, [references])]


def score_of_counts(metric: Metric, rows: list[list[int]]) -> float:
    """The corpus score (0..100) of rows of counts, which may themselves be sums of rows."""
    return float(metric._aggregate_and_compute(rows).score)
