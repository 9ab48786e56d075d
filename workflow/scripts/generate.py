"""Answer a run's test sets greedily: its task's and those benchmarks that are answered."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from semalign.data.shots import asked, examples
from semalign.generation.answers import Asked, Completion, generate
from semalign.metrics.predictions import predicted
from semalign.policy.given_models import load_measured
from semalign.preflight.gates import check_variance
from semalign.runtime import job
from semalign.runtime.files import read_jsonl, write_jsonl
from semalign.runtime.workspace import Workspace

TestSets = dict[str, Asked]
Answers = dict[str, list[Completion]]


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    items, testsets = {}, {}
    shots = {Path(path).parent.name: list(read_jsonl(path)) for path in input.shots}
    for path in input.tests:
        name = Path(path).parent.name
        task = (settings["tasks"] | settings["benchmarks"])[name]
        items[name] = rows = list(read_jsonl(path))
        before = examples(task["prompt"], shots[name], **task["shots"]) if name in shots else ""
        texts = [before + asked(task["prompt"], row) for row in rows]
        testsets[name] = Asked(texts, task["max_new_tokens"], task["stop"])
    answer = by_vllm if settings["engine"] == "vllm" else by_transformers
    write_jsonl(
        output.predictions,
        (
            row
            for name, completions in answer(settings, input, testsets, workspace).items()
            for row in predicted(name, items[name], map(asdict, completions))
        ),
    )


def by_transformers(settings: dict[str, Any], input: Any, testsets: TestSets, workspace: Workspace) -> Answers:
    model, tokenizer = load_measured(input.base, input.get("adapter"), settings["policy"], settings.get("given"))
    size = settings["batch_size"]
    return {
        name: generate(
            model,
            tokenizer,
            of.texts,
            max_new_tokens=of.max_new_tokens,
            batch_size=size,
            workspace=workspace,
            name=name,
            stops=of.stops,
        )
        for name, of in testsets.items()
    }


def by_vllm(settings: dict[str, Any], input: Any, testsets: TestSets, workspace: Workspace) -> Answers:
    from semalign.generation.vllm_engine import answer_with_vllm  # vLLM is no part of the locked packages

    template = settings["policy"].get("chat_template")
    return answer_with_vllm(input.base, input.get("adapter"), testsets, template)


job.run(main, snakemake, resumable=True, gate=check_variance)
