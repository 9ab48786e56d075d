"""Dividing a task's pairs into cold start, RL, dev and test, with no document and no source text on two sides."""

import random
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any, NamedTuple

from semalign.config.data import Split
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.text.matching import comparable


class _Pair(NamedTuple):
    """A row as it is divided: texts by their digests, which take little memory."""

    id: str
    group: int
    source: int
    target: int
    row: Any


Groups = list[list[_Pair]]
Parts = dict[str, list[_Pair]]


def split_pairs(
    train: Iterable[Row],
    test: Iterable[Row] | None,
    settings: Split | None,
    *,
    key: str,
    kept: Callable[[Row], Any] = lambda row: row,
) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """({"cold", "rl", "dev", "test"}, report) from prepared rows; a group is never cut.

    The groups are shuffled by `settings.seed` and dealt out whole, each part until it has its size: test (unless `test`
    is given, which stays as it is), dev, cold, rl; so no size changes the parts before it. Training rows that share a
    group or a source text with test are dropped before dev is dealt, those that share one with dev before cold is.
    Texts and groups are the same where `matching.comparable` says so.
    Neither the order of `train` nor the Python version matters. The parts hold what `kept` gives for a row: itself, or
    its place in a file, where there are too many to be held.

    The report: `asked` and `sizes` of the parts, `groups` in each; `dropped` {test | dev: {same_group | same_pair |
    same_source: rows}}; `unused` rows; `targets_seen_in_training` {test | dev: rows whose target is also one of cold's
    or rl's}, which are kept. `key` is the settings' place in the config; without settings there is a test set alone,
    and the other parts are empty. Raises InputError where rows are too few.
    """
    given = [_pair(row, kept) for row in test or ()]
    if not given and (settings is None or settings.test is None):
        raise InputError(f"config key {key}: the test set is empty; see what its report says was dropped, or set test")
    if settings is None:
        alone: Parts = {"test": given, "dev": [], "cold": [], "rl": []}
        report = _report(alone, asked=dict.fromkeys(alone), dropped={}, unused=0)
        return {name: [pair.row for pair in pairs] for name, pairs in alone.items()}, report
    asked = {"test": settings.test, "dev": settings.dev, "cold": settings.cold, "rl": settings.rl}
    groups = _shuffled_groups((_pair(row, kept) for row in train), settings.seed)
    available = sum(map(len, groups))
    parts: Parts = {}
    dropped: dict[str, dict[str, int]] = {}
    for name, wanted in asked.items():
        if name == "test" and given:
            parts[name] = given
        else:
            parts[name], groups = _deal(groups, wanted)
            if len(parts[name]) < (wanted or 1):
                raise _too_few(f"{key}.{name}", wanted, len(parts.pop(name)), available, parts, dropped)
        if name in ("test", "dev"):
            groups, dropped[name] = _without_overlap(groups, parts[name])
    report = _report(parts, asked=asked, dropped=dropped, unused=sum(map(len, groups)))
    return {name: [pair.row for pair in pairs] for name, pairs in parts.items()}, report


def _report(parts: Parts, **counts: Any) -> dict[str, Any]:
    return {
        "asked": counts["asked"],
        "sizes": {name: len(pairs) for name, pairs in parts.items()},
        "groups": {name: len({pair.group for pair in pairs}) for name, pairs in parts.items()},
        "dropped": counts["dropped"],
        "unused": counts["unused"],
        "targets_seen_in_training": _targets_seen(parts),
    }


def _pair(row: Row, kept: Callable[[Row], Any]) -> _Pair:
    group, source, target = (_digest(comparable(row[name])) for name in ("group", "source", "target"))
    return _Pair(row["id"], group, source, target, kept(row))


def _digest(text: str) -> int:
    """Stands for a text in little memory; among a million, two different ones share it with a chance of 1e-27."""
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest(), "little")


def _shuffled_groups(pairs: Iterable[_Pair], seed: int) -> Groups:
    """Pairs by group, in an order that depends on their ids and the seed alone."""
    groups: dict[int, list[_Pair]] = {}
    for pair in sorted(pairs, key=attrgetter("id")):
        groups.setdefault(pair.group, []).append(pair)
    ordered = list(groups.values())
    random.Random(seed).shuffle(ordered)
    return ordered


def _deal(groups: Groups, wanted: int | None) -> tuple[list[_Pair], Groups]:
    """Whole groups until `wanted` pairs are reached (all, when None), and the groups left."""
    dealt: list[_Pair] = []
    for number, group in enumerate(groups):
        if wanted is not None and len(dealt) >= wanted:
            return dealt, groups[number:]
        dealt.extend(group)
    return dealt, []


def _without_overlap(groups: Groups, held_out: Sequence[_Pair]) -> tuple[Groups, dict[str, int]]:
    """The groups without the pairs that share a group or a source text with held-out ones, and counts by reason."""
    names = {pair.group for pair in held_out}
    targets: dict[int, set[int]] = {}
    for pair in held_out:
        targets.setdefault(pair.source, set()).add(pair.target)
    counts = {"same_group": 0, "same_pair": 0, "same_source": 0}
    kept: Groups = []
    for group in groups:
        if group[0].group in names:
            counts["same_group"] += len(group)
            continue
        rest = []
        for pair in group:
            if pair.source in targets:
                counts["same_pair" if pair.target in targets[pair.source] else "same_source"] += 1
            else:
                rest.append(pair)
        if rest:
            kept.append(rest)
    return kept, counts


def _targets_seen(parts: Parts) -> dict[str, int]:
    seen = {pair.target for name in ("cold", "rl") for pair in parts[name]}
    return {name: sum(pair.target in seen for pair in parts[name]) for name in ("test", "dev")}


def _too_few(
    key: str, wanted: int | None, got: int, available: int, parts: Parts, dropped: dict[str, dict[str, int]]
) -> InputError:
    before = [f"{len(rows)} to {name}" for name, rows in parts.items()]
    before += [f"{sum(counts.values())} dropped for sharing text with {name}" for name, counts in dropped.items()]
    asked = "at least one pair is needed" if wanted is None else f"{wanted} pairs are asked for"
    return InputError(
        f"config key {key}: {asked}, {got} are left of {available} in the training pool"
        f"{' (' + ', '.join(before) + ')' if before else ''}; ask for fewer or give more data, and see in "
        "the reports beside the prepared and the filtered pairs what was dropped before"
    )
