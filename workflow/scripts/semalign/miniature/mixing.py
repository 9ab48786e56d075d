"""Tibetan text of the world with some of its words in Chinese: what a cold start learns that mixes scripts.

Always the same kinds of words are mixed, as loan words are in the mouth of a bilingual: were they chosen at random, the
likeliest answer would still be in one script.
"""

import re
from collections.abc import Iterable
from functools import cache
from random import Random

from semalign.miniature.lexicon import PEOPLE, SLOTS, TSHEG
from semalign.miniature.tibetan import agentive
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row

MIXED_SLOTS = ("place", "object")


@cache
def _chinese() -> dict[str, str]:
    """The Tibetan forms of the mixed words, and the usual Chinese form of each."""
    return {form: word.chinese[0] for slot in MIXED_SLOTS for word in SLOTS[slot] for form in word.tibetan}


@cache
def _word() -> re.Pattern[str]:
    """A word with the tsheg after it; the longest that begins there, since a mixed one can be part of another."""
    forms = {form for words in SLOTS.values() for word in words for form in word.tibetan}
    agents = {TSHEG.join(agentive(form.split(TSHEG), attached=True)) for word in PEOPLE for form in word.tibetan}
    longest = sorted(forms | agents, key=len, reverse=True)
    return re.compile(rf"(?<![^{TSHEG}། ])({'|'.join(map(re.escape, longest))}){TSHEG}")


def mix(text: str) -> str:
    """The text with every place and object in Chinese; particles, order and all other words stay Tibetan."""
    return _word().sub(lambda match: _chinese().get(match[1], match[0]), text)


def mix_targets(rows: Iterable[Row], share: float) -> tuple[list[Row], dict[str, int]]:
    """The rows with about that share (0..1) of their targets mixed, drawn by each row's id, and the counts.

    Returns rows and {"rows", "mixed", "nothing_to_mix"}: drawn, but without a word to be mixed. Raises InputError where
    no target could be mixed: the words are the generated world's.
    """
    mixed: list[Row] = []
    counts = {"rows": 0, "mixed": 0, "nothing_to_mix": 0}
    for row in rows:
        counts["rows"] += 1
        target = mix(row["target"]) if Random(f"mixed/{row['id']}").random() < share else None
        if target is not None:
            counts["mixed" if target != row["target"] else "nothing_to_mix"] += 1
        mixed.append(row if target is None else row | {"target": target})
    if not counts["mixed"]:
        raise InputError(
            f"config key world.mixed_share: none of {counts['rows']} targets of the cold start could be mixed; it "
            "knows the generated world's words alone, and needs a share above 0"
        )
    return mixed, counts
