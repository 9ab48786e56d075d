"""GRPO from the cold start, against the configured rewards."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from semalign import job
from semalign.config.data import Language
from semalign.config.training import Grpo
from semalign.encoder import embed, load_encoder
from semalign.files import read_json, read_jsonl, write_json, write_jsonl
from semalign.grpo import train_grpo
from semalign.models import load_adapter, load_policy, save_adapter
from semalign.rewards import build_rewards
from semalign.training import write_record


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    policy, grpo = settings["policy"], Grpo.model_validate(settings["grpo"])
    base, tokenizer = load_policy(input.base, **policy)
    model = load_adapter(base, input.adapter, trainable=True)
    encoder = load_encoder(input.encoder, policy["device"]) if input.encoder else None
    tau = read_json(input.threshold)["tau"] if input.threshold else None
    rewards = build_rewards(
        list(grpo.rewards),
        Language.model_validate(settings["language"]),
        (lambda texts: embed(encoder, texts)) if encoder else None,
        tau,
    )
    with TemporaryDirectory() as folder:
        snapshots = Path(folder) / "snapshots"
        snapshots.mkdir()
        report, history, rollouts = train_grpo(
            model,
            tokenizer,
            list(read_jsonl(input.rows)),
            settings["prompt"],
            rewards,
            grpo,
            **policy,
            seed=settings["seed"],
            folder=Path(folder),
            snapshots=snapshots,
        )
        shutil.move(snapshots, output.snapshots)
    save_adapter(model, Path(output.adapter))
    write_record(history, output.record)
    write_jsonl(output.rollouts, rollouts)
    write_json(output.report, report | {"tau": tau})


job.run(main, snakemake)
