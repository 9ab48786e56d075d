"""Every run's figures on the test sets as they are and on resamples of their units, the same for all runs.

Units are the task's test items, the passages of the reading-comprehension questions, and the passages of the KL; each
of the three is drawn by itself. A difference between runs is paired by item, and an area follows from both its axes.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from semalign.config.statistics import Statistics
from semalign.frontier.curves import ADEQUACY, KL
from semalign.runtime.errors import InputError
from semalign.statistics.bootstrap import resampled
from semalign.statistics.intervals import estimator
from semalign.statistics.retained import Retained

Drawn = dict[str, dict[str, np.ndarray]]
"""{figure: {run: (1 + resamples,)}}; the first is the whole test set's."""
ITEMS, QUESTIONS, PASSAGES = range(3)  # each drawn by a stream of its own


def drawn(
    results: Path, task: str, runs: Sequence[str], forgetting: bool, statistics: Statistics, primary: Retained
) -> Drawn:
    """Figures of adequacy and cost, those that all runs have; `primary` is the benchmark whose loss is a tax. The base
    has no KL to itself: it is 0.

    Raises InputError where the runs were not measured on the same items.
    """
    streams = dict.fromkeys(ADEQUACY, ITEMS) | {primary.main: QUESTIONS} | ({KL: PASSAGES} if forgetting else {})
    found: Drawn = {}
    for figure, stream in streams.items():
        measured = [run for run in runs if (figure, run) != (KL, "base")]
        of = {run: estimator(results, task, figure, [run], [primary]) for run in measured}
        known = {run: one for run, one in of.items() if one is not None and not np.isnan(one.whole())}
        if len(known) < len(of):
            continue
        first = known[measured[0]]
        for run, one in known.items():
            if (one.keys, one.n) != (first.keys, first.n):
                raise InputError(
                    f"{run} and {measured[0]} were not measured on the same items: delete their scores and run again"
                )
        values = {run: np.append(one.whole(), resampled(one, statistics, stream)) for run, one in known.items()}
        found[figure] = {run: values.get(run, np.zeros(1 + statistics.resamples)) for run in runs}
    return found
