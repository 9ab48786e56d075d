"""Answer a task's test set with one of several samples, chosen by a method; copy the answers to the benchmarks."""

from dataclasses import asdict
from typing import Any

from semalign.data.shots import asked, examples
from semalign.encoder.model import embed, load_encoder
from semalign.generation.answers import Sampling, sample
from semalign.metrics.predictions import predicted
from semalign.policy.models import load_adapter, load_policy
from semalign.preflight.gates import check_exams
from semalign.preflight.methods import method
from semalign.runtime import job
from semalign.runtime.files import read_jsonl, write_jsonl
from semalign.runtime.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    task, policy, entry = settings["task"], settings["policy"], settings["method"]
    base, tokenizer = load_policy(input.base, **policy)
    rows = list(read_jsonl(input.test))
    before = ""
    for path in input.shots:
        before = examples(settings["prompt"], list(read_jsonl(path)), **settings["shots"])
    answers = sample(
        load_adapter(base, input.adapter, trainable=False),
        tokenizer,
        [before + asked(settings["prompt"], row) for row in rows],
        Sampling(int(settings["strength"]), entry["temperature"], entry["top_p"], settings["seed"]),
        max_new_tokens=settings["max_new_tokens"],
        batch_size=settings["batch_size"],
        workspace=workspace,
        name=task,
        stops=settings["stop"],
    )
    encoder = load_encoder(input.encoder, policy["device"])
    texts = [[answer.text for answer in own] for own in answers]
    places = method(entry["method"]).choose(texts, lambda texts: embed(encoder, texts))
    taken = [own[place] for own, place in zip(answers, places, strict=True)]
    others = [row for row in read_jsonl(input.predictions) if row["testset"] != task]
    write_jsonl(output.predictions, [*predicted(task, rows, map(asdict, taken)), *others])


job.run(main, snakemake, resumable=True, gate=check_exams)
