"""Signs of a gamed reward in an RL run's rollouts, step by step."""

from typing import Any

import numpy as np

from semalign.config.data import Language
from semalign.encoder.model import load_encoder, similarity
from semalign.metrics.audit import audit_step, evenly_spaced, summarise
from semalign.runtime import job
from semalign.runtime.files import read_jsonl, write_json, write_jsonl


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    language = Language.model_validate(settings["language"])
    items = {row["id"]: row for row in read_jsonl(input.rows)}
    rollouts = list(read_jsonl(input.rollouts))
    steps = evenly_spaced(sorted({row["step"] for row in rollouts}), settings["steps"])
    rows: dict[int, list[Any]] = {step: [] for step in steps}
    for row in rollouts:
        if row["step"] in rows:
            rows[row["step"]].append(row | {name: items[row["id"]][name] for name in ("source", "target")})
    audited = [row for step in steps for row in rows[step]]
    encoders = {name: load_encoder(input[name], settings["device"]) for name in ("reward", "independent")}
    cosines = {
        name: similarity(encoder, [row["completion"] for row in audited], [row["target"] for row in audited])
        for name, encoder in encoders.items()
    }
    by_step, start = [], 0
    for step in steps:
        end = start + len(rows[step])
        means = {name: float(np.mean(values[start:end])) for name, values in cosines.items()}
        by_step.append(
            {"step": step}
            | audit_step(rows[step], settings["rewards"], language)
            | {
                "similarity": means["reward"],
                "similarity_independent": means["independent"],
                "encoder_gap": means["reward"] - means["independent"],
            }
        )
        start = end
    write_jsonl(output.by_step, by_step)
    write_json(output.summary, summarise(by_step) | {"rollouts": len(rollouts), "audited": len(audited)})


job.run(main, snakemake)
