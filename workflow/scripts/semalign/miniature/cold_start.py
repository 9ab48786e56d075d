"""The cold start's targets, written anew: loosely, with details left out.

A cold start that is given everything soon knows everything, and leaves RL nothing to learn. Details are left out by
chance and not by word, so that no word is missing for lack of examples.
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
    """The text in the house style, each of its details left out with the probability.

    A text without a time is a headline and stays one. None where it is no single sentence of the world.
    """
    reading = parse_tibetan(text)
    scene = reading.scene()
    if reading.unread or not scene.action or any(len(values) > 1 for values in reading.slots.values()):
        return None
    silent: dict[str, Any] = {slot: "" for slot in DETAILS if rng.random() < left_out}
    return written(replace(scene, **silent), HOUSE_STYLE if scene.time else HOUSE_HEADLINE)


def cold_start_targets(rows: Iterable[Row], left_out: float, mixed_share: float) -> tuple[list[Row], dict[str, int]]:
    """The cold start's rows with these shares (0..1) of their details left out, and of their targets in mixed scripts,
    drawn by each row's id; and the counts.

    Returns rows and {"rows", "rewritten", "not_of_the_world"}: texts that the parser cannot read stay as they are, and
    with no share left out all do. With a `mixed_share` also the counts of `mix_targets`, which raises InputError where
    none could be mixed.
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
