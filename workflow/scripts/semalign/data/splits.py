"""Dividing a task's pairs into cold start, RL, dev and test, with no document and no source text on two sides."""

import random
from collections.abc import Sequence
from typing import Any

from semalign.config.data import Split
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.text.matching import comparable

Splits = dict[str, list[Row]]
Groups = list[list[Row]]


def split_pairs(
    train: Sequence[Row], test: Sequence[Row] | None, settings: Split | None, *, key: str
) -> tuple[Splits, dict[str, Any]]:
    """({"cold", "rl", "dev", "test"}, report) from prepared rows; a group is never cut.

    The groups are shuffled by `settings.seed` and dealt out whole, each part until it has its size: test (unless `test`
    is given, which stays as it is), dev, cold, rl; so no size changes the parts before it. Training rows that share a
    group or a source text with test are dropped before dev is dealt, those that share one with dev before cold is.
    Texts and groups are the same where `matching.comparable` says so.
    Neither the order of `train` nor the Python version matters.

    The report: `asked` and `sizes` of the parts, `groups` in each; `dropped` {test | dev: {same_group | same_pair |
    same_source: rows}}; `unused` rows; `targets_seen_in_training` {test | dev: rows whose target is also one of cold's
    or rl's}, which are kept. `key` is the settings' place in the config; without settings there is a test set alone,
    and the other parts are empty. Raises InputError where rows are too few.
    """
    if not test and (settings is None or settings.test is None):
        raise InputError(f"config key {key}: the test set is empty; see what its report says was dropped, or set test")
    if settings is None:
        alone: Splits = {"test": list(test or ()), "dev": [], "cold": [], "rl": []}
        return alone, _report(alone, asked=dict.fromkeys(alone), dropped={}, unused=0)
    asked = {"test": settings.test, "dev": settings.dev, "cold": settings.cold, "rl": settings.rl}
    groups = _shuffled_groups(train, settings.seed)
    sources = {row["id"]: comparable(row["source"]) for row in train}
    parts: Splits = {}
    dropped: dict[str, dict[str, int]] = {}
    for name, wanted in asked.items():
        if name == "test" and test:
            parts[name] = list(test)
        else:
            parts[name], groups = _deal(groups, wanted)
            if len(parts[name]) < (wanted or 1):
                raise _too_few(f"{key}.{name}", wanted, len(parts.pop(name)), len(train), parts, dropped)
        if name in ("test", "dev"):
            groups, dropped[name] = _without_overlap(groups, parts[name], sources)
    return parts, _report(parts, asked=asked, dropped=dropped, unused=sum(map(len, groups)))


def _report(parts: Splits, **counts: Any) -> dict[str, Any]:
    return {
        "asked": counts["asked"],
        "sizes": {name: len(rows) for name, rows in parts.items()},
        "groups": {name: len({comparable(row["group"]) for row in rows}) for name, rows in parts.items()},
        "dropped": counts["dropped"],
        "unused": counts["unused"],
        "targets_seen_in_training": _targets_seen(parts),
    }


def _shuffled_groups(rows: Sequence[Row], seed: int) -> Groups:
    """Rows by group, in an order that depends on their ids and the seed alone."""
    groups: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row["id"]):
        groups.setdefault(comparable(row["group"]), []).append(row)
    ordered = list(groups.values())
    random.Random(seed).shuffle(ordered)
    return ordered


def _deal(groups: Groups, wanted: int | None) -> tuple[list[Row], Groups]:
    """Whole groups until `wanted` rows are reached (all, when None), and the groups left."""
    dealt: list[Row] = []
    for number, group in enumerate(groups):
        if wanted is not None and len(dealt) >= wanted:
            return dealt, groups[number:]
        dealt.extend(group)
    return dealt, []


def _without_overlap(groups: Groups, held_out: Sequence[Row], sources: dict[str, str]) -> tuple[Groups, dict[str, int]]:
    """The groups without the rows that share a group or a source text with held-out ones, and counts by reason.

    `sources` has each row's source text as it is compared, by its id.
    """
    names = {comparable(row["group"]) for row in held_out}
    targets: dict[str, set[str]] = {}
    for row in held_out:
        targets.setdefault(comparable(row["source"]), set()).add(comparable(row["target"]))
    counts = {"same_group": 0, "same_pair": 0, "same_source": 0}
    kept: Groups = []
    for group in groups:
        if comparable(group[0]["group"]) in names:
            counts["same_group"] += len(group)
            continue
        rest = []
        for row in group:
            source = sources[row["id"]]
            if source in targets:
                counts["same_pair" if comparable(row["target"]) in targets[source] else "same_source"] += 1
            else:
                rest.append(row)
        if rest:
            kept.append(rest)
    return kept, counts


def _targets_seen(parts: Splits) -> dict[str, int]:
    seen = {comparable(row["target"]) for name in ("cold", "rl") for row in parts[name]}
    return {name: sum(comparable(row["target"]) in seen for row in parts[name]) for name in ("test", "dev")}


def _too_few(
    key: str, wanted: int | None, got: int, available: int, parts: Splits, dropped: dict[str, dict[str, int]]
) -> InputError:
    before = [f"{len(rows)} to {name}" for name, rows in parts.items()]
    before += [f"{sum(counts.values())} dropped for sharing text with {name}" for name, counts in dropped.items()]
    asked = "at least one pair is needed" if wanted is None else f"{wanted} pairs are asked for"
    return InputError(
        f"config key {key}: {asked}, {got} are left of {available} in the training pool"
        f"{' (' + ', '.join(before) + ')' if before else ''}; ask for fewer or give more data, and see in "
        "the reports beside the prepared and the filtered pairs what was dropped before"
    )
