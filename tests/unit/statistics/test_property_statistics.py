"""Figures of drawn clusters and rank correlation against the standard library, exact fractions and counts."""

import math
import random
import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.config.data import Language
from semalign.metrics.bleu import bleu_with_items, corpus_bleu
from semalign.statistics.bootstrap import (
    corpus_bleu_of_items,
    mean_in_clusters,
    quantile_in_clusters,
)
from semalign.statistics.comparisons import rank_biserial

few = settings(max_examples=40, deadline=None)
WHOLE = st.integers(-50, 50)


@st.composite
def grids(draw: st.DrawFn, least: int = 2, most: int = 8) -> np.ndarray:
    """Figures (seeds, items)."""
    seeds, items = draw(st.integers(1, 3)), draw(st.integers(least, most))
    return np.array(draw(st.lists(st.lists(WHOLE, min_size=items, max_size=items), min_size=seeds, max_size=seeds)))


@st.composite
def clustered(draw: st.DrawFn) -> tuple[list[str], np.ndarray, list[list[int]]]:
    """Clusters of items in any order, figures (seeds, items), and draws of as many clusters as there are."""
    values = draw(grids(1, 10))
    names = draw(st.lists(st.sampled_from("abcd"), min_size=values.shape[1], max_size=values.shape[1]))
    there = len(set(names))
    drawn = draw(st.lists(st.lists(st.integers(0, there - 1), min_size=there, max_size=there), min_size=1, max_size=4))
    return names, values, drawn


def pooled(names: list[str], seed: np.ndarray, row: list[int]) -> list[int]:
    """The figures of all items of the drawn clusters, as often as each was drawn."""
    order = sorted(set(names))
    return [int(value) for place in row for name, value in zip(names, seed, strict=True) if name == order[place]]


@few
@given(clustered())
def test_a_drawn_cluster_brings_all_its_items(case: tuple[list[str], np.ndarray, list[list[int]]]) -> None:
    names, values, drawn = case
    estimator = mean_in_clusters(names, values)
    expected = [statistics.fmean([statistics.fmean(pooled(names, seed, row)) for seed in values]) for row in drawn]
    assert estimator.value(np.array(drawn)).tolist() == pytest.approx(expected)
    assert estimator.whole() == pytest.approx(statistics.fmean(values.ravel().tolist()))
    assert (estimator.n, len(estimator.keys)) == (len(names), len(set(names)))


@few
@given(clustered(), st.integers(0, 20))
def test_quantiles_of_drawn_clusters_are_those_of_their_items(
    case: tuple[list[str], np.ndarray, list[list[int]]], twentieths: int
) -> None:
    names, values, drawn = case

    def quantile(figures: list[int]) -> float:
        ordered = sorted(figures)
        place = Fraction(twentieths, 20) * (len(ordered) - 1)
        low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
        return float(low + (place - math.floor(place)) * (high - low))

    estimator = quantile_in_clusters(np.array(names), values, twentieths / 20)
    expected = [statistics.fmean([quantile(pooled(names, seed, row)) for seed in values]) for row in drawn]
    assert estimator.value(np.array(drawn)).tolist() == pytest.approx(expected, abs=1e-6)
    assert estimator.whole() == pytest.approx(statistics.fmean([quantile(seed.tolist()) for seed in values]), abs=1e-6)


BLEU_TEXTS = st.lists(
    st.tuples(*[st.lists(st.sampled_from("ཀཁགང"), min_size=1, max_size=7).map("་".join)] * 2), min_size=2, max_size=4
)


@few
@given(BLEU_TEXTS, st.randoms(use_true_random=False))
def test_bleu_of_drawn_items_is_bleu_of_their_texts(pairs: list[tuple[str, str]], order: random.Random) -> None:
    language = Language(script="Tibetan", excluded_scripts=[], latin_share=1.0, bleu_tokens="tibetan")
    hypotheses, references = map(list, zip(*pairs, strict=True))
    estimator = corpus_bleu_of_items(
        [str(n) for n in range(len(pairs))], np.array(bleu_with_items(hypotheses, references, language)[1])[None]
    )
    drawn = [[order.randrange(len(pairs)) for _ in pairs] for _ in range(3)]
    expected = [
        corpus_bleu([hypotheses[n] for n in row], [references[n] for n in row], language).value for row in drawn
    ]
    assert estimator.value(np.array(drawn)).tolist() == pytest.approx(expected, abs=1e-9)


@few
@given(st.lists(WHOLE.filter(bool), max_size=12), st.integers(1, 9))
def test_rank_biserial_is_the_balance_of_pairs(differences: list[int], scale: int) -> None:
    # W+ - W- is the number of pairs (i ≤ j) whose sum is positive, less those whose sum is negative
    sums = [a + b for n, a in enumerate(differences) for b in differences[n:]]
    balance = sum(s > 0 for s in sums) - sum(s < 0 for s in sums)
    d = np.array(differences, dtype=float)
    assert rank_biserial(d) == pytest.approx(balance / len(sums) if sums else 0.0)
    assert rank_biserial(-d) == pytest.approx(-rank_biserial(d))
    assert rank_biserial(d * scale) == pytest.approx(rank_biserial(d))
