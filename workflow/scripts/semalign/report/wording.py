"""Differences between an answer and its reference, and an English gloss of the generated world's texts."""

import re
from collections.abc import Callable
from difflib import SequenceMatcher
from functools import cache

from semalign.miniature.lexicon import SLOTS
from semalign.miniature.parser import Reading, parse_chinese, parse_tibetan

# One Han character, or what stands up to and with a tsheg, a shad or white space
_UNIT = re.compile(r"[\u3400-\u9fff]|[^\s་།\u3400-\u9fff]+[་།\s]*|[་།\s]+")
PARSERS: dict[str, Callable[[str], Reading]] = {"zh": parse_chinese, "bo": parse_tibetan}
Piece = tuple[str, bool]


def pieces(answer: str, reference: str) -> list[Piece]:
    """The answer in pieces (text, whether the reference has it there), by characters of Chinese, else by syllables or
    words; joined they are the answer."""
    ours, theirs = _UNIT.findall(answer), _UNIT.findall(reference)
    matcher = SequenceMatcher(
        None, [unit.strip("་། \n\t") for unit in theirs], [u.strip("་། \n\t") for u in ours], False
    )
    found = [("".join(ours[start:end]), tag == "equal") for tag, _, _, start, end in matcher.get_opcodes()]
    return [piece for piece in found if piece[0]]


@cache
def gloss(text: str, language: str) -> str:
    """The facts that the world's own grammar reads in a text, in English; empty in a language that it does not have."""
    if language not in PARSERS:
        return ""
    slots = PARSERS[language](text).slots
    told = [" and ".join(value.replace("_", " ") for value in slots[slot]) for slot in SLOTS if slot in slots]
    return " · ".join([*told, *(["not"] if "no" in slots.get("polarity", ()) else [])]) or "nothing that can be read"
