"""Names of tasks, which are folders of the results."""

import re
from typing import Annotated

from pydantic import AfterValidator

# Folders that the workflow makes beside those of tasks, in `results` and in `results/data`.
TAKEN = {"base", "benchmarks", "cmrc", "configs", "data", "downloads", "encoders", "figures", "judge_cache", "logs"}
TAKEN |= {"models", "release", "replay", "sources", "tracking", "unfinished", "world"}


def check_task_name(name: str) -> str:
    """A name that can be a folder, and that of nothing else."""
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} is no name of a task: small letters, digits and _ are, a letter first")
    if name in TAKEN:
        raise ValueError(f"{name} is a folder of the results already; give the task another name")
    return name


TaskName = Annotated[str, AfterValidator(check_task_name)]
