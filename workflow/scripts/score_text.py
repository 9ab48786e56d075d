"""The metrics of a run's task, signs of a gamed reward and of collapse, questions; in the miniature, content."""

from pathlib import Path
from statistics import fmean
from typing import Any

from semalign.config.data import Language
from semalign.config.metrics import function_metric
from semalign.metrics.audit import audit
from semalign.metrics.collapse import collapse
from semalign.metrics.functions import load_metric
from semalign.metrics.predictions import join
from semalign.metrics.scoring import score_pairs, score_questions
from semalign.miniature.judge import facts, slots_told
from semalign.runtime import job
from semalign.runtime.files import Row, write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    scores: dict[str, Any] = {}
    items = []
    for testset, rows in join(input.predictions, input.tests).items():
        if testset in settings["benchmarks"]:
            scores[testset], values = score_questions(rows, **settings["benchmarks"][testset])
        else:
            task = settings["tasks"][testset]
            language = Language.model_validate(task["language"])
            entries = [entry for entry in task["metrics"] if isinstance(entry, dict)]
            functions = {
                entry["name"]: load_metric(function_metric(entry), Path.cwd(), settings["device"]) for entry in entries
            }
            names = [entry if isinstance(entry, str) else entry["name"] for entry in task["metrics"]]
            scores[testset], values = score_pairs(rows, names, language, functions)
            scores[testset] |= _signs(rows, language)
            if settings["content"]:
                told = [slots_told(row["source"], row["output"]) for row in rows]
                content = [fmean(slots.values()) for slots in told]
                scores[testset]["content"] = {"value": fmean(content), "n": len(rows)}
                values = [
                    value | {"content": share, "slots": slots, "facts": facts(row["source"])}
                    for value, share, slots, row in zip(values, content, told, rows, strict=True)
                ]
        items += [{"testset": testset, "id": row["id"], **v} for row, v in zip(rows, values, strict=True)]
    write_json(output.scores, scores)
    write_jsonl(output.by_item, items)


def _signs(rows: list[Row], language: Language) -> dict[str, Any]:
    """Of a gamed reward and of collapse; the references' own beside them."""
    outputs, references, sources, ids = ([row[c] for row in rows] for c in ("output", "target", "source", "id"))
    own, theirs = (audit(texts, references, sources, ids, language) for texts in (outputs, references))
    signs = collapse(outputs, references, sources, ids, fmean(row["truncated"] for row in rows))
    signs["off_script"] = own["off_script"] - theirs["off_script"]
    return {"audit": own, "audit_of_references": theirs, "collapse": signs}


job.run(main, snakemake)
