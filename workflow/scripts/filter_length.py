"""Drop pairs that are too long in the policy's tokens, from train and test alike."""

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from semalign import job
from semalign.files import read_jsonl, write_json, write_jsonl
from semalign.preparation import filter_length


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    tokenizer = Tokenizer.from_file(str(Path(input.tokenizer) / "tokenizer.json"))
    kept, report = filter_length(
        read_jsonl(input.pairs), tokenizer, settings["prompt"], settings["max_tokens"], origin=str(input.pairs)
    )
    write_jsonl(output.pairs, kept)
    write_json(output.report, report)


job.run(main, snakemake)
