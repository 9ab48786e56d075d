"""Check, before any expensive job starts, that a model trained elsewhere can be prompted and measured."""

from pathlib import Path
from typing import Any

from semalign.policy.given_models import adapter_checks
from semalign.policy.policy_checks import Use, policy_checks
from semalign.runtime import job
from semalign.runtime.errors import InputError
from semalign.runtime.files import write_json


def main(settings: dict[str, Any], input: Any, output: Any) -> None:
    folder = Path(input.folder)
    if settings["use"] is None:
        rows = adapter_checks(folder, Path(input.base), settings["chat_template"])
    else:
        rows = policy_checks(folder, Use(**settings["use"]))
    if problems := [f"{row['check']}: {row['problem']}" for row in rows if row["problem"]]:
        raise InputError("\n".join([f"config key {settings['key']}: {folder} cannot be measured:", *problems]))
    write_json(output.checks, rows)


job.run(main, snakemake)
