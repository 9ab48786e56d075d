"""Blind pairwise judgement: every item in both orders, a win only where both orders agree.

The comparer sees the source and two candidates and nothing else: no system names, no reference.
"""

import random
from collections.abc import Callable
from typing import Any

from semalign.errors import InputError
from semalign.files import Journal, Row
from semalign.workspace import Workspace

Compare = Callable[[str, str, str], int]
"""(source, candidate in slot 1, candidate in slot 2) -> 1 or 2, the better; 0, equal."""

OTHER = {0: 0, 1: 2, 2: 1}


def judge_pairs(first: list[Row], second: list[Row], compare: Compare, seed: int, workspace: Workspace) -> list[Row]:
    """Verdicts on two systems' answers to the same items.

    Each item's decisions are written down in the workspace; those that an earlier run left are not asked for again.

    Rows hold `id`, `source` and `output`. Which system fills slot 1 in the first order, and the order of the items,
    come from the seed. Each verdict row holds both raw decisions and the `winner`: 1 (first system), 2 or 0 (a tie:
    [[0]] or disagreement of the two orders).
    """
    if [row["id"] for row in first] != [row["id"] for row in second]:
        raise InputError("the two systems' answers are not to the same items in the same order")
    rng = random.Random(seed)
    swapped = {row["id"]: rng.random() < 0.5 for row in first}
    pairs = list(zip(first, second, strict=True))
    rng.shuffle(pairs)
    journal = Journal(workspace.folder / "decisions.jsonl")
    decided = {row["id"]: (row["forward"], row["backward"]) for row in journal.rows}
    verdicts = {}
    for a, b in pairs:
        if a["id"] not in decided:
            workspace.check()
            one, two = (b, a) if swapped[a["id"]] else (a, b)
            forward = compare(a["source"], one["output"], two["output"])
            backward = compare(a["source"], two["output"], one["output"])
            journal.append([{"id": a["id"], "forward": forward, "backward": backward}])
            decided[a["id"]] = forward, backward
        forward, backward = decided[a["id"]]
        consistent = forward == OTHER[backward]
        winner = (OTHER[forward] if swapped[a["id"]] else forward) if consistent else 0
        verdicts[a["id"]] = {
            "id": a["id"],
            "swapped": swapped[a["id"]],
            "forward": forward,
            "backward": backward,
            "consistent": consistent,
            "winner": winner,
        }
    return [verdicts[row["id"]] for row in first]


def summarise(verdicts: list[Row], names: tuple[str, str]) -> dict[str, Any]:
    """Wins of each system and ties in percent of all items, consistency of the two orders, bias to the first slot.

    `single_order_win` counts the first order alone. `first_slot_share` is the share of slot 1 among decided calls, 50
    without bias, null when no call decided.
    """
    n = len(verdicts)

    def percent(count: int) -> float:
        return 100 * count / n

    def single(system: int) -> int:
        return sum(v["forward"] == (OTHER[system] if v["swapped"] else system) for v in verdicts)

    calls = [decision for v in verdicts for decision in (v["forward"], v["backward"]) if decision]
    return {
        "n": n,
        "win": {name: percent(sum(v["winner"] == i for v in verdicts)) for i, name in enumerate(names, 1)},
        "tie": percent(sum(v["winner"] == 0 for v in verdicts)),
        "single_order_win": {name: percent(single(i)) for i, name in enumerate(names, 1)},
        "position_consistency": percent(sum(v["consistent"] for v in verdicts)),
        "first_slot_share": 100 * calls.count(1) / len(calls) if calls else None,
    }
