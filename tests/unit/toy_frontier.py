"""A toy frontier whose figures can be worked out by hand: SFT and RL on two items, two seeds."""

import json
from pathlib import Path

from semalign.config.statistics import Statistics
from semalign.frontier.curves import Curve
from semalign.frontier.taxes import Request, Tax, taxes
from tests.unit.scored import CMRC, write_likelihood, write_run

RESAMPLES = 200
CURVES: dict[str, Curve] = {
    "sft": {"unit": "pairs", "points": [(0, "base"), (10, "sft-10"), (None, "strong_sft")]},
    "rl": {"unit": "steps", "points": [(0, "cold_sft"), (5, "rl@5"), (None, "rl")]},
}
RIGHT, HALF = [100.0, 100.0, 100.0, 100.0], [100.0, 0.0, 100.0, 0.0]  # two questions a passage
ONE_PASSAGE = [100.0, 100.0, 0.0, 0.0]


def point(results: Path, run: str, similarity: list[float], em: list[float], kl: list[float] | None) -> None:
    write_run(results, run, ["mt"], similarity, em)
    write_likelihood(results, run, [1.0] * 4, kl)


def write_papers(results: Path, seeds: tuple[int, ...] = (0, 1), strong: list[float] = HALF) -> None:
    """SFT at .2, .4, .8 and RL at .3, .5, .6 in every item; only strong SFT loses comprehension, half of it."""
    point(results, "base", [0.2] * 2, RIGHT, None)
    for seed in seeds:
        point(results, f"mt/sft-10/{seed}", [0.4] * 2, RIGHT, [0.1] * 4)
        point(results, f"mt/strong_sft/{seed}", [0.8] * 2, strong, [0.5] * 4)
        point(results, f"mt/cold_sft/{seed}", [0.3] * 2, RIGHT, [0.05] * 4)
        point(results, f"mt/rl@5/{seed}", [0.5] * 2, RIGHT, [0.06] * 4)
        point(results, f"mt/rl/{seed}", [0.6] * 2, RIGHT, [0.07] * 4)
        for model, content in (("strong_sft", {"examples": 30}), ("rl", {"steps": 9})):
            (results / f"mt/{model}/{seed}/training.json").write_text(json.dumps(content))


def compared(results: Path, curves: dict[str, Curve] = CURVES, seeds: tuple[int, ...] = (0, 1)) -> list[Tax]:
    statistics = Statistics(resamples=RESAMPLES)
    return taxes(Request(results, ["mt"], list(seeds), curves, forgetting=True, statistics=statistics, primary=CMRC))


def one(found: list[Tax], measure: str, method: str, against: str | None = None, cost: str = "cmrc_avg") -> Tax:
    """By the declared adequacy."""
    [only] = [
        tax
        for tax in found
        if (tax.primary, tax.measure, tax.method, tax.against, tax.cost) == (True, measure, method, against, cost)
    ]
    return only
