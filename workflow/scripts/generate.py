"""Answer a run's test sets greedily: its task's and reading comprehension."""

from pathlib import Path
from typing import Any

from semalign import job
from semalign.files import read_jsonl, write_jsonl
from semalign.generation import generate
from semalign.models import load_adapter, load_policy
from semalign.prompts import fill
from semalign.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    base, tokenizer = load_policy(input.base, **settings["policy"])
    model = load_adapter(base, input.adapter, trainable=False) if input.get("adapter") else base
    predictions = []
    for path in input.tests:
        testset = Path(path).parent.name
        task = settings["cmrc"] if testset == "cmrc" else settings["tasks"][testset]
        rows = list(read_jsonl(path))
        texts = [fill(task["prompt"], **{k: v for k, v in row.items() if isinstance(v, str)}) for row in rows]
        completions = generate(
            model,
            tokenizer,
            texts,
            max_new_tokens=task["max_new_tokens"],
            batch_size=settings["batch_size"],
            workspace=workspace,
            name=testset,
        )
        predictions += [
            {"testset": testset, "id": row["id"], "output": c.text, "tokens": c.tokens, "truncated": c.truncated}
            for row, c in zip(rows, completions, strict=True)
        ]
    write_jsonl(output.predictions, predictions)


job.run(main, snakemake, resumable=True)
