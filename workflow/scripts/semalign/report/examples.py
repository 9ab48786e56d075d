"""Test items side by side: source, reference, what each method answered, how it scored, and what the judge said."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from semalign.config.names import TaskName
from semalign.metrics.bleu import bleu_of_sums, chrf_of_sums
from semalign.metrics.predictions import join
from semalign.report import labels
from semalign.report.grids import given, number
from semalign.report.request import Request
from semalign.report.wording import Piece, gloss, pieces
from semalign.runtime.files import Row, read_jsonl
from semalign.statistics import runs
from semalign.statistics.judgements import OURS, Pair

Figures = dict[str, float]
OUTCOMES = {0: "tie", 1: "strong SFT", 2: "RL", None: "no verdict"}
"""Of RL against strong SFT, by which examples can be chosen."""


@dataclass(frozen=True)
class Answer:
    """What a model answered: the text, where it departs from the reference, what it says, and its figures by name."""

    model: str
    text: str
    pieces: list[Piece]
    gloss: str
    scores: dict[str, float]
    shown: list[tuple[str, str]]


@dataclass(frozen=True)
class Verdict:
    """Of which two models, whom the judge preferred, what else is to be said, and its reasons where it gives any:
    (order, words)."""

    of: str
    outcome: str
    why: str
    reasons: list[tuple[str, str]]


@dataclass(frozen=True)
class Example:
    task: str
    id: str
    why: str
    source: str
    source_language: str
    source_gloss: str
    reference: str
    reference_gloss: str
    target_language: str
    answers: list[Answer]
    verdicts: list[Verdict]

    @property
    def outcome(self) -> str:
        """Of RL against strong SFT; empty where these were not compared."""
        return next((verdict.outcome for verdict in self.verdicts if verdict.of == _title(OURS)), "")


@dataclass(frozen=True)
class Chosen:
    """A task's examples, how many items it has, and the names of the figures in order."""

    task: str
    title: str
    items: int
    drawn: int
    contrasts: int
    examples: list[Example]


def seed_shown(request: Request) -> int:
    """The run whose answers are shown: the first seed's."""
    return request.seeds[0]


def choose(request: Request, generated: bool) -> list[Chosen]:
    """Each task's examples: some drawn by the seed, then those on which RL and strong SFT differ most. Tasks of which
    no model has answered are left out. `generated`: the texts are the world's own, which has a gloss for them."""
    return [_of_task(request, task, generated) for task in request.tasks if models_of(request, task)]


def models_of(request: Request, task: TaskName) -> list[str]:
    """The models whose answers to the task are there, with their scores; none where only the base has answered."""
    files = ("predictions.jsonl", "scores/text.jsonl", "scores/similarity.jsonl")
    models = runs.answering(request.models, task, request.given)
    folders = {model: request.results / runs.name(task, model, seed_shown(request)) for model in models}
    found = [model for model, folder in folders.items() if all((folder / file).is_file() for file in files)]
    return found if found != ["base"] else []


def scores_of(request: Request) -> dict[str, str]:
    """{figure: what it is called} of those by which examples can be sorted."""
    metrics = " / ".join(dict.fromkeys(labels.metric(entry.metrics[0]) for entry in request.tasks.values()))
    named = {
        "independent": "similarity, independent encoder",
        "reward": "similarity, reward encoder",
        "metric": metrics,
    }
    content = any("content" in _items(request, t, of[0]) for t in request.tasks if (of := models_of(request, t)))
    return named | ({"content": "content"} if content else {})


def _items(request: Request, task: TaskName, model: str) -> pd.DataFrame:
    return runs.items(request.results, runs.name(task, model, seed_shown(request)), task)


def _of_task(request: Request, task: TaskName, generated: bool) -> Chosen:
    entry = request.tasks[task]
    test = request.results / "data" / task / "test.jsonl"
    seed = seed_shown(request)
    outputs, figures = {}, {}
    models = models_of(request, task)
    for model in models:
        run = runs.name(task, model, seed)
        outputs[model] = {
            row["id"]: row for row in join(request.results / run / "predictions.jsonl", [str(test)])[task]
        }
        figures[model] = _figures(_items(request, task, model), entry.metrics[0])
    ids = list(outputs[models[0]])
    drawn, contrasts = _chosen(request, task, ids, figures)
    verdicts = _verdicts(request, task, models)
    told: dict[str, Callable[[str], str]] = {
        language: partial(gloss, language=language) if generated else lambda text: "" for language in entry.languages
    }
    found = []
    for name, why in [*((name, "drawn") for name in drawn), *((name, "contrast") for name in contrasts)]:
        item = outputs[models[0]][name]
        answers = [
            _answer(
                model,
                outputs[model][name]["output"],
                item["target"],
                told[entry.target_language],
                figures[model][name],
                entry.metrics[0],
            )
            for model in models
        ]
        found.append(
            Example(
                task=task,
                id=name,
                why=why,
                source=item["source"],
                source_language=entry.source_language,
                source_gloss=told[entry.source_language](item["source"]),
                reference=item["target"],
                reference_gloss=told[entry.target_language](item["target"]),
                target_language=entry.target_language,
                answers=answers,
                verdicts=[_verdict(pair, rows.get(name), request, answers) for pair, rows in verdicts],
            )
        )
    return Chosen(task, labels.task(entry), len(ids), len(drawn), len(contrasts), found)


def _figures(items: pd.DataFrame, metric: str) -> dict[str, Figures]:
    """By item: independent, reward, metric (BLEU or chrF++ of one sentence, or what the metric gives an item, where it
    gives that) and, in the miniature, content."""
    frame = items.rename(columns={"similarity_independent": "independent", "similarity": "reward"})
    if metric == "bleu":
        frame["metric"] = frame["bleu_statistics"].map(partial(bleu_of_sums, effective_order=True))
    elif metric == "chrf":
        frame["metric"] = frame["chrf_statistics"].map(lambda counts: float(chrf_of_sums(counts)))
    elif metric in frame:
        frame["metric"] = frame[metric]
    frame = frame[[name for name in ("independent", "reward", "metric", "content") if name in frame]]
    return {str(name): dict(zip(frame.columns, map(float, row), strict=True)) for name, *row in frame.itertuples()}


def _chosen(
    request: Request, task: str, ids: list[str], figures: dict[str, dict[str, Figures]]
) -> tuple[list[str], list[str]]:
    """Those drawn, in the order of the test set; then the others with the largest difference, the largest first."""
    picked = set(random.Random(f"{request.seed} {task}").sample(ids, min(request.examples, len(ids))))

    if not {"rl", "strong_sft"} <= figures.keys():
        return [name for name in ids if name in picked], []

    def difference(name: str) -> float:
        return abs(figures["rl"][name]["independent"] - figures["strong_sft"][name]["independent"])

    others = sorted((name for name in ids if name not in picked), key=difference, reverse=True)
    return [name for name in ids if name in picked], others[: request.contrasts]


def _answer(model: str, text: str, reference: str, told: Callable[[str], str], figures: Figures, metric: str) -> Answer:
    scores = {name: round(value, 4) for name, value in figures.items() if given(value)}
    names = {"metric": labels.metric(metric), "reward": "rew.", "independent": "ind.", "content": "content"}
    shown = [(title, number(scores[name], 2)) for name, title in names.items() if name in scores]
    return Answer(model, text, pieces(text, reference), told(text), scores, shown)


def _verdicts(request: Request, task: str, models: list[str]) -> list[tuple[Pair, dict[str, Row]]]:
    """The verdicts on the models shown, by item; of RL and strong SFT in front, there or not."""
    if not request.judged:
        return []
    further = [Pair(other, model) for model, others in request.opponents.items() for other in others]
    found = []
    for pair in [OURS, *further]:
        if {pair.first, pair.second} <= {*models}:
            [name] = pair.names([seed_shown(request)])
            path = request.results / task / "judge" / f"{name}.jsonl"
            found.append((pair, {row["id"]: row for row in read_jsonl(path)} if path.is_file() else {}))
    return found


def _verdict(pair: Pair, row: Row | None, request: Request, answers: list[Answer]) -> Verdict:
    if row is None:
        return Verdict(_title(pair), "not judged", "", [])
    names = _names(pair)
    reasons = []
    for order in ("forward", "backward"):
        words = (row.get("reasons") or {}).get(order)
        problem = (row.get("problems") or {}).get(order)
        said = " ".join(part for part in (words, f"({problem})" if problem else "") if part)
        if said:
            reasons.append((_slots(row, order, names), said))
    if not reasons and request.judge["kind"] == "parser":
        told = {a.model: a.scores["content"] for a in answers if "content" in a.scores}
        if {pair.first, pair.second} <= told.keys():
            facts = (f"{name} {told[model]:.0%}" for name, model in zip(names, (pair.first, pair.second), strict=True))
            reasons.append(("", f"facts told: {', '.join(facts)}"))
    why = "the two orders disagree" if row.get("consistent") is False else ""
    outcome = {0: OUTCOMES[0], 1: names[0], 2: names[1], None: OUTCOMES[None]}[row["winner"]]
    return Verdict(_title(pair), outcome, why, reasons)


def _names(pair: Pair) -> tuple[str, str]:
    """What the two are called; RL and strong SFT within a sentence."""
    one, two = (
        {"strong_sft": OUTCOMES[1], "rl": OUTCOMES[2]}.get(model) or labels.model(runs.label(model))
        for model in (pair.first, pair.second)
    )
    return one, two


def _title(pair: Pair) -> str:
    one, two = _names(pair)
    return f"{two} against {one}"


def _slots(row: Row, order: str, names: tuple[str, str]) -> str:
    """Which system stood first and second when these words were said."""
    one, two = names if row["swapped"] == (order == "backward") else reversed(names)
    return f"1 = {one}, 2 = {two}"
