"""Blind pairwise comparison: every item in both orders, a win only where both orders agree.

A judge sees the source and two candidates and nothing else: no system names, no reference.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from semalign.resume.journal import Journal
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.runtime.progress import Progress
from semalign.runtime.workspace import Workspace

Compare = Callable[[str, str, str], int]
"""(source, candidate in slot 1, candidate in slot 2) -> 1 or 2, the better; 0, equal."""

OTHER = {0: 0, 1: 2, 2: 1}
ORDERS = ("forward", "backward")


@dataclass(frozen=True)
class Comparison:
    """What a judge is asked once: an item's source and both candidates in one of the two orders."""

    item: str
    order: str
    source: str
    first: str
    second: str


@dataclass(frozen=True)
class Decision:
    """1 or 2, the better slot; 0, equal; None, no verdict was to be had.

    reason: the judge's words, where it has any. problem: why there is no verdict. attempt: the last, from 1. Tokens: of
    all attempts.
    """

    value: int | None
    reason: str | None = None
    problem: str | None = None
    attempt: int = 1
    input_tokens: int = 0
    output_tokens: int = 0


Judge = Callable[[Sequence[Comparison]], list[Decision]]
"""Decides comparisons, each by itself."""


def _slots(ids: Sequence[str], seed: int) -> tuple[dict[str, bool], list[str]]:
    """Whether the second system fills slot 1 in an item's forward order, and the order in which items are asked."""
    rng = random.Random(seed)
    swapped = {item: rng.random() < 0.5 for item in ids}
    order = list(ids)
    rng.shuffle(order)
    return swapped, order


def comparisons(first: Sequence[Row], second: Sequence[Row], seed: int) -> list[Comparison]:
    """Both orders of every item, items in an order of the seed, from which the slots of the systems come too.

    Rows hold `id`, `source` and `output`. Raises InputError where the two systems did not answer the same items.
    """
    ids = [row["id"] for row in first]
    if ids != [row["id"] for row in second]:
        raise InputError("the two systems' answers are not to the same items in the same order")
    swapped, order = _slots(ids, seed)
    pairs = {a["id"]: (b, a) if swapped[a["id"]] else (a, b) for a, b in zip(first, second, strict=True)}
    asked = []
    for item in order:
        one, two = pairs[item]
        asked.append(Comparison(item, "forward", one["source"], one["output"], two["output"]))
        asked.append(Comparison(item, "backward", one["source"], two["output"], one["output"]))
    return asked


def drawn(ids: Sequence[str], share: float, seed: int, purpose: str) -> set[str]:
    """A share of the items (see `drawn_number`), drawn by the seed for a purpose."""
    return set(random.Random(f"{seed} {purpose}").sample(list(ids), drawn_number(len(ids), share)))


def drawn_number(items: int, share: float) -> int:
    """How many of so many items a share is: at least one, none where the share is 0."""
    return min(items, max(1, round(share * items))) if share else 0


def verdict_rows(
    ids: Sequence[str], asked: Sequence[Comparison], decisions: Sequence[Decision], seed: int
) -> list[Row]:
    """A row for each item that was asked about, in the order of `ids`, all items of the comparison of this seed.

    `first` and `second` are the candidates of the forward order; `swapped` says that the second system stood first.
    `winner`: 1 (first system), 2, 0 (a tie: [[0]] or disagreement of the two orders) or None (unparsed: one of the two
    calls gave no verdict; `consistent` is None then too).
    """
    swapped, _ = _slots(ids, seed)
    shown = {c.item: c for c in asked if c.order == "forward"}
    decided = {(c.item, c.order): d for c, d in zip(asked, decisions, strict=True)}
    rows = []
    for item in ids:
        if item not in shown:
            continue
        both = {order: decided[item, order] for order in ORDERS}
        rows.append(
            {
                "id": item,
                "source": shown[item].source,
                "first": shown[item].first,
                "second": shown[item].second,
                "swapped": swapped[item],
                **_outcome(both["forward"].value, both["backward"].value, swapped[item]),
            }
            | {
                f"{name}s": {order: getattr(decision, name) for order, decision in both.items()}
                for name in ("reason", "problem", "attempt")
            }
            | {
                name: sum(getattr(decision, name) for decision in both.values())
                for name in ("input_tokens", "output_tokens")
            }
        )
    return rows


def _outcome(forward: int | None, backward: int | None, swapped: bool) -> Row:
    raw = {"forward": forward, "backward": backward}
    if forward is None or backward is None:
        return raw | {"consistent": None, "winner": None}
    consistent = forward == OTHER[backward]
    winner = (OTHER[forward] if swapped else forward) if consistent else 0
    return raw | {"consistent": consistent, "winner": winner}


def by_comparer(compare: Compare, workspace: Workspace) -> Judge:
    """A judge that asks a function, one comparison after the other.

    Decisions are written down in the workspace; those that an earlier run left are not asked for again.
    """

    def decide(asked: Sequence[Comparison]) -> list[Decision]:
        journal = Journal(workspace.folder / "decisions.jsonl")
        known = {(row["item"], row["order"]): row["value"] for row in journal.rows}
        progress = Progress("comparison", len(asked), len(known))
        for comparison in asked:
            key = comparison.item, comparison.order
            if key not in known:
                workspace.check()
                known[key] = compare(comparison.source, comparison.first, comparison.second)
                journal.append([{"item": key[0], "order": key[1], "value": known[key]}])
                progress.update(len(known))
        return [Decision(known[comparison.item, comparison.order]) for comparison in asked]

    return decide
