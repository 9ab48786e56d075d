"""Intervals against scipy's own call, hand calculation, and what must hold of any."""

import numpy as np
import pytest
from scipy import stats

from semalign.config.data import Language
from semalign.config.statistics import Statistics
from semalign.metrics.bleu import bleu_of_sums, bleu_with_items, corpus_bleu
from semalign.runtime.errors import InputError
from semalign.statistics.bootstrap import (
    bootstrap,
    corpus_bleu_of_items,
    mean_in_clusters,
    mean_of_items,
    quantile_in_clusters,
)

SETTINGS = Statistics(resamples=500)
RNG = np.random.default_rng(3)
KEYS = [str(i) for i in range(40)]


def test_a_mean_is_scipys_percentile_interval() -> None:
    values = RNG.random((3, 40))
    found = bootstrap(mean_of_items(KEYS, values), SETTINGS)
    expected = stats.bootstrap(
        (values.mean(axis=0),), np.mean, n_resamples=500, method="percentile", rng=np.random.default_rng(0), batch=250
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert (found.n, found.units) == (40, 40)


def test_the_difference_of_a_system_to_itself_is_nothing() -> None:
    one = mean_of_items(KEYS, RNG.random((1, 40)))
    found = bootstrap(one - one, SETTINGS)
    assert (found.low, found.high, found.p) == (0.0, 0.0, 1.0)


def test_p_counts_the_smaller_tail_twice() -> None:
    clear = bootstrap(mean_of_items(KEYS, 1 + RNG.random((1, 40))), SETTINGS)
    assert clear.p == pytest.approx(2 * 1 / 501)


def test_differences_are_paired() -> None:
    noise = RNG.normal(size=40) * 100
    one, two = mean_of_items(KEYS, noise[None] + 1), mean_of_items(KEYS, noise[None])
    found = bootstrap(one - two, SETTINGS)
    assert found.low == pytest.approx(1)
    assert found.high == pytest.approx(1)
    with pytest.raises(InputError, match="same items"):
        bootstrap(one - mean_of_items(KEYS[::-1], noise[None]), SETTINGS)


def test_items_that_go_together_widen_the_interval() -> None:
    values = np.repeat(RNG.random(10), 4)[None]
    clusters = [str(i // 4) for i in range(40)]
    alone, together = (
        bootstrap(mean_of_items(KEYS, values), SETTINGS),
        bootstrap(mean_in_clusters(clusters, values), SETTINGS),
    )
    assert together.high - together.low > 1.5 * (alone.high - alone.low)
    assert (together.n, together.units) == (40, 10)
    assert mean_in_clusters(clusters, values).whole() == pytest.approx(values.mean())


def test_a_cluster_weighs_as_many_items_as_it_has() -> None:
    estimator = mean_in_clusters(["a", "a", "a", "b"], np.array([[0.0, 0.0, 0.0, 1.0]]))
    assert estimator.value(np.array([[0, 1], [1, 1], [0, 0]])) == pytest.approx([0.25, 1.0, 0.0])


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantiles_of_drawn_clusters_are_numpys(quantile: float) -> None:
    values, clusters = RNG.random((2, 30)), np.repeat(np.arange(6), 5)
    estimator = quantile_in_clusters(clusters, values, quantile)
    drawn = np.array([[0, 1, 2, 3, 4, 5], [0, 0, 3, 3, 3, 5]])
    expected = [
        np.mean([np.percentile(np.concatenate([seed[clusters == c] for c in row]), 100 * quantile) for seed in values])
        for row in drawn
    ]
    assert estimator.value(drawn) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("tokens", "hypotheses", "references"),
    [
        ("tibetan", ["བོད་ཡིག་བྲིས་པ་རེད།", "ཁ་ལག་བཟོས།"], ["བོད་ཡིག་བྲིས་སོ།", "ཁ་ལག་བཟོས་པ་རེད།"]),
        ("zh", ["老师今天看书。", "妈妈做饭"], ["老师今天看报。", "妈妈做了饭"]),
    ],
)
def test_statistics_add_up_to_corpus_bleu(tokens: str, hypotheses: list[str], references: list[str]) -> None:
    language = Language(script="Tibetan", excluded_scripts=[], latin_share=1.0, bleu_tokens=tokens)
    statistics = np.array(bleu_with_items(hypotheses, references, language)[1])
    whole = corpus_bleu(hypotheses, references, language).value
    assert bleu_of_sums(statistics.sum(axis=0).tolist()) == pytest.approx(whole, abs=1e-9)
    estimator = corpus_bleu_of_items(["1", "2"], statistics[None])
    assert estimator.whole() == pytest.approx(whole, abs=1e-9)
    first = corpus_bleu(hypotheses[:1], references[:1], language).value
    assert estimator.value(np.array([[0, 0]]))[0] == pytest.approx(
        corpus_bleu(hypotheses[:1] * 2, references[:1] * 2, language).value, abs=1e-9
    )
    assert first > 0


def test_one_item_has_no_interval() -> None:
    found = bootstrap(mean_of_items(["a"], np.array([[1.0]])), SETTINGS)
    assert np.isnan(found.low)
    assert np.isnan(found.p)
