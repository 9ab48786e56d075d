"""Reads a sentence of the world, faulty or not, back into its slots.

Words are found by the longest match, whatever their order; what belongs to no word is counted as unread.
"""

import re
from dataclasses import dataclass
from functools import cache

from semalign.miniature import chinese, tibetan
from semalign.miniature.lexicon import OBJECTS, SLOTS, STATE_SLOTS, TSHEG
from semalign.miniature.scenes import Scene

Form = tuple[str, ...]  # a word as the units of its script: syllables or characters
Mention = tuple[str, str]  # slot, value

_GRAMMAR = ""
_TIBETAN_UNIT = re.compile(r"[ༀ-༊ཀ-࿿]+|[^\s་༌།ༀ-༊ཀ-࿿]+")  # another script's word ends where Tibetan begins
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


def _words(language: str) -> dict[Form, Mention]:
    forms: dict[Form, Mention] = {}
    for slot, words in (SLOTS | STATE_SLOTS).items():
        for entry in words:
            for text in entry.chinese if language == "chinese" else entry.tibetan:
                form = tuple(text) if language == "chinese" else tuple(text.split(TSHEG))
                forms[form] = (slot, entry.name)
                if slot == "subject" and language == "tibetan":
                    forms[tuple(tibetan.agentive(list(form), attached=True))] = (slot, entry.name)
                if slot == "action" and language == "tibetan" and len(form) > 1:
                    forms[form[:-1]] = (slot, entry.name)  # its light verb is told apart from it by a negation
    return forms


@cache
def _chinese_forms() -> dict[Form, Mention]:
    grammar = ["在", "一起", "了", "的", "和", "跟", "同", *chinese.DEGREES, *(entry.classifier for entry in OBJECTS)]
    forms = _words("chinese") | {tuple(text): (_GRAMMAR, "") for text in grammar}
    return forms | {tuple(text): ("polarity", "no") for text in ("没有", "没")}


@cache
def _tibetan_forms() -> dict[Form, Mention]:
    particles = ["ཀྱིས", "གིས", "གྱིས", "ཡིས", "དང", "པ", "བ", tibetan.TOPIC, *tibetan.LOCATIVES, *tibetan.COMPANIONS]
    verbal = [*tibetan.ENDINGS, *tibetan.LIGHT_VERBS, *(suffix + "ོ" for suffix in "གངདནབམའརལས")]
    grammar = [text for text in (*particles, *verbal, *tibetan.DEGREES) if text]
    forms = {tuple(text.split(TSHEG)): (_GRAMMAR, "") for text in grammar} | _words("tibetan")
    return forms | {(text,): ("polarity", "no") for text in tibetan.NEGATIONS}


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


def _read(units: list[str], forms: dict[Form, Mention]) -> Reading:
    found, unread = _match(units, forms)
    slots: dict[str, tuple[str, ...]] = {}
    for slot, value in found:
        if slot != _GRAMMAR:
            slots[slot] = (*slots.get(slot, ()), value)
    if "action" in slots:
        slots.setdefault("polarity", ("yes",))
    return Reading(slots, unread)


def parse_chinese(text: str) -> Reading:
    """The slots of a Chinese text."""
    return _read([c for c in text if c not in _CHINESE_MARKS], _chinese_forms())


def parse_tibetan(text: str) -> Reading:
    """The slots of a Tibetan text."""
    return _read(_TIBETAN_UNIT.findall(text), _tibetan_forms())
