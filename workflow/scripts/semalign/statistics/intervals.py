"""Which items stand behind a figure of a table, and its bootstrap interval over the test set.

`runs` are one run a seed, or the base alone; a figure is the mean over them.
"""

from collections.abc import Sequence
from math import comb
from pathlib import Path

import numpy as np

from semalign.config.statistics import Statistics
from semalign.statistics import judgements
from semalign.statistics import runs as read
from semalign.statistics.bootstrap import (
    Estimator,
    Interval,
    bootstrap,
    corpus_bleu_of_items,
    corpus_chrf_of_items,
    mean_in_clusters,
    mean_of_items,
    quantile_in_clusters,
)
from semalign.statistics.retained import Retained

OF_CORPUS = {
    "bleu": ("bleu_statistics", corpus_bleu_of_items),
    "chrf": ("chrf_statistics", corpus_chrf_of_items),
}
"""Scores of the whole, from what each item adds to them."""
QUANTILES = {"median": 0.5, "p10": 0.1, "p90": 0.9}


def interval(
    results: Path,
    task: str,
    figure: str,
    runs: list[str],
    minus: list[str] | None,
    settings: Statistics,
    retention: Sequence[Retained] = (),
) -> Interval | None:
    """Interval of a figure, or of its difference to the runs `minus`, paired by seed and item.

    None for a figure that has no value by item (bleu_char, the length of answers, a function's figure of the whole).
    """
    one = estimator(results, task, figure, runs, retention)
    other = estimator(results, task, figure, minus, retention) if minus else None
    if one is None or (minus and other is None):
        return None
    return bootstrap(one - other if other else one, settings)


def estimator(
    results: Path, task: str, figure: str, runs: list[str], retention: Sequence[Retained] = ()
) -> Estimator | None:
    """The figure as a function of the items drawn; None where it has no value by item. `retention`: the benchmarks
    whose columns may be asked for."""
    if figure == "metric":
        figure = read.metric_name(results, runs[0], task)
    for benchmark in retention:
        measure = benchmark.columns.get(figure)
        if measure in benchmark.by_item:
            frames = [read.questions(results, run, benchmark) for run in runs]
            weight = benchmark.weight(measure)
            weights = frames[0][weight].to_numpy(dtype=float) if weight else None
            values = np.stack([frame[measure] for frame in frames])
            return mean_in_clusters(frames[0]["group"].tolist(), values, weights)
    if figure in judgements.FIGURES:
        return _verdicts(results, task, figure, runs)
    kind, _, statistic = figure.partition("_")
    if kind in ("nll", "kl", "noise"):
        return tokens(results, kind, statistic, runs)
    return _items(results, task, figure, runs)


def _items(results: Path, task: str, figure: str, runs: list[str]) -> Estimator | None:
    column, of_corpus = OF_CORPUS.get(figure, (figure, None))
    frames = [read.items(results, run, task) for run in runs]
    if column not in frames[0]:
        return None
    keys = frames[0].index.tolist()
    if of_corpus:
        return of_corpus(keys, np.stack([np.stack(frame[column].to_list()) for frame in frames]))
    return mean_of_items(keys, np.stack([frame[column] for frame in frames]))


def _verdicts(results: Path, task: str, figure: str, runs: list[str]) -> Estimator | None:
    """What the judge says of RL or strong SFT; None of a model that is neither."""
    if not any(f"/{model}/" in runs[0] for model in judgements.OURS.labels):
        return None
    seeds = [int(run.rpartition("/")[2]) for run in runs]
    return judgements.OURS.estimator(results, task, figure, runs[0].split("/")[1], seeds)


def tokens(results: Path, kind: str, statistic: str, runs: list[str]) -> Estimator | None:
    """NLL, KL or noise (kind) of the pooled tokens of the fixed passages, whole passages being drawn."""
    arrays = [read.tokens(results, run) for run in runs]
    if kind not in arrays[0]:
        return None
    values, passages = np.stack([a[kind] for a in arrays]), arrays[0]["passage"]
    if statistic == "mean":
        return mean_in_clusters(passages, values)
    return quantile_in_clusters(passages, values, QUANTILES[statistic])


def about_seeds(seeds: int) -> str:
    """What so many runs of each method can prove about training: the smallest p of an exact rank test, 2/C(2n, n)."""
    smallest = 2 / comb(2 * seeds, seeds)
    if seeds == 1:
        return "One seed proves nothing about training."
    return (
        f"{seeds} seeds alone prove little about training: the smallest two-sided p of a rank test of {seeds} runs "
        f"against {seeds} is {smallest:.2g}."
    )
