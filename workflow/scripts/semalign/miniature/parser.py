"""Reads a sentence of the world, faulty or not, back into its slots.

Words are found by the longest match; what belongs to no word is counted as unread. A person is the companion where
the companion's particle stands beside the word, else the subject.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from semalign.miniature import chinese, tibetan
from semalign.miniature.lexicon import OBJECTS, SLOTS, STATE_SLOTS, TSHEG
from semalign.miniature.scenes import Scene

Form = tuple[str, ...]  # a word as the units of its script: syllables or characters
Mention = tuple[str, str]  # slot, value

_PERSON, _WITH, _GRAMMAR = "person", "with", ""
_TIBETAN_UNIT = re.compile(r"[ༀ-༊ཀ-࿿]+|[^\s་༌།]+")
_CHINESE_MARKS = "，。！？：；、 "


@dataclass(frozen=True)
class Reading:
    """What a text says: the values found for each slot, in their order, repetitions included, and what was not read.

    The polarity is "no" for each negation; "yes" for a text with an action and without negation.
    """

    slots: dict[str, tuple[str, ...]]
    unread: int

    def scene(self) -> Scene:
        """The first value of each slot, as a scene."""
        values = {slot: self.slots[slot][0] for slot in SLOTS if slot in self.slots}
        return Scene(**values, negated="no" in self.slots.get("polarity", ()))


def _add_words(forms: dict[Form, Mention], language: str) -> None:
    for slot, words in (SLOTS | STATE_SLOTS).items():
        kind = _PERSON if slot in ("subject", "companion") else slot
        for entry in words:
            for text in entry.chinese if language == "chinese" else entry.tibetan:
                form = tuple(text) if language == "chinese" else tuple(text.split(TSHEG))
                forms[form] = (kind, entry.name)
                if kind == _PERSON and language == "tibetan":
                    forms[tuple(tibetan.agentive(list(form), attached=True))] = (kind, entry.name)


@cache
def _chinese_forms() -> dict[Form, Mention]:
    forms: dict[Form, Mention] = {}
    _add_words(forms, "chinese")
    grammar = ["在", "一起", "了", "的", *chinese.DEGREES]
    forms |= {tuple(text): (_GRAMMAR, "") for text in grammar}
    forms |= {tuple(entry.classifier): (_GRAMMAR, "") for entry in OBJECTS}
    forms |= {tuple(text): (_WITH, "") for text in ("和", "跟", "同")}
    return forms | {tuple(text): ("polarity", "no") for text in ("没有", "没")}


@cache
def _tibetan_forms() -> dict[Form, Mention]:
    forms: dict[Form, Mention] = {}
    _add_words(forms, "tibetan")
    grammar = ["ཀྱིས", "གིས", "གྱིས", "ཡིས", "སོང", "རེད", "པ", "བ", *tibetan.LOCATIVES, *tibetan.COMPANIONS]
    forms |= {tuple(text.split(TSHEG)): (_GRAMMAR, "") for text in [*grammar, "ཧ་ཅང"]}
    return forms | {("དང",): (_WITH, ""), ("མ",): ("polarity", "no"), ("མེད",): ("polarity", "no")}


def _match(units: list[str], forms: dict[Form, Mention]) -> tuple[list[Mention], int]:
    """The words found from left to right, the longest first, and the number of units in none of them."""
    longest = max(len(form) for form in forms)
    found: list[Mention] = []
    unread, position = 0, 0
    while position < len(units):
        for length in range(min(longest, len(units) - position), 0, -1):
            if mention := forms.get(tuple(units[position : position + length])):
                found.append(mention)
                position += length
                break
        else:
            unread += 1
            position += 1
    return found, unread


def _collect(mentions: Iterable[Mention], unread: int) -> Reading:
    slots: dict[str, tuple[str, ...]] = {}
    for slot, value in mentions:
        if slot not in (_GRAMMAR, _WITH):
            slots[slot] = (*slots.get(slot, ()), value)
    if "action" in slots:
        slots.setdefault("polarity", ("yes",))
    return Reading(slots, unread)


def parse_chinese(text: str) -> Reading:
    """The slots of a Chinese text."""
    found, unread = _match([c for c in text if c not in _CHINESE_MARKS], _chinese_forms())
    before = [("", ""), *found]
    people = {
        i: "companion" if before[i][0] == _WITH else "subject" for i, (slot, _) in enumerate(found) if slot == _PERSON
    }
    return _collect(((people.get(i, slot), value) for i, (slot, value) in enumerate(found)), unread)


def parse_tibetan(text: str) -> Reading:
    """The slots of a Tibetan text."""
    found, unread = _match(_TIBETAN_UNIT.findall(text), _tibetan_forms())
    after = [*found[1:], ("", "")]
    people = {
        i: "companion" if after[i][0] == _WITH else "subject" for i, (slot, _) in enumerate(found) if slot == _PERSON
    }
    return _collect(((people.get(i, slot), value) for i, (slot, value) in enumerate(found)), unread)


