"""Check, before any expensive job starts, that a given policy can be trained, prompted and measured."""

from pathlib import Path
from typing import Any

from semalign.policy.policy_checks import Use, policy_checks
from semalign.runtime import job
from semalign.runtime.errors import InputError
from semalign.runtime.files import write_json


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    rows = policy_checks(Path(input.policy), Use(**settings["use"]))
    problems = [f"{row['check']}: {row['problem']}" for row in rows if row["problem"]]
    if problems:
        raise InputError("\n".join([f"config key policy.path: {input.policy} cannot be the policy:", *problems]))
    write_json(output.checks, rows)


job.run(main, snakemake)
