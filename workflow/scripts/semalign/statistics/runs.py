"""What the runs scored, read for tables, statistics and figures.

A run is `base`, `models/<name>` of a model that was trained elsewhere, or `<task>/<model>/<seed>`, and its folder under
the results bears that name. The first two are one run of all tasks and seeds.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from semalign.runtime.files import read_json, read_jsonl
from semalign.statistics.retained import Retained

Figures = dict[str, float | None]


GIVEN = "models/"
"""The prefix of the id of a model that was trained elsewhere."""


def is_alone(model: str) -> bool:
    """Whether the model has one run, shared by all tasks and seeds."""
    return model == "base" or model.startswith(GIVEN)


def name(task: str, model: str, seed: int | None) -> str:
    """The run of a model. The base, and each model that was trained elsewhere, has one for all tasks and seeds."""
    return model if is_alone(model) else f"{task}/{model}/{seed}"


def label(model: str) -> str:
    """What tables and figures call a model."""
    return model.removeprefix(GIVEN)


def answering(models: Iterable[str], task: str, given: Mapping[str, Sequence[str]]) -> list[str]:
    """The models that answer a task. given: the tasks of each that was trained elsewhere."""
    return [model for model in models if task in given.get(model, (task,))]


def figures(results: Path, run: str, task: str, retention: Sequence[Retained] = ()) -> Figures:
    """A run's figures on a task, 0..1, and on benchmarks, under the names of their columns, in their own units.

    None where a figure does not exist: `content` outside the miniature. The task's metrics beyond its primary one
    stand under their own names.
    """
    text = read_json(results / run / "scores" / "text.json")
    similarity = read_json(results / run / "scores" / "similarity.json")[task]
    own = text[task]
    found = {
        "metric": own[own["metric"]]["value"],
        "similarity": similarity["reward"]["value"],
        "similarity_independent": similarity["independent"]["value"],
        "content": own["content"]["value"] if "content" in own else None,
        "chrf": own["chrf"]["value"],
        "bleu_char": own["bleu_char"]["value"],
        "language_consistency": own["language_consistency"],
    } | {name: own[name]["value"] for name in own["metrics"][1:]}
    for benchmark in retention:
        of = kept(results, run, benchmark)
        found |= {column: of[measure] for column, measure in (benchmark.columns | benchmark.aside).items()}
    return found


def kept(results: Path, run: str, benchmark: Retained) -> dict[str, Any]:
    """What a run scored in a benchmark: its measures, n, floor and signature."""
    if benchmark.kind == "extractive":
        content: dict[str, Any] = read_json(results / run / "scores" / "text.json")[benchmark.name]
    else:
        content = read_json(results / run / "retention" / f"{benchmark.name}.json")
    return content


def details(results: Path, run: str, retention: Sequence[Retained] = ()) -> dict[str, Any]:
    """All that was scored, with n, signatures, floors and counts, for a table's sidecar."""
    found = {kind: read_json(results / run / "scores" / f"{kind}.json") for kind in ("text", "similarity")}
    measured = {of.name: kept(results, run, of) for of in retention if of.kind != "extractive"}
    return found | ({"retention": measured} if measured else {})


def metric_name(results: Path, run: str, task: str) -> str:
    """Which figure is the task's own."""
    return metric_names(results, run, task)[0]


def metric_names(results: Path, run: str, task: str) -> list[str]:
    """The task's metrics, its own one first."""
    return list(read_json(results / run / "scores" / "text.json")[task]["metrics"])


def items(results: Path, run: str, task: str) -> pd.DataFrame:
    """A run's figures by test item, indexed by id in the order of the test set: similarity, similarity_independent,
    rouge_l, bleu_statistics, chrf_statistics, functions that give a figure an item and, in the miniature, content."""
    frames = [_by_item(results, run, kind, task) for kind in ("text", "similarity")]
    frame = frames[0].join(frames[1], validate="one_to_one")
    return frame.rename(columns={"reward": "similarity", "independent": "similarity_independent"})


def questions(results: Path, run: str, benchmark: Retained) -> pd.DataFrame:
    """A run's figures in a benchmark by item, indexed by id: group (the passage), its measures, and the columns by
    which they are weighted. Of an extractive one em, f1 and avg, their mean."""
    if benchmark.kind != "extractive":
        rows = list(read_jsonl(results / run / "retention" / f"{benchmark.name}.jsonl"))
        return pd.DataFrame(rows).set_index("id")
    frame = _by_item(results, run, "text", benchmark.name)
    return frame.assign(avg=(frame["em"] + frame["f1"]) / 2)


def apart(results: Path, one: str, two: str, retention: Iterable[Retained]) -> list[str]:
    """The columns of benchmarks by which two runs cannot be compared.

    They are the figures per token, if the models' tokenizers cut the same items into different numbers of tokens.
    """
    found: list[str] = []
    for benchmark in retention:
        if benchmark.per_token:
            first, second = (questions(results, run, benchmark)["tokens"] for run in (one, two))
            found += [] if first.equals(second) else benchmark.per_token
    return found


def tokens(results: Path, run: str) -> dict[str, np.ndarray]:
    """A run's nll, kl and (for the base) noise by token of the fixed passages, and each token's passage."""
    with np.load(results / run / "likelihood.npz") as arrays:
        return dict(arrays)


def likelihood(results: Path, run: str) -> dict[str, Any]:
    """A run's NLL and KL on the fixed passages: mean, median, p10 and p90 of each, n and signature."""
    return read_json(results / run / "likelihood.json")


def _by_item(results: Path, run: str, kind: str, testset: str) -> pd.DataFrame:
    rows = [row for row in read_jsonl(results / run / "scores" / f"{kind}.jsonl") if row["testset"] == testset]
    return pd.DataFrame(rows).drop(columns="testset").set_index("id")
