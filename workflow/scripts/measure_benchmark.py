"""A run's figures in a benchmark that is measured by likelihood: choices after a prompt, or given texts."""

from collections.abc import Sequence
from typing import Any

from semalign.metrics.choices import score_choices
from semalign.metrics.perplexity import score_texts
from semalign.policy.continuations import Continuation, loglikelihoods, of_answer, of_text, whole_text
from semalign.policy.given_models import load_measured
from semalign.policy.harness import measure
from semalign.policy.likelihood import beginning
from semalign.runtime import job
from semalign.runtime.files import Row, read_jsonl, write_json, write_jsonl
from semalign.runtime.workspace import Workspace

CHUNK = 1024  # tokens that pass the LM head at once: bounds memory


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    entry = settings["entry"]
    model, tokenizer = load_measured(input.base, input.adapter, settings["policy"], settings.get("given"))
    if entry["kind"] == "lm_eval":
        scores, items = measure(model, tokenizer, entry, workspace)
        write_json(output.summary, scores)
        write_jsonl(output.by_item, items)
        return
    rows = list(read_jsonl(input.tests))

    def measured(sequences: Sequence[Continuation]) -> list[float]:
        where: dict[str, Any] = {"workspace": workspace, "name": settings["name"]}
        return loglikelihoods(model, tokenizer, sequences, batch_size=entry["batch_size"], chunk_tokens=CHUNK, **where)

    if entry["kind"] == "multiple_choice":
        before = "".join(examples(list(read_jsonl(path)), entry) for path in input.shots)
        make, way = (of_answer, "chat") if entry["chat_template"] else (of_text, "text")
        sequences = [
            make(tokenizer, before + row["context"], entry["delimiter"] + choice, entry["max_tokens"])
            for row in rows
            for choice in row["choices"]
        ]
        sums = iter(measured(sequences))
        scores, items = score_choices(rows, [[next(sums) for _ in row["choices"]] for row in rows])
        signature = f"log p of a choice|acc_norm: by bytes of UTF-8|prompt:{way}"
    else:
        texts = [whole_text(tokenizer, row["text"], entry["max_tokens"]) for row in rows]
        sequences = [sequence for sequence, _ in texts]
        counts = [one.tokens for one in sequences]
        scores, items = score_texts(rows, measured(sequences), counts, [size for _, size in texts])
        signature = "nats|full vocabulary|float64 softmax"
    scores |= {
        "truncated": sum(one.cut for one in sequences),
        "signature": f"{signature}|start:{beginning(tokenizer)}|max_tokens:{entry['max_tokens']}",
    }
    write_json(output.summary, scores)
    write_jsonl(output.by_item, items)


def examples(shots: list[Row], entry: dict[str, Any]) -> str:
    """The examples as one text: each prompt, its right choice, and what parts them."""
    between, behind = entry["delimiter"], entry["shots"]["separator"]
    return "".join(row["context"] + between + row["answer"] + behind for row in shots)


job.run(main, snakemake, resumable=True)
