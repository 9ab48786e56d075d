"""Private parts of sacrebleu: they give its public score; another version is warned of, a missing part is named."""

import logging

import pytest
from sacrebleu.metrics import BLEU, CHRF

from semalign.metrics.sacrebleu_private import NAMES, check_version, counts, score_of_counts
from semalign.runtime.errors import InputError

OURS, THEIRS = ["a b c d", "e f", ""], ["a b c e", "e f g", "h"]


@pytest.mark.parametrize("metric", [BLEU(), CHRF(word_order=2)])
def test_the_counts_of_items_give_the_public_score_of_the_corpus(metric: BLEU | CHRF) -> None:
    rows = counts(metric, OURS, THEIRS)
    assert len(rows) == len(OURS)
    sums = [[sum(column) for column in zip(*part, strict=True)] for part in (rows[:1], rows[1:])]
    assert score_of_counts(metric, sums) == metric.corpus_score(OURS, [THEIRS]).score


@pytest.mark.parametrize(("version", "warned"), [("2.6.1", False), ("2.7.0", True), ("3.0", True)])
def test_a_version_that_was_not_tested_is_warned_of(
    version: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    check_version.cache_clear()
    with caplog.at_level(logging.WARNING):
        check_version(version)
    assert ("was not tested" in caplog.text) == warned


def test_the_installed_version_is_the_tested_one(caplog: pytest.LogCaptureFixture) -> None:
    check_version.cache_clear()
    check_version()
    assert not caplog.text


def test_a_part_that_is_gone_is_named() -> None:
    lacking = type("Metric", (), {NAMES[0]: None})
    with pytest.raises(InputError, match=f"sacrebleu 9.0 has no {NAMES[1]}; install sacrebleu 2.6"):
        check_version("9.0", lacking)
