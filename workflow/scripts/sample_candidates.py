"""Sample the cold start's answers to RL's prompts, as RL's first step does, with the reward of each."""

from typing import Any

from semalign.generation.answers import Sampling, sample
from semalign.policy.candidates import scored
from semalign.policy.models import load_adapter, load_policy
from semalign.preflight.gates import check_exams
from semalign.rewards.loading import load_rewards
from semalign.runtime import job
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_jsonl, write_json, write_jsonl
from semalign.runtime.workspace import Workspace
from semalign.text.matching import is_blank
from semalign.text.prompts import fill, prompt_ids


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    policy, most = settings["policy"], settings["max_prompt_tokens"]
    base, tokenizer = load_policy(input.base, **policy)
    rows = list(read_jsonl(input.rows))
    texts = [fill(settings["prompt"], source=row["source"]) for row in rows]
    fitting = [number for number, ids in enumerate(prompt_ids(tokenizer, texts)) if len(ids) <= most]
    if not fitting:
        raise InputError(f"rl.max_prompt_tokens = {most}: all {len(rows)} prompts are longer; raise it")
    kept = [rows[number] for number in fitting]
    answers = sample(
        load_adapter(base, input.adapter, trainable=False),
        tokenizer,
        [texts[number] for number in fitting],
        Sampling(**{name: settings[name] for name in ("samples", "temperature", "top_p", "seed")}),
        max_new_tokens=settings["max_new_tokens"],
        batch_size=settings["batch_size"],
        workspace=workspace,
        name="candidates",
        stops=settings.get("stop", ()),
    )
    rewards, _ = load_rewards(settings["rewards"], settings["language"], input, policy["device"])
    found = scored(kept, [[answer.text for answer in own] for own in answers], rewards, settings["rewards"])
    write_jsonl(output.candidates, found)
    write_json(
        output.report,
        {
            "prompts": len(kept),
            "prompts_too_long": len(rows) - len(kept),
            "candidates": len(found),
            "empty": sum(is_blank(row["completion"]) for row in found),
            "truncated": sum(answer.truncated for own in answers for answer in own),
            "mean_reward": sum(row["reward"] for row in found) / len(found),
        },
    )


job.run(main, snakemake, resumable=True, gate=check_exams)
