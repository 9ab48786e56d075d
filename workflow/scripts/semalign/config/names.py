"""Names that users choose for tasks, models, benchmarks and metrics; they become folders of the results and columns."""

import re
from typing import Annotated

from pydantic import AfterValidator

# Folders that the workflow makes beside those of tasks, in `results` and in `results/data`.
TAKEN = {"base", "benchmarks", "cmrc", "configs", "data", "downloads", "encoders", "figures", "judge_cache", "logs"}
TAKEN |= {"models", "release", "replay", "search", "sources", "tracking", "unfinished", "world"}


def check_form(name: str) -> str:
    """The name. Raises ValueError where it cannot be a folder and a column."""
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} must be made of small letters, digits and _, a letter first")
    return name


def check_task_name(name: str) -> str:
    """A name that can be a folder, and that of nothing else."""
    if check_form(name) in TAKEN:
        raise ValueError(f"{name} is a folder of the results already; give the task another name")
    return name


TaskName = Annotated[str, AfterValidator(check_task_name)]
