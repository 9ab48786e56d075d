"""Intervals, ranks and Holm against the standard library, exact fractions and symmetry."""

import math
import random
import statistics
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.config.data import Language
from semalign.config.statistics import Statistics
from semalign.metrics.bleu import bleu_with_items, corpus_bleu
from semalign.statistics import comparisons
from semalign.statistics.bootstrap import (
    Estimator,
    bootstrap,
    corpus_bleu_of_items,
    mean_in_clusters,
    mean_of_items,
    quantile_in_clusters,
)
from semalign.statistics.comparisons import compare, rank_biserial
from tests.unit.drawn import TASKS, bounds, measured, scored
from tests.unit.scored import CMRC

few = settings(max_examples=40, deadline=None)
FEW_RESAMPLES = Statistics(resamples=100)
WHOLE = st.integers(-50, 50)


@st.composite
def grids(draw: st.DrawFn, least: int = 2, most: int = 8) -> np.ndarray:
    """Figures (seeds, items)."""
    seeds, items = draw(st.integers(1, 3)), draw(st.integers(least, most))
    return np.array(draw(st.lists(st.lists(WHOLE, min_size=items, max_size=items), min_size=seeds, max_size=seeds)))


def keys(values: np.ndarray) -> list[str]:
    return [f"i{n}" for n in range(values.shape[1])]


def mean(values: np.ndarray) -> Estimator:
    return mean_of_items(keys(values), values)


# Intervals


@few
@given(grids())
def test_an_interval_holds_the_estimate_and_stays_among_the_values(values: np.ndarray) -> None:
    found = bootstrap(mean(values), FEW_RESAMPLES)
    by_item = [statistics.fmean(column) for column in values.T.tolist()]
    assert mean(values).whole() == pytest.approx(statistics.fmean(by_item))
    assert min(by_item) - 1e-9 <= found.low <= mean(values).whole() + 1e-9
    assert mean(values).whole() - 1e-9 <= found.high <= max(by_item) + 1e-9
    assert (found.n, found.units) == (len(by_item), len(by_item))


@few
@given(grids(), WHOLE, st.sampled_from([1, 2, 8]))  # powers of two, which round nothing
def test_an_interval_moves_and_grows_with_its_figures(values: np.ndarray, shift: int, scale: int) -> None:
    low, high = bounds(bootstrap(mean(values), FEW_RESAMPLES))
    assert bounds(bootstrap(mean(values + shift), FEW_RESAMPLES)) == pytest.approx((low + shift, high + shift))
    larger = bootstrap(mean(values * scale), FEW_RESAMPLES)
    assert bounds(larger) == pytest.approx((low * scale, high * scale), abs=1e-9)
    mirrored = bootstrap(mean(-values), FEW_RESAMPLES)
    assert bounds(mirrored) == pytest.approx((-high, -low), abs=1e-9)
    assert mirrored.p == larger.p == bootstrap(mean(values), FEW_RESAMPLES).p


@few
@given(grids(), st.integers(1, 98), st.integers(1, 98))
def test_more_confidence_is_a_wider_interval(values: np.ndarray, one: int, two: int) -> None:
    narrow, wide = (
        bootstrap(mean(values), Statistics(resamples=100, confidence=percent / 100)) for percent in sorted((one, two))
    )
    assert wide.low <= narrow.low + 1e-9
    assert narrow.high <= wide.high + 1e-9
    assert wide.p == narrow.p


@few
@given(grids(), st.integers(2, 60), st.integers(0, 5))
def test_p_is_never_nothing_and_never_more_than_one(values: np.ndarray, resamples: int, seed: int) -> None:
    asked = Statistics(resamples=resamples, seed=seed)
    p = bootstrap(mean(values), asked).p
    assert min(1.0, 2 / (resamples + 1)) <= p <= 1.0
    tail = p * (resamples + 1) / 2  # whole resamples were counted
    assert p == 1.0 or tail == pytest.approx(round(tail))
    by_item = values.mean(axis=0)
    if (by_item > 0).all() or (by_item < 0).all():
        assert p == min(1.0, 2 / (resamples + 1))
    if (by_item == 0).all():
        assert p == 1.0


@few
@given(grids(), st.randoms(use_true_random=False))
def test_a_difference_is_paired_and_turns_with_its_sides(values: np.ndarray, order: random.Random) -> None:
    other = np.array([[order.randint(-9, 9) for _ in range(values.shape[1])]])
    one, two = mean(values), mean(other)
    ahead, back = bootstrap(one - two, FEW_RESAMPLES), bootstrap(two - one, FEW_RESAMPLES)
    assert bounds(back) == pytest.approx((-ahead.high, -ahead.low), abs=1e-9)
    assert back.p == ahead.p
    # paired: it is the interval of the items' own differences
    direct = bootstrap(mean(values.mean(axis=0)[None] - other), FEW_RESAMPLES)
    assert bounds(direct) == pytest.approx(bounds(ahead), abs=1e-9)
    assert (one - two).whole() == pytest.approx(one.whole() - two.whole())


@few
@given(grids(), st.integers(1, 4), st.integers(0, 9))
def test_seeds_that_agree_are_as_one_seed(values: np.ndarray, times: int, seed: int) -> None:
    asked = Statistics(resamples=50, seed=seed)
    alone, many = bootstrap(mean(values[:1]), asked), bootstrap(mean(np.repeat(values[:1], times, axis=0)), asked)
    assert bounds(alone) == pytest.approx(bounds(many))


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


# Rank-biserial correlation, Holm


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


def holm(p: list[float]) -> list[float]:
    """Step by step: the smallest p times their number, the next times one less, never falling, at most 1."""
    adjusted, least = [0.0] * len(p), 0.0
    for step, place in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        least = max(least, min(1.0, p[place] * (len(p) - step)))
        adjusted[place] = least
    return adjusted


DECLARED = st.lists(
    st.sampled_from([(task, measure) for task in TASKS for measure in ("cmrc_avg", "judge_net")]),
    min_size=1,
    max_size=4,
    unique=True,
)


@settings(max_examples=3, deadline=None)
@given(figures=measured(), declared=DECLARED)
def test_declared_comparisons_and_they_alone_are_adjusted(
    tmp_path_factory: pytest.TempPathFactory, figures: dict[tuple[str, str, int], list[float]], declared: list[Any]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    asked = {"resamples": 30, "primary": [{"task": task, "measure": measure} for task, measure in declared]}
    request = comparisons.Request(
        folder, list(TASKS), scored(folder, figures), {}, Statistics.model_validate(asked), True, True, [CMRC]
    )
    rows = compare(request)
    primary = rows[rows["primary"]]
    assert set(zip(primary["task"], primary["measure"], strict=True)) == set(declared)
    assert len(primary) == len(declared)
    assert set(primary["seed"]) == {"all"}
    assert primary["p_holm"].tolist() == pytest.approx(holm(primary["p"].tolist()))
    assert (primary["p_holm"] >= primary["p"] - 1e-12).all()
    assert rows[~rows["primary"]]["p_holm"].isna().all()
    known = rows["p"].dropna()
    assert ((known > 0) & (known <= 1)).all()
    both = rows[rows["mean_a"].notna()]
    differences = (both["mean_a"] - both["mean_b"]).tolist()
    assert both["difference"].tolist() == pytest.approx(differences, abs=2e-6)
    assert ((rows["low"] <= rows["high"] + 1e-9) | rows["low"].isna()).all()
