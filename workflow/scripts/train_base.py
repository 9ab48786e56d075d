"""Train a small policy from scratch: the miniature's base."""

from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from semalign import job
from semalign.config.models import Pretraining
from semalign.files import read_jsonl, write_json
from semalign.pretraining import train_base
from semalign.training import write_record


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    report, history = train_base(
        Pretraining.model_validate(settings["pretraining"]),
        list(read_jsonl(input.corpus)),
        AutoTokenizer.from_pretrained(input.tokenizer),
        Path(output.model),
        device=settings["device"],
    )
    write_record(history, output.record)
    write_json(output.report, report)


job.run(main, snakemake)
