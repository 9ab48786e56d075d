"""Train a small policy from scratch: the miniature's base."""

from typing import Any

from transformers import AutoTokenizer

from semalign.config.models import Pretraining
from semalign.policy.pretraining import train_base
from semalign.runtime import job
from semalign.runtime.files import read_jsonl, replacing_folder, write_json, write_jsonl
from semalign.runtime.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    with replacing_folder(output.model) as folder:
        report, history = train_base(
            Pretraining.model_validate(settings["pretraining"]),
            list(read_jsonl(input.corpus)),
            AutoTokenizer.from_pretrained(input.tokenizer),
            folder,
            workspace,
            device=settings["device"],
        )
    write_jsonl(output.record, history)
    write_json(output.report, report)


job.run(main, snakemake, resumable=True)
