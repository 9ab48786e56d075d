"""Import and call the user's own rewards as GRPO does, before any expensive job starts."""

from itertools import islice
from pathlib import Path
from typing import Any

from semalign.rewards.builtin import user_reward
from semalign.runtime import job
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_jsonl, write_json


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    rows = list(islice(read_jsonl(input.rows), 3))
    references, sources = ([row[side] for row in rows] for side in ("target", "source"))
    # A right answer, an empty one, and a copy of the source.
    completions = [(references[0], "", sources[-1])[number] for number in range(len(rows))]
    given: dict[str, list[float]] = {}
    for key, names in settings["rewards"].items():
        for name in names:
            try:
                given[name] = user_reward(name, Path.cwd())(completions, references, sources)
            except InputError as error:
                raise InputError(f"config key {key}: {error}") from error
    write_json(output.report, {"completions": completions, "rewards": given})


job.run(main, snakemake)
