"""Compare RL with strong SFT on each test item, in both orders."""

from typing import Any

from semalign import job
from semalign.files import write_json, write_jsonl
from semalign.judge import judge_pairs, summarise
from semalign.miniature.judge import compare
from semalign.predictions import join
from semalign.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    task = settings["task"]
    systems = {name: join(input[name], [input.test])[task] for name in ("strong_sft", "rl")}
    verdicts = judge_pairs(
        systems["strong_sft"],
        systems["rl"],
        lambda source, one, two: compare(task, source, one, two),
        settings["seed"],
        workspace,
    )
    write_jsonl(output.verdicts, verdicts)
    write_json(output.summary, summarise(verdicts, names=("strong_sft", "rl")))


job.run(main, snakemake, resumable=True)
