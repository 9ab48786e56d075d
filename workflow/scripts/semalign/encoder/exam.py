"""The exam of a sentence encoder: does its similarity follow meaning? A gate before it may serve as a reward.

Three parts, on held-out parallel pairs (source, target) and on probes (reference, candidate) made by data that know
meaning: bitext retrieval, similarity by grade of relatedness, and inequalities on hard negatives.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import scipy

from semalign.config.models import ExamThresholds
from semalign.encoder.exam_set import GRADES, Item, choose_pairs, choose_probes, graded_items, hard_negatives
from semalign.runtime.files import Row
from semalign.text import perturbations

Encode = Callable[[list[str]], np.ndarray]
DECIMALS = 6  # similarities are compared after rounding: float noise decides nothing


def examine(
    encode: Encode,
    pairs: Sequence[Row],
    probes: Iterable[Row],
    training_texts: Iterable[str],
    size: int = 300,
    seed: int = 0,
) -> dict[str, Any]:
    """Examine an encoder; returns the report, a dict for JSON.

    `encode` maps n texts to an array (n, dimension); rows are normalised here. `pairs` have id, group (document),
    source and target; `probes` have kind (one of exam_set.PROBE_KINDS), reference and candidate, in the target
    language. Texts are compared by `perturbations.canonical`: a document of which any text is among `training_texts`
    is left out whole, and so is a probe with such a text; pairs whose source or target was seen before in the exam
    are left out. All are counted. Then documents are drawn (by `seed`) up to `size` pairs.

    retrieval: share of sources whose most similar target is their own, and the reverse, among all pairs.
    grades: similarity of the five GRADES: mean, p10, median, p90. near_identical: a target and itself with shad and
    spaces changed; paraphrase: from probes; clause_replaced: from probes, and targets of several clauses with one taken
    from another document; same_document: a target and another of its document; random: a target and the one of another
    document nearest in length. No grade has more items than there are pairs. A grade for which the data offer nothing
    has n 0 and takes no part in what follows. examples: of each grade, the shortest item in the middle half of its
    similarities. spearman: of similarity with grade over all items, `ceiling` being its value for perfect order (ties
    among grades keep it below 1). auc: for each two neighbouring grades with items, the probability that an item of the
    higher one is more similar, ties counting half.
    unrelated: mean cosine over all (target, target) and (source, target) of different documents.
    inequalities: for each kind of hard negative, the share of items with sim(reference, negative) < sim(reference,
    good), where good is the mean over the reference's paraphrases among the probes or, if there is none, its
    near_identical variant; `against_paraphrase` of the n items have the former. margin is the mean difference.
    number_swapped, name_swapped and negated come from probes (digits are also swapped in targets); reordered,
    repeated_twice, source_copied, truncated and code_mixed are made from the pairs. Mean pooling hardly sees a text
    repeated, and a cross-lingual encoder is meant to put the source beside the reference: those two can be low in a
    good encoder, and only the language reward catches a copied source.

    Raises InputError on a missing column, an unknown kind, or fewer than two documents left.
    """
    seen = {perturbations.canonical(text) for text in training_texts}
    chosen, pair_counts = choose_pairs(pairs, seen, size, seed)
    usable, probe_counts = choose_probes(probes, seen)
    rng = random.Random(seed)
    graded = graded_items(chosen, usable, rng)
    negatives = hard_negatives(chosen, usable, rng)
    paraphrases = [probe for probe in usable if probe.kind == "paraphrase"]
    similar = _Similarities(encode, _texts(chosen, graded, negatives, {"paraphrase": paraphrases}))
    report = {"pairs": pair_counts, "probes": probe_counts, "retrieval": _retrieval(similar, chosen)}
    similarities = {grade: similar.of(items) for grade, items in graded.items()}
    report |= _grade_report(similarities)
    report["examples"] = {grade: _example(items, similarities[grade]) for grade, items in graded.items()}
    report["unrelated"] = _unrelated(similar, chosen)
    report["inequalities"] = {kind: _inequality(similar, items, paraphrases) for kind, items in negatives.items()}
    report["signature"] = f"cosine|decimals:{DECIMALS}|seed:{seed}|size:{size}|scipy:{scipy.__version__}"
    return report


class _Similarities:
    """Each distinct text of the exam encoded once, with the cosine of any two."""

    def __init__(self, encode: Encode, texts: Iterable[str]) -> None:
        distinct = sorted(set(texts))
        embeddings = np.asarray(encode(distinct), dtype=np.float64)
        self._rows = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
        self._index = {text: row for row, text in enumerate(distinct)}

    def matrix(self, a: Sequence[str], b: Sequence[str]) -> np.ndarray:
        return np.round(self._take(a) @ self._take(b).T, DECIMALS)

    def of(self, items: Sequence[Item]) -> np.ndarray:
        a, b = self._take([i.reference for i in items]), self._take([i.candidate for i in items])
        return np.round(np.einsum("ij,ij->i", a, b), DECIMALS)

    def _take(self, texts: Sequence[str]) -> np.ndarray:
        return self._rows[[self._index[text] for text in texts]]


def _texts(pairs: Sequence[Row], *collections: dict[str, list[Item]]) -> Iterable[str]:
    for pair in pairs:
        yield pair["source"]
        yield pair["target"]
    for collection in collections:
        for items in collection.values():
            for item in items:
                yield item.reference
                yield item.candidate
                yield perturbations.respace(item.reference)


def _retrieval(similar: _Similarities, pairs: Sequence[Row]) -> dict[str, float | int]:
    matrix = similar.matrix([p["source"] for p in pairs], [p["target"] for p in pairs])
    own = np.diagonal(matrix)
    np.fill_diagonal(others := matrix.copy(), -np.inf)  # a tie with another pair is not a find
    return {
        "n": len(pairs),
        "source_to_target": float(np.mean(own > others.max(axis=1))),
        "target_to_source": float(np.mean(own > others.max(axis=0))),
    }


def _unrelated(similar: _Similarities, pairs: Sequence[Row]) -> dict[str, float | int]:
    groups = np.array([p["group"] for p in pairs])
    apart = groups[:, None] != groups[None, :]
    sources, targets = [p["source"] for p in pairs], [p["target"] for p in pairs]
    return {
        "n": int(apart.sum()),
        "target_target": float(similar.matrix(targets, targets)[apart].mean()),
        "source_target": float(similar.matrix(sources, targets)[apart].mean()),
    }


def _grade_report(values: dict[str, np.ndarray]) -> dict[str, Any]:
    present = [grade for grade in GRADES if len(values[grade])]
    level = np.concatenate([np.full(len(values[grade]), -GRADES.index(grade)) for grade in present])
    similarity = np.concatenate([values[grade] for grade in present])
    return {
        "grades": {grade: {"n": len(values[grade])} | _spread(values[grade]) for grade in GRADES},
        "spearman": {
            "n": len(level),
            "value": _spearman(level, similarity),
            "ceiling": _spearman(level, np.argsort(np.argsort(level, kind="stable"), kind="stable")),
        },
        "auc": [
            {"higher": a, "lower": b, "n": [len(values[a]), len(values[b])], "auc": _auc(values[a], values[b])}
            for a, b in pairwise(present)
        ],
    }


def _spread(values: np.ndarray) -> dict[str, float | None]:
    names = ("mean", "p10", "median", "p90")
    if not len(values):
        return dict.fromkeys(names)
    figures = [values.mean(), *np.percentile(values, [10, 50, 90])]
    return {name: float(figure) for name, figure in zip(names, figures, strict=True)}


def _example(items: Sequence[Item], values: np.ndarray) -> Row | None:
    if not items:
        return None
    low, high = np.percentile(values, [25, 75], method="nearest")
    middling = [(item, value) for item, value in zip(items, values, strict=True) if low <= value <= high]
    item, value = min(middling, key=lambda pair: (len(pair[0].reference) + len(pair[0].candidate), pair[0]))
    return {"reference": item.reference, "candidate": item.candidate, "similarity": float(value)}


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    if np.ptp(b) == 0:
        return 0.0  # an encoder that finds all alike orders nothing
    return float(scipy.stats.spearmanr(a, b).statistic)


def _auc(higher: np.ndarray, lower: np.ndarray) -> float:
    return float(scipy.stats.mannwhitneyu(higher, lower).statistic / (len(higher) * len(lower)))


def _inequality(similar: _Similarities, items: list[Item], paraphrases: list[Item]) -> dict[str, Any]:
    if not items:
        return {"n": 0, "against_paraphrase": 0, "share": None, "mean": None, "margin": None}
    said_otherwise: dict[str, list[float]] = defaultdict(list)
    for item, value in zip(paraphrases, similar.of(paraphrases), strict=True):
        said_otherwise[item.reference].append(value)
    respaced = similar.of([Item("", i.reference, perturbations.respace(i.reference)) for i in items])
    good = np.array(
        [
            np.mean(said_otherwise[i.reference]) if i.reference in said_otherwise else s
            for i, s in zip(items, respaced, strict=True)
        ]
    )
    bad = similar.of(items)
    return {
        "n": len(items),
        "against_paraphrase": sum(i.reference in said_otherwise for i in items),
        "share": float(np.mean(bad < np.round(good, DECIMALS))),
        "mean": float(bad.mean()),
        "margin": float((good - bad).mean()),
    }


def shortfalls(report: dict[str, Any], thresholds: ExamThresholds) -> list[str]:
    """Every part of the exam below its threshold, with its figure and the threshold.

    A part for which the data offered nothing (n 0) has no figure and is not held against the encoder.
    """
    retrieval = report["retrieval"]
    figures: list[tuple[str, float | None, float]] = [
        (f"retrieval.{way}", retrieval[way], thresholds.retrieval) for way in ("source_to_target", "target_to_source")
    ]
    figures.append(("spearman", report["spearman"]["value"], thresholds.spearman))
    figures += [(f"auc of {e['higher']} over {e['lower']}", e["auc"], thresholds.auc) for e in report["auc"]]
    figures += [
        (f"inequality.{kind}", report["inequalities"][kind]["share"], threshold)
        for kind, threshold in thresholds.inequality.items()
    ]
    return [
        f"{name} is {value:.3f}, its threshold {threshold:.3f}"
        for name, value, threshold in figures
        if value is not None and value < threshold
    ]
