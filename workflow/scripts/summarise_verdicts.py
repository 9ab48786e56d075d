"""Summarise the verdicts on RL and strong SFT, and the agreement of judges and people."""

from typing import Any

from semalign.config.judge import Votes
from semalign.config.statistics import Statistics
from semalign.judging.summary import agreement, summarise, votes_agreement
from semalign.judging.templates import template_hash
from semalign.judging.votes import read_votes
from semalign.runtime import job
from semalign.runtime.files import read_jsonl, write_json

NAMES = ("strong_sft", "rl")


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    verdicts = list(read_jsonl(input.verdicts))
    figures = summarise(verdicts, NAMES, Statistics.model_validate(settings["statistics"]))
    figures["judge"] = settings["judge"]
    if settings["prompt"] is not None:
        figures["prompt_sha256"] = template_hash(settings["prompt"])
    agreements = {
        name: agreement(verdicts, side) for name, side in (("itself", "again"), ("second_judge", "second_judge"))
    }
    if settings["votes"] is not None:
        votes = read_votes(Votes.model_validate(settings["votes"]), {row["id"] for row in verdicts})
        agreements["people"] = votes_agreement(verdicts, votes, NAMES)
    write_json(output.summary, figures | {"agreement": {name: found for name, found in agreements.items() if found}})


job.run(main, snakemake)
