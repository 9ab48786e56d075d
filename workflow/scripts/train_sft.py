"""Supervised fine-tuning of a LoRA adapter: a fresh one, or in few-shot transfer another task's."""

from typing import Any

from semalign.config.training import Lora, Sft
from semalign.policy.models import load_adapter, load_policy, new_adapter, save_adapter
from semalign.policy.sft import first, train_sft
from semalign.runtime import distributed, job
from semalign.runtime.files import read_jsonl, replacing_folder, write_json, write_jsonl
from semalign.runtime.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    policy, seed = settings["policy"], settings["seed"]
    base, tokenizer = load_policy(input.base, **policy)
    if input.adapter:
        model = load_adapter(base, input.adapter, trainable=True)
    else:
        model = new_adapter(base, Lora.model_validate(settings["lora"]), seed)
    rows = first([row for path in input.rows for row in read_jsonl(path)], settings["pairs"], settings["pairs_key"])
    report, history = train_sft(
        model,
        tokenizer,
        rows,
        settings["prompt"],
        Sft.model_validate(settings["sft"]),
        dtype=policy["dtype"],
        device=policy["device"],
        seed=seed,
        workspace=workspace,
        steps=settings.get("steps"),
    )
    if not distributed.is_first():
        return
    with replacing_folder(output.adapter) as folder:
        save_adapter(model, folder)
    write_jsonl(output.record, history)
    write_json(output.report, report)


job.run(main, snakemake, resumable=True)
