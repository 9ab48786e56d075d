"""Tests of RL against strong SFT and against its cold start, each on one test set.

A row's seed is a number, for one pair of runs, or `all`: the figures of an item averaged over the seeds. `all` is never
made by pooling the seeds' items, which are the same items several times.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass as validated
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from semalign.config.data import Language
from semalign.config.statistics import Statistics
from semalign.metrics.bleu import paired_bootstrap
from semalign.metrics.predictions import join
from semalign.statistics import runs
from semalign.statistics.bootstrap import Estimator, bootstrap
from semalign.statistics.comparison_notes import declared
from semalign.statistics.intervals import estimator
from semalign.statistics.judgements import OURS, Pair
from semalign.statistics.retained import Retained

PAIRS = [("rl", "strong_sft"), ("rl", "cold_sft")]
BY_BOOTSTRAP = ["metric", "content"]
BY_RANKS = ["similarity", "similarity_independent"]
COLUMNS = [
    "task",
    "a",
    "b",
    "measure",
    "seed",
    "test",
    "mean_a",
    "mean_b",
    "difference",
    "low",
    "high",
    "statistic",
    "effect",
    "effect_name",
    "p",
    "p_holm",
    "n",
    "units",
    "primary",
]


@validated(frozen=True)
class Request:
    """What is compared.

    languages: the target language of each task whose primary metric is BLEU. retention: the benchmarks, the primary one
    first. given: the tasks of each model that was trained elsewhere, which is compared with the base and, where it is
    trained, with RL. opponents: whom the judge compares each of these with.
    """

    results: Path
    tasks: list[str]
    seeds: list[int]
    languages: dict[str, Language]
    statistics: Statistics
    judged: bool
    forgetting: bool
    retention: list[Retained]
    trained: bool = True
    given: dict[str, list[str]] = field(default_factory=dict)
    opponents: dict[str, list[str]] = field(default_factory=dict)

    def pairs(self, task: str) -> list[tuple[str, str]]:
        """The models of a task that are compared, a less b."""
        others = runs.answering(self.given, task, self.given)
        trained = [*PAIRS, *(("rl", model) for model in others)] if self.trained else []
        return [*trained, *((model, "base") for model in others)]

    def judged_pairs(self, task: str) -> list[tuple[str, str, Pair]]:
        """The models of a task that the judge compared, a less b. RL is a, as in all other tests."""
        if not self.judged:
            return []
        found = [
            ("rl", model, Pair("rl", model)) if other == "rl" else (model, other, Pair(other, model))
            for model in runs.answering(self.given, task, self.given)
            for other in self.opponents.get(model, [])
            if task in self.given.get(other, [task])
        ]
        return [*([("rl", "strong_sft", OURS)] if self.trained else []), *found]


def compare(request: Request) -> pd.DataFrame:
    """Every comparison, one row each, the declared ones first."""
    rows = []
    for task in request.tasks:
        for a, b in request.pairs(task):
            rows += _Comparison(request, task, a, b).rows()
        for a, b, pair in request.judged_pairs(task):
            rows += _Comparison(request, task, a, b).judged(pair)
    frame = pd.DataFrame(rows, columns=COLUMNS)
    named = [(item.task, measure) for item, measure in declared(request.statistics, request.retention)]
    of_all = (frame["seed"] == "all") & (frame["a"] == "rl") & (frame["b"] == "strong_sft")
    frame["primary"] = of_all & pd.MultiIndex.from_frame(frame[["task", "measure"]]).isin(named)
    primary = frame["primary"] & frame["p"].notna()
    if primary.any():
        # a declared comparison that was not measured still counts: it was looked for
        p = frame.loc[primary, "p"].to_numpy(dtype=float)
        family = np.concatenate([p, np.ones(len(named) - len(p))])
        frame.loc[primary, "p_holm"] = multipletests(family, method="holm")[1][: len(p)]
    return frame.sort_values("primary", ascending=False, kind="stable", ignore_index=True)


@dataclass
class _Comparison:
    request: Request
    task: str
    a: str
    b: str
    found: list[dict[str, Any]] = field(default_factory=list)

    def rows(self) -> list[dict[str, Any]]:
        first = runs.name(self.task, self.a, self.request.seeds[0])
        further = runs.metric_names(self.request.results, first, self.task)[1:]
        kept = [benchmark.main for benchmark in self.request.retention]
        tokens = ["nll_mean", "kl_mean"] if self.request.forgetting else []
        for measure in [BY_BOOTSTRAP[0], *further, *BY_BOOTSTRAP[1:], *kept, *tokens]:
            self._bootstrap(measure)
        for measure in BY_RANKS:
            self._ranks(measure)
        for benchmark in self.request.retention:
            for seed, of, less in self._seeds() if benchmark.exact else ():
                if seed != "all" or runs.is_alone(self.a):
                    self._mcnemar(benchmark, str(benchmark.exact), seed, of[0], less[0])
        return self.found

    def _seeds(self) -> list[tuple[str, list[str], list[str]]]:
        """(name, runs of a, runs of b) of each seed and of all; of two models that are one run each, of that pair."""
        if runs.is_alone(self.a) and runs.is_alone(self.b):
            return [("all", [self.a], [self.b])]
        of = [runs.name(self.task, self.a, seed) for seed in self.request.seeds]
        less = [runs.name(self.task, self.b, seed) for seed in self.request.seeds]
        single = [(str(seed), [one], [two]) for seed, one, two in zip(self.request.seeds, of, less, strict=True)]
        return [*single, ("all", of, less)]

    def _add(self, measure: str, seed: str, test: str, **figures: Any) -> None:
        models = {"a": runs.label(self.a), "b": runs.label(self.b)}
        names = {"task": self.task} | models | {"measure": measure, "seed": seed, "test": test}
        self.found.append(names | figures)

    def _bootstrap(self, measure: str) -> None:
        for seed, of, less in self._seeds():
            one, two = (
                estimator(self.request.results, self.task, measure, names, self.request.retention)
                for names in (of, less)
            )
            if one is None or two is None or not self._alike(measure, one, two, of[0], less[0]):
                return
            found = bootstrap(one - two, self.request.statistics)
            clustered = found.units < found.n
            figures: dict[str, Any] = {
                "mean_a": one.whole(),
                "mean_b": two.whole(),
                "difference": one.whole() - two.whole(),
                "low": found.low,
                "high": found.high,
                "p": found.p,
                "n": found.n,
                "units": found.units,
            }
            test = "paired bootstrap of passages" if clustered else "paired bootstrap of items"
            if measure == "metric" and seed != "all" and self.task in self.request.languages:
                figures["p"], test = self._sacrebleu(of[0], less[0]), "sacrebleu paired bootstrap (p)"
            self._add(measure, seed, test, **figures)

    def _alike(self, measure: str, one: Estimator, two: Estimator, of: str, less: str) -> bool:
        """Are both of the same units? Tokens of a model with another tokenizer are not those of another."""
        if measure in runs.apart(self.request.results, of, less, self.request.retention):
            return False
        return not measure.startswith(("nll_", "kl_")) or (one.keys == two.keys and one.n == two.n)

    def _sacrebleu(self, one: str, two: str) -> float:
        test = str(self.request.results / "data" / self.task / "test.jsonl")
        rows = [join(self.request.results / run / "predictions.jsonl", [test])[self.task] for run in (one, two)]
        outputs = [[row["output"] for row in answers] for answers in rows]
        references = [row["target"] for row in rows[0]]
        language = self.request.languages[self.task]
        return paired_bootstrap(outputs[0], outputs[1], references, language, self.request.statistics.resamples)

    def _ranks(self, measure: str) -> None:
        """Wilcoxon's signed ranks, zero differences dropped, and the matched-pairs rank-biserial correlation."""
        for seed, of, less in self._seeds():
            one, two = (
                np.mean([runs.items(self.request.results, run, self.task)[measure] for run in names], axis=0)
                for names in (of, less)
            )
            d = np.round(one - two, 6)  # the same text in another batch differs in the seventh digit
            d_left = d[d != 0]
            figures: dict[str, Any] = {
                "mean_a": one.mean(),
                "mean_b": two.mean(),
                "difference": d.mean(),
                "n": len(d),
                "units": len(d_left),
                "effect_name": "rank-biserial",
                "effect": rank_biserial(d_left),
            }
            if len(d_left):
                result = stats.wilcoxon(d_left)
                figures |= {"statistic": float(result.statistic), "p": float(result.pvalue)}
            self._add(measure, seed, "Wilcoxon signed-rank", **figures)

    def _mcnemar(self, benchmark: Retained, measure: str, seed: str, of: str, less: str) -> None:
        one, two = (runs.questions(self.request.results, run, benchmark)[measure].to_numpy() > 0 for run in (of, less))
        table = [[(one & two).sum(), (one & ~two).sum()], [(~one & two).sum(), (~one & ~two).sum()]]
        result = mcnemar(table, exact=True)
        figures = {
            "mean_a": 100 * one.mean(),
            "mean_b": 100 * two.mean(),
            "difference": 100 * (one.mean() - two.mean()),
            "statistic": float(result.statistic),
            "p": float(result.pvalue),
            "n": len(one),
            "units": int(table[0][1] + table[1][0]),
        }
        self._add(benchmark.column(measure), seed, "McNemar, exact", **figures)

    def judged(self, pair: Pair) -> list[dict[str, Any]]:
        """Wins less losses in percent: a bootstrap over items, and the sign test of the decided ones."""
        where = self.request.results, self.task
        by_seed = {"all": self.request.seeds} if pair.alone else {str(seed): [seed] for seed in self.request.seeds}
        for name, seeds in (by_seed | {"all": self.request.seeds}).items():
            net, *wins = (
                pair.estimator(*where, figure, model, seeds)
                for figure, model in (("judge_net", self.a), ("judge_win", self.a), ("judge_win", self.b))
            )
            if net is None or wins[0] is None or wins[1] is None:
                return self.found
            found = bootstrap(net, self.request.statistics)
            figures: dict[str, Any] = {
                "mean_a": wins[0].whole(),
                "mean_b": wins[1].whole(),
                "difference": net.whole(),
                "low": found.low,
                "high": found.high,
                "n": found.n,
                "units": found.units,
            }
            self._add("judge_net", name, "bootstrap of items", **figures, p=found.p)
            if name != "all" or pair.alone:
                [rows] = pair.verdicts(*where, seeds)
                won, decided = (sum(row["winner"] in of for row in rows) for of in ({pair.winner(self.a)}, {1, 2}))
                p = float(stats.binomtest(won, decided).pvalue) if decided else None
                figures |= {"low": None, "high": None, "units": decided, "statistic": won}
                self._add("judge_net", name, "sign test, exact", **figures, p=p)
        return self.found


def rank_biserial(differences: np.ndarray) -> float:
    """Matched-pairs rank-biserial correlation: (W⁺ − W⁻)/(W⁺ + W⁻) of the non-zero differences, −1 to 1; 0 for none."""
    if not len(differences):
        return 0.0
    ranks = stats.rankdata(np.abs(differences))
    return float((ranks * np.sign(differences)).sum() / ranks.sum())
