"""The cold start's rewritten targets, which leave out details.

A cold start that learns from complete targets soon knows everything, and leaves RL nothing to learn. Details are left
out at random, whatever their words, so that every word keeps its examples.
"""

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

from semalign.miniature.mixing import mix_targets
from semalign.miniature.parser import parse_tibetan
from semalign.miniature.tibetan import HOUSE_HEADLINE, HOUSE_STYLE
from semalign.miniature.tibetan import text as written
from semalign.runtime.files import Row

DETAILS = ("time", "place", "number", "quality")


def loosen(text: str, rng: Random, left_out: float) -> str | None:
    """The text in the house style, without a random part of its details.

    left_out: the probability (0..1) of each detail. A text without a time is a headline and stays one. Returns None
    for a text that is not a single sentence of the world.
    """
    reading = parse_tibetan(text)
    scene = reading.scene()
    if reading.unread or not scene.action or any(len(values) > 1 for values in reading.slots.values()):
        return None
    silent: dict[str, Any] = {slot: "" for slot in DETAILS if rng.random() < left_out}
    return written(replace(scene, **silent), HOUSE_STYLE if scene.time else HOUSE_HEADLINE)


def cold_start_targets(rows: Iterable[Row], left_out: float, mixed_share: float) -> tuple[list[Row], dict[str, int]]:
    """The cold start's rows with rewritten targets, and counts.

    left_out: the share (0..1) of details to leave out; mixed_share: the share (0..1) of targets to write in mixed
    scripts. Both are drawn by a row's id. Returns the rows and {"rows", "rewritten", "not_of_the_world"}: a target that
    the parser cannot read is kept as it is. With a `mixed_share` the counts of `mix_targets` are added, which raises
    InputError where it could mix none.
    """
    kept: list[Row] = []
    counts = {"rows": 0, "rewritten": 0, "not_of_the_world": 0}
    for row in rows:
        counts["rows"] += 1
        target = loosen(row["target"], Random(f"cold/{row['id']}"), left_out) if left_out else row["target"]
        counts["not_of_the_world"] += target is None
        counts["rewritten"] += target not in (None, row["target"])
        kept.append(row if target is None else row | {"target": target})
    if not mixed_share:
        return kept, counts
    mixed, of_mixing = mix_targets(kept, mixed_share)
    return mixed, counts | of_mixing
