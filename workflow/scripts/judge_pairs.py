"""Compare two models on each test item, in both orders."""

from pathlib import Path
from typing import Any

from semalign.config.judge import llm_judge
from semalign.judging.protocol import Comparison, by_comparer, comparisons, verdict_rows
from semalign.metrics.predictions import join
from semalign.miniature.judge import compare
from semalign.runtime import job
from semalign.runtime.files import Row, write_jsonl
from semalign.runtime.workspace import Workspace


def main(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    first, second = (join(path, [input.test])[settings["task"]] for path in (input.first, input.second))
    asked = comparisons(first, second, settings["seed"])
    ids = [row["id"] for row in second]
    judged = by_parser if settings["judge"]["kind"] == "parser" else by_models
    write_jsonl(output.verdicts, judged(settings, ids, asked, workspace))


def by_parser(settings: dict[str, Any], ids: list[str], asked: list[Comparison], workspace: Workspace) -> list[Row]:
    judge = by_comparer(compare, workspace)
    return verdict_rows(ids, asked, judge(asked), settings["seed"])


def by_models(settings: dict[str, Any], ids: list[str], asked: list[Comparison], workspace: Workspace) -> list[Row]:
    from semalign.judging import cache  # the client's import takes a second, which the parser need not wait for
    from semalign.judging.models import judge_with_models

    # How the servers are asked (concurrency, prices, ceiling …) changes no verdict, so it is no part of the settings.
    judge = llm_judge(snakemake.config["judge"])
    with cache.opened() as answers:
        return judge_with_models(
            judge, settings["prompt"], ids, asked, settings["seed"], answers, still_to_come(), workspace.check
        )


def still_to_come() -> int:
    """Comparisons of other models, tasks and seeds that have no verdicts yet: their cost is to be thought of too."""
    from semalign.preflight import comparisons
    from semalign.preflight.root import validate

    config = validate(snakemake.config)
    files = [
        f"results/{task}/judge/{name}.jsonl" for task in config.tasks for name in comparisons.comparisons(config, task)
    ]
    return sum(not Path(file).exists() for file in files if file != snakemake.output.verdicts)


job.run(main, snakemake, resumable=True)
