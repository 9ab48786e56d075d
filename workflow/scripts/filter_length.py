"""Drop pairs that are too long in the policy's tokens, from train and test alike."""

from typing import Any

from semalign import job
from semalign.files import read_jsonl, write_json, write_jsonl
from semalign.policy_tokenizer import load_tokenizer
from semalign.preparation import filter_length
from semalign.prompts import conversation_text


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    tokenizer: Any = load_tokenizer(input.tokenizer)
    kept = filter_length(
        read_jsonl(input.pairs),
        tokenizer.backend_tokenizer,
        conversation_text(tokenizer, settings["prompt"], "{target}"),
        settings["max_tokens"],
        origin=f"tasks.{settings['task']} ({input.pairs})",
    )
    write_jsonl(output.pairs, kept)
    write_json(output.report, kept.report)


job.run(main, snakemake)
