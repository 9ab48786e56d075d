"""A comparison judged by language models: the judge, the judge again on a share, a second judge on a share."""

from collections.abc import Callable, Sequence

from semalign.config.judge import LlmJudge, Service
from semalign.judging.asking import Asking
from semalign.judging.cache import Cache
from semalign.judging.protocol import Comparison, drawn, verdict_rows
from semalign.judging.questions import Round
from semalign.runtime.files import Row

SIDE = (
    "forward",
    "backward",
    "consistent",
    "winner",
    "reasons",
    "problems",
    "attempts",
    "input_tokens",
    "output_tokens",
)
"""What a side round adds to an item's row."""


def judge_with_models(
    judge: LlmJudge,
    template: str,
    ids: Sequence[str],
    asked: Sequence[Comparison],
    seed: int,
    cache: Cache,
    others: int,
    check: Callable[[], None],
) -> list[Row]:
    """Verdict rows of all items, with `again` (the same judge) and `second_judge` (another) of the items drawn.

    `asked` are the comparisons of `ids` by this seed. `others`: comparisons of other runs that are still to come;
    `check` raises where the job is to stop. Raises InputError as `Asking.decide`.
    """
    rounds = {"judge": Round(judge, 0, asked)}
    shares: dict[str, tuple[Service, int, float]] = {"again": (judge, 1, judge.self_agreement)}
    if judge.second:
        shares["second_judge"] = (judge.second, 0, judge.second.share)
    for name, (service, repeat, share) in shares.items():
        chosen = drawn(ids, share, seed, name)
        if chosen:
            rounds[name] = Round(service, repeat, [one for one in asked if one.item in chosen])
    decisions = Asking(judge, template, cache, check).decide(list(rounds.values()), others)
    found = {
        name: verdict_rows(ids, one.asked, decided, seed)
        for (name, one), decided in zip(rounds.items(), decisions, strict=True)
    }
    rows = found.pop("judge")
    by_id = {row["id"]: row for row in rows}
    for name, side in found.items():
        for row in side:
            by_id[row["id"]][name] = {key: row[key] for key in SIDE}
    return rows
