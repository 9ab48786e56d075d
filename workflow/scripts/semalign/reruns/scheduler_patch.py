"""Two patches of Snakemake: which jobs its planner examines, and how often its scheduler looks for jobs.

Both change private parts of Snakemake, so they are applied only to the versions that they were tested with. With
another version a warning says what differs, and the workflow runs without them.
"""

import logging
from collections import deque
from collections.abc import Iterator
from time import monotonic
from typing import Any

TESTED = ("9.27",)
_APPLIED = "_semalign_examines_behind_ancient"


def patch_planner(dag: Any, version: str, log: logging.Logger) -> None:
    """Let a class of DAGs examine jobs behind one that runs again, where all that joins them is `ancient`.

    Snakemake examines no job behind one that runs again, since it expects to run them all; but those to which only
    `ancient` files lead it does not run. So they stay as they were, whatever of their own has changed or is missing:
    with another limit of a benchmark and another learning rate at once it would prepare the benchmark and train
    nothing. Without the patch the same command, run a second time, does the rest. A second call changes nothing. Known:
    snakemake issue 4166.
    """
    plan = getattr(dag, "update_needrun", None)
    if getattr(plan, _APPLIED, False):
        return
    if plan is None or not hasattr(dag, "bfs") or not _tested(version):
        log.warning(
            f"Snakemake {version} was not tested with this workflow (tested: {', '.join(TESTED)}). Where data and "
            "settings of trainings change at once, run the same command twice."
        )
        return

    async def plan_all(self: Any, *arguments: Any, **named: Any) -> None:
        self.bfs = _certain_to_run  # while it plans, what is to be left unexamined is all that it asks this for
        try:
            await plan(self, *arguments, **named)
        finally:
            del self.bfs

    setattr(plan_all, _APPLIED, True)
    dag.update_needrun = plan_all


def _certain_to_run(depending: Any, job: Any) -> Iterator[Any]:
    """The job and all behind it that run because it does."""
    queue = deque([job])
    seen = {job}
    while queue:
        yield (one := queue.popleft())
        for behind, files in depending[one].items():
            if behind not in seen and not all(file.is_ancient for file in files):
                seen.add(behind)
                queue.append(behind)


def patch_scheduler(scheduler: Any, version: str, log: logging.Logger) -> None:
    """Let a scheduler wait for one look at a time.

    To keep its limit of jobs a second (--max-jobs-per-timespan; there always is one) Snakemake looks again when that
    second is over, and does so after every look: each job that ends begins another endless chain of them. The cost
    grows with the square of the jobs: for 400 jobs of 0.4 s on two cores Snakemake took 17 s of CPU in place of 10, and
    the run 139 s in place of 116. Known: snakemake issue 2967.
    """
    look_again = getattr(scheduler, "_schedule_reevalutation", None)  # so misspelt there
    if look_again is None or not _tested(version):
        log.warning(
            f"Snakemake {version} was not tested with this workflow (tested: {', '.join(TESTED)}). With many jobs it "
            "may become slow to start the next one."
        )
        return
    due = 0.0

    def look_again_once(delay: float) -> None:
        nonlocal due
        if monotonic() >= due:
            due = monotonic() + delay
            look_again(delay)

    scheduler._schedule_reevalutation = look_again_once


def _tested(version: str) -> bool:
    return ".".join(version.split(".")[:2]) in TESTED
