"""Which jobs Snakemake examines when it plans: also those behind what is `ancient` for them."""

from collections import deque
from collections.abc import Iterator
from typing import Any


def examine_behind_ancient(dag: Any) -> None:
    """Let a DAG's plan examine jobs behind one that runs again, where all that joins them is `ancient`.

    Snakemake examines no job behind one that runs again, since it expects to run them all; but those to which only
    `ancient` files lead it does not run. So they stay as they were, whatever of their own has changed or is missing:
    with another bar of a gate and another learning rate at once it would check the gate and train nothing.
    """
    plan = dag.update_needrun

    async def plan_all(self: Any, *arguments: Any, **named: Any) -> None:
        self.bfs = _certain_to_run  # while it plans, what is to be left unexamined is all that it asks this for
        try:
            await plan(self, *arguments, **named)
        finally:
            del self.bfs

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
