"""Drop pairs that are too long in the policy's tokens, from train and test alike."""

import re
from typing import Any

from semalign.data.preparation import filter_length
from semalign.policy.policy_tokenizer import load_tokenizer
from semalign.runtime import job
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, read_jsonl, write_json, write_jsonl
from semalign.text.prompts import conversation_ids, conversation_text, fill


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    tokenizer: Any = load_tokenizer(input.tokenizer, settings.get("chat_template"))
    special = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    controls = re.compile("|".join(map(re.escape, special)) or "(?!)")

    def measured(row: Row, length: int) -> int | None:
        """A control token in a text is text, and longer than one token; some tokenizers cannot write it so."""
        if not controls.search(f"{row['source']} {row['target']}"):
            return length
        try:
            return len(
                conversation_ids(tokenizer, [fill(settings["prompt"], source=row["source"])], [row["target"]])[0]
            )
        except InputError:
            return None

    kept = filter_length(
        read_jsonl(input.pairs),
        tokenizer.backend_tokenizer,
        conversation_text(tokenizer, settings["prompt"], "{target}"),
        settings["max_tokens"],
        origin=f"tasks.{settings['task']} ({input.pairs})",
        measured=measured,
    )
    write_jsonl(output.pairs, kept)
    write_json(output.report, kept.report)


job.run(main, snakemake)
