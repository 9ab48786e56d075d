"""Similarity of a run's answers to their references, by the rewarding encoder and by the independent one.

An answer in another language has a similarity of 0: to an encoder of both languages a copy of the source is nearly a
translation.
"""

from typing import Any

import numpy as np

from semalign.config.data import Language
from semalign.encoder.model import load_encoder, similarity
from semalign.metrics.predictions import join
from semalign.runtime import job
from semalign.runtime.files import sha256, write_json, write_jsonl
from semalign.text.languages import in_another_language


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    testsets = join(input.predictions, input.tests)
    scores: dict[str, Any] = {task: {} for task in testsets}
    items = {task: [{"testset": task, "id": row["id"]} for row in rows] for task, rows in testsets.items()}
    foreign = {
        task: np.array(
            [in_another_language(row["output"], Language.model_validate(language)) for row in testsets[task]]
        )
        for task, language in settings["languages"].items()
    }
    for name in ("reward", "independent"):
        encoder = load_encoder(input[name], settings["device"])
        for task, rows in testsets.items():
            outputs, references = [row["output"] for row in rows], [row["target"] for row in rows]
            cosines = similarity(encoder, outputs, references)
            values = np.where(foreign[task], 0.0, cosines)
            shifted = np.where(foreign[task], 0.0, similarity(encoder, outputs, references[1:] + references[:1]))
            scores[task][name] = {
                "value": float(np.mean(values)),
                "floor": float(np.mean(shifted)),
                "any_language": float(np.mean(cosines)),
                "n": len(rows),
                "signature": f"mean cosine|0 in another language|encoder:{name}|sha256:{sha256(input[name])[:16]}",
            }
            for item, value in zip(items[task], values, strict=True):
                item[name] = float(value)
    write_json(output.scores, scores)
    write_jsonl(output.by_item, (item for rows in items.values() for item in rows))


job.run(main, snakemake)
