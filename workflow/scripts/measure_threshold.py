"""τ: a quantile of the cold start's similarity on the dev split (paper: minimal adequacy after cold start)."""

from typing import Any

from semalign.encoder.model import load_encoder, similarity
from semalign.generation.answers import generate
from semalign.policy.models import load_adapter, load_policy
from semalign.rewards.threshold import threshold
from semalign.runtime import job
from semalign.runtime.files import read_jsonl, write_json
from semalign.runtime.workspace import Workspace
from semalign.text.matching import is_blank
from semalign.text.prompts import fill


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    policy = settings["policy"]
    base, tokenizer = load_policy(input.base, **policy)
    rows = list(read_jsonl(input.dev))
    completions = generate(
        load_adapter(base, input.adapter, trainable=False),
        tokenizer,
        [fill(settings["prompt"], source=row["source"]) for row in rows],
        max_new_tokens=settings["max_new_tokens"],
        batch_size=settings["batch_size"],
        workspace=workspace,
        name="dev",
        stops=settings.get("stop", ()),
    )
    encoder = load_encoder(input.encoder, policy["device"])
    references = [row["target"] for row in rows]
    values = similarity(encoder, [completion.text for completion in completions], references)
    unrelated = similarity(encoder, references[1:] + references[:1], references)
    measured = threshold(values.tolist(), unrelated.tolist(), settings["quantile"]) | {
        "empty": sum(is_blank(completion.text) for completion in completions),
        "truncated": sum(completion.truncated for completion in completions),
    }
    write_json(output.threshold, measured)


job.run(main, snakemake, resumable=True)
