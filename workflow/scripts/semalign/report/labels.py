"""Labels of the page: models, tasks, and figures with their units."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from semalign.report.request import TaskOf
from semalign.statistics.retained import measure_of
from semalign.statistics.retained import title as benchmark_title

METRICS = {"bleu": "BLEU", "chrf": "chrF++", "rouge_l": "ROUGE-L"}
_MODELS = {
    "base": "base",
    "cold_sft": "cold start",
    "strong_sft": "strong SFT",
    "rl": "RL",
    "gap": "RL − strong SFT",
    "change": "RL − cold start",
    "noise_floor": "noise floor",
    "references": "references",
}


class Named(NamedTuple):
    """A figure: what it is called, its unit, and the decimals shown."""

    title: str
    unit: str
    digits: int


FIGURES = {
    "metric": Named("task metric", "0–1", 4),
    "similarity": Named("similarity", "reward encoder", 4),
    "similarity_independent": Named("similarity", "independent encoder", 4),
    "content": Named("content", "facts told, 0–1", 4),
    "judge_win": Named("judge: wins", "% of items", 1),
    "judge_net": Named("judge: net wins", "% of items", 1),
    "language_consistency": Named("right script", "0–1", 4),
    **{
        f"{kind}_{name}": Named(f"{kind.upper()} {name}", "nats per token", 4)
        for kind in ("nll", "kl")
        for name in ("mean", "median", "p10", "p90")
    },
    "retrieval": Named("exam: retrieval", "lower way, 0–1", 3),
    "spearman": Named("exam: grades", "Spearman", 3),
    "auc": Named("exam: AUC", "lowest", 3),
    "hard_negatives": Named("exam: hard negatives", "lowest share", 3),
    "reward_first": Named("reward at first", "in its own measure", 3),
    "reward_last": Named("reward at last", "in its own measure", 3),
    "length_ratio": Named("length", "of the reference's", 3),
    "distinct_2": Named("distinct bigrams", "0–1", 3),
    "repeated_4grams": Named("repeated 4-grams", "0–1", 3),
    "copied": Named("copied", "from the source, 0–1", 3),
    "duplicates": Named("duplicates", "0–1", 3),
    "off_script": Named("off script", "0–1", 3),
    "empty": Named("empty", "0–1", 3),
    "over_use": Named("over-use", "of one word, 0–1", 3),
    "unused": Named("unused words", "0–1", 3),
    "lost": Named("references with a lost word", "0–1", 3),
    "divergence": Named("divergence", "bits", 3),
    "truncated": Named("cut", "0–1", 3),
    "zero_variance_groups": Named("zero-variance groups", "0–1", 3),
    "reward": Named("reward", "", 3),
    "encoder_gap": Named("encoder gap", "cosine", 3),
}


def known(name: str) -> Named | None:
    """What a figure is called, a benchmark's too; None where it is none of either."""
    measure = measure_of(name)
    return FIGURES.get(name, Named(benchmark_title(name), measure.unit, measure.digits) if measure else None)


def model(name: str) -> str:
    """A model's name in words: `fewshot-rl` is `few-shot from RL`."""
    name = name.removeprefix("models/")
    kind, _, rest = name.partition("-")
    if kind == "fewshot" and rest:
        return f"few-shot from {model(rest)}"
    if kind == "sft" and rest:
        return f"SFT, {rest} pairs"
    if kind == "rl" and rest.startswith("encoder-"):
        return f"RL, rewarded by {rest.removeprefix('encoder-')}"
    if kind == "rl" and rest:
        return f"RL: {rest.replace('_', ' ')}"
    kind, _, strength = name.partition("@")
    if strength:
        return f"RL, step {strength}" if kind == "rl" else f"{method(kind)}, {strength}"
    return _MODELS.get(name, name.replace("_", " "))


def method(name: str) -> str:
    """The name of one of the frontier's methods in words."""
    return {"sft": "SFT", "rl": "RL"}.get(name, name.replace("_", " "))


def metric(name: str) -> str:
    """A metric's name in words; an import path stays as it is."""
    return METRICS.get(name, name.replace("_", " ") if ":" not in name else name)


def figure(name: str) -> Named:
    """What a column of a table is called; a metric's may be of the user's own."""
    return known(name) or Named(metric(name), "0–1" if name in METRICS else "", 4)


def task(entry: TaskOf) -> str:
    """A task's title, with its languages and its metric."""
    languages = dict.fromkeys([entry.source_language, entry.target_language])
    return f"{title(entry)} ({' → '.join(languages)}, {metric(entry.metrics[0])})"


def judge(entry: Mapping[str, Any]) -> str:
    """Who judged, in words. `entry`: the judge's kind and, of a language model, its name."""
    kinds = {"none": "none", "parser": "the generated world's own parser"}
    return kinds.get(entry["kind"], f"{entry.get('model')}, a language model")


def title(entry: TaskOf) -> str:
    """A task's title, as it begins a line."""
    return f"{entry.title[0].upper()}{entry.title[1:]}"
