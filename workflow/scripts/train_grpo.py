"""GRPO from the cold start, against the configured rewards."""

import shutil
from typing import Any

from semalign.config.training import Grpo
from semalign.policy.grpo import SNAPSHOTS, train_grpo
from semalign.policy.models import load_adapter, load_policy, save_adapter
from semalign.policy.rollouts import ROLLOUTS
from semalign.preflight.gates import check_exams
from semalign.rewards.loading import load_rewards
from semalign.runtime import distributed, job
from semalign.runtime.files import read_jsonl, replacing_folder, write_json, write_jsonl
from semalign.runtime.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    policy, grpo = settings["policy"], Grpo.model_validate(settings["grpo"])
    base, tokenizer = load_policy(input.base, **policy)
    model = load_adapter(base, input.adapter, trainable=True)
    rewards, tau = load_rewards(grpo.rewards, settings["language"], input, policy["device"])
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
        stops=settings.get("stop", ()),
        steps=settings.get("steps"),
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


job.run(main, snakemake, resumable=True, gate=check_exams)
