"""How often Snakemake's scheduler looks for jobs that can begin."""

from time import monotonic
from typing import Any


def one_at_a_time(scheduler: Any) -> None:
    """Let it wait for one look at a time.

    To keep its limit of jobs a second (--max-jobs-per-timespan; there always is one) Snakemake looks again when that
    second is over, and does so after every look: each job that ends begins another endless chain of them, so that after
    some hundred jobs it is busy with nothing else. Known: snakemake issue 2967.
    """
    look_again = scheduler._schedule_reevalutation
    due = 0.0

    def look_again_once(delay: float) -> None:
        nonlocal due
        if monotonic() >= due:
            due = monotonic() + delay
            look_again(delay)

    scheduler._schedule_reevalutation = look_again_once
