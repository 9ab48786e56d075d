"""Figures that property tests draw, and the score files of runs that have them."""

import itertools
from pathlib import Path

from hypothesis import strategies as st

from semalign.statistics.bootstrap import Interval
from tests.unit.scored import write_judge, write_likelihood, write_run

SHARES = st.integers(0, 20).map(lambda twentieths: twentieths / 20)
TASKS = ("mt", "hg")


@st.composite
def measured(draw: st.DrawFn, items: int = 4) -> dict[tuple[str, str, int], list[float]]:
    """Figures by item of every task, model and seed."""
    seeds = draw(st.integers(1, 3))
    return {
        (task, model, seed): draw(st.lists(SHARES, min_size=items, max_size=items))
        for task in TASKS
        for model in ("cold_sft", "strong_sft", "rl")
        for seed in range(seeds)
    }


def scored(folder: Path, figures: dict[tuple[str, str, int], list[float]]) -> list[int]:
    """The figures written down as runs; the seeds."""
    write_run(folder, "base", list(TASKS), [0.1] * 4)
    write_likelihood(folder, "base", [1.0] * 4, None)
    for (task, model, seed), values in figures.items():
        right = [100.0 * (value > 0.5) for value in values]
        write_run(folder, f"{task}/{model}/{seed}", [task], values, right)
        write_likelihood(folder, f"{task}/{model}/{seed}", values, [value / 2 for value in values])
    seeds = sorted({seed for _, _, seed in figures})
    for task, seed in itertools.product(TASKS, seeds):
        pairs = zip(figures[task, "strong_sft", seed], figures[task, "rl", seed], strict=True)
        write_judge(folder, task, seed, [1 if one > two else 2 if two > one else 0 for one, two in pairs])
    return seeds


def bounds(found: Interval) -> tuple[float, float]:
    return found.low, found.high
