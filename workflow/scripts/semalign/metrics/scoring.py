"""Text scores of a run's answers to one test set, with floors and the counts that a reader needs."""

from collections.abc import Mapping, Sequence
from typing import Any

from semalign.config.data import Language
from semalign.metrics import cmrc, squad
from semalign.metrics.bleu import bleu_with_items, character_bleu, chrf_plus_plus, chrf_with_items, corpus_bleu
from semalign.metrics.functions import Function, whole
from semalign.metrics.rouge import rouge_l, rouge_l_with_items
from semalign.metrics.scores import Score, floor
from semalign.runtime.files import Row
from semalign.text.languages import language_consistency
from semalign.text.matching import is_blank


def _counts(rows: list[Row]) -> dict[str, int]:
    return {
        "n": len(rows),
        "empty": sum(is_blank(row["output"]) for row in rows),
        "truncated": sum(row["truncated"] for row in rows),
    }


def score_pairs(
    rows: list[Row], metrics: Sequence[str], language: Language, functions: Mapping[str, Function]
) -> tuple[dict[str, Any], list[Row]]:
    """Scores of a generation task, each with signature, n and floor; and figures by item.

    Rows hold `output`, `target`, `source` and `truncated`. `metrics` names the task's own figures, the first its
    primary one; those that are no built-in ones are among `functions`.
    """
    outputs, references, sources = ([row[key] for row in rows] for key in ("output", "target", "source"))

    def bleu(hypotheses: Any, references: Any) -> Score:
        return corpus_bleu(hypotheses, references, language)

    bleu_score, bleu_counts = bleu_with_items(outputs, references, language)
    rouge_score, rouge_items = rouge_l_with_items(outputs, references)
    chrf_score, chrf_counts = chrf_with_items(outputs, references)
    measures: dict[str, tuple[Score, Any]] = {
        "bleu": (bleu_score, bleu),
        "rouge_l": (rouge_score, rouge_l),
        "chrf": (chrf_score, chrf_plus_plus),
        "bleu_char": (character_bleu(outputs, references), character_bleu),
    }
    scores: dict[str, Any] = {"metric": metrics[0], "metrics": list(metrics)} | _counts(rows)
    for name, (result, measure) in measures.items():
        unrelated = floor(measure, outputs, references)
        scores[name] = {
            "value": result.value,
            "floor": unrelated.value if unrelated else None,
            "n": result.n,
            "signature": result.signature,
        }
    consistent = [language_consistency(output, language) for output in outputs]
    scores["language_consistency"] = sum(consistent) / len(rows)
    by_item: dict[str, Sequence[Any]] = {
        "rouge_l": rouge_items,
        "language_consistency": consistent,
        "bleu_statistics": bleu_counts,
        "chrf_statistics": chrf_counts,
    }
    for name, function in functions.items():
        values = function.measure(outputs, references, sources)
        shifted = floor(lambda texts, others: function.measure(texts, others, sources), outputs, references)  # noqa: B023
        scores[name] = {
            "value": whole(values),
            "floor": None if shifted is None else whole(shifted),
            "n": len(rows),
            "signature": function.signature(values),
        }
        if isinstance(values, list):
            by_item[name] = values
    return scores, [dict(zip(by_item, of_item, strict=True)) for of_item in zip(*by_item.values(), strict=True)]


def score_questions(rows: list[Row], rules: str, no_answer: str | None = None) -> tuple[dict[str, Any], list[Row]]:
    """Figures in percent, their floor (answers of the next question), and figures by question.

    Rows hold `id`, `group` (the passage), `answers` and `output`. rules: cmrc2018, with avg, em and f1, or squad, with
    em and f1, where an output that equals `no_answer`, once normalised, counts as empty.
    """
    measure: Any = squad.score if rules == "squad" else cmrc.score
    predictions = {row["id"]: cmrc.strip_think(row["output"]) for row in rows}
    if no_answer is not None:
        none = squad.normalised(no_answer)
        predictions = {key: "" if squad.normalised(text) == none else text for key, text in predictions.items()}
    answers = {row["id"]: row["answers"] for row in rows}
    result = measure(answers, predictions)
    shifted = floor(
        lambda ids, references: measure(dict(zip(ids, references, strict=True)), predictions),
        list(answers),
        list(answers.values()),
    )
    names = ["em", "f1", *(["avg"] if rules == "cmrc2018" else [])]
    said = f"|no_answer:{no_answer!r}" if no_answer is not None else ""
    scores = _counts(rows) | {name: getattr(result, name) for name in names}
    scores |= {
        "skipped": result.skipped,
        "answer_length": result.answer_length,
        "floor": {name: getattr(shifted, name) for name in names} if shifted else None,
        "signature": f"{result.signature}{said}",
    }
    items = [
        {"group": row["group"], "em": item.em, "f1": item.f1} for row, item in zip(rows, result.items, strict=True)
    ]
    return scores, items
