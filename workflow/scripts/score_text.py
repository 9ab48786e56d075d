"""BLEU or ROUGE-L of a run's task, signs of a gamed reward, questions; in the miniature, the content told."""

from statistics import fmean
from typing import Any

from semalign.config.data import Language
from semalign.metrics.audit import audit
from semalign.metrics.predictions import join
from semalign.metrics.scoring import score_pairs, score_questions
from semalign.miniature.judge import content_score
from semalign.runtime import job
from semalign.runtime.files import write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    scores: dict[str, Any] = {}
    items = []
    for testset, rows in join(input.predictions, input.tests).items():
        if testset in settings["benchmarks"]:
            scores[testset], values = score_questions(rows, **settings["benchmarks"][testset])
        else:
            task = settings["tasks"][testset]
            scores[testset], values = score_pairs(rows, task["metric"], Language.model_validate(task["language"]))
            for name, column in (("audit", "output"), ("audit_of_references", "target")):
                texts, references, sources, ids = ([row[c] for row in rows] for c in (column, "target", "source", "id"))
                language = Language.model_validate(task["language"])
                scores[testset][name] = audit(texts, references, sources, ids, language)
            if settings["content"]:
                content = [content_score(testset, row["source"], row["output"]) for row in rows]
                scores[testset]["content"] = {"value": fmean(content), "n": len(rows)}
                values = [v | {"content": c} for v, c in zip(values, content, strict=True)]
        items += [{"testset": testset, "id": row["id"], **v} for row, v in zip(rows, values, strict=True)]
    write_json(output.scores, scores)
    write_jsonl(output.by_item, items)


job.run(main, snakemake)
