"""GRPO from the cold start, against the configured rewards."""

import shutil
from typing import Any

from semalign.config.data import Language
from semalign.config.training import Grpo
from semalign.encoder.model import embed, load_encoder
from semalign.policy.grpo import SNAPSHOTS, train_grpo
from semalign.policy.models import load_adapter, load_policy, save_adapter
from semalign.policy.rollouts import ROLLOUTS
from semalign.rewards.builtin import build_rewards
from semalign.rewards.threshold import doubts
from semalign.runtime import distributed, job
from semalign.runtime.files import read_json, read_jsonl, replacing_folder, write_json, write_jsonl
from semalign.runtime.progress import say
from semalign.runtime.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    policy, grpo = settings["policy"], Grpo.model_validate(settings["grpo"])
    base, tokenizer = load_policy(input.base, **policy)
    model = load_adapter(base, input.adapter, trainable=True)
    encoder = load_encoder(input.encoder, policy["device"]) if input.encoder else None
    measured = read_json(input.threshold) if input.threshold else None
    for doubt in doubts(measured, str(input.threshold)) if measured and distributed.is_first() else ():
        say(doubt)
    tau = measured["tau"] if measured else None
    rewards = build_rewards(
        list(grpo.rewards),
        Language.model_validate(settings["language"]),
        (lambda texts: embed(encoder, texts)) if encoder else None,
        tau,
    )
    report, history = train_grpo(
        model,
        tokenizer,
        list(read_jsonl(input.rows)),
        settings["prompt"],
        rewards,
        grpo,
        dtype=policy["dtype"],
        device=policy["device"],
        seed=settings["seed"],
        workspace=workspace,
    )
    if not distributed.is_first():
        return
    with replacing_folder(output.adapter) as folder:
        save_adapter(model, folder)
    with replacing_folder(output.snapshots) as folder:
        shutil.copytree(workspace.folder / SNAPSHOTS, folder, dirs_exist_ok=True)
    write_jsonl(output.rollouts, read_jsonl(workspace.folder / ROLLOUTS))
    write_jsonl(output.record, history)
    write_json(output.report, report | {"tau": tau})


job.run(main, snakemake, resumable=True)
