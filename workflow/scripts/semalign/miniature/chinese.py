"""Chinese sentences of a scene: time, place, companion, verb, number and classifier, quality, object.

A sentence is made of pieces, each tagged with the slot it tells ("" for the words of grammar), so that a question's
answer can be found as a span.
"""

from dataclasses import dataclass
from itertools import product
from random import Random

from semalign.miniature.lexicon import word
from semalign.miniature.scenes import Scene, State

Piece = tuple[str, str]  # slot, text


@dataclass(frozen=True)
class Style:
    """One way of saying a scene."""

    order: tuple[str, ...]
    companion: str
    negation: str
    synonym: int  # which form of a word that has two


ORDERS = (
    ("time", "subject", "place", "companion"),
    ("subject", "time", "place", "companion"),
    ("time", "place", "subject", "companion"),
    ("time", "subject", "companion", "place"),
)
STYLES = tuple(Style(*choice) for choice in product(ORDERS, ("和", "跟", "同"), ("没有", "没"), (0, 1)))
DEGREES = ("很", "非常")


def _form(slot: str, name: str, synonym: int) -> str:
    forms = word(slot, name).chinese
    return forms[synonym % len(forms)]


def verb_pieces(scene: Scene, style: Style) -> list[Piece]:
    """The verb, negated or completed."""
    verb = ("action", _form("action", scene.action, style.synonym))
    return [("polarity", style.negation), verb] if scene.negated else [verb, ("", "了")]


def phrase(scene: Scene, slot: str, style: Style) -> list[Piece]:
    """The phrase that tells one slot; nothing if the scene leaves it open."""
    name = getattr(scene, slot)
    if not name:
        return []
    piece = (slot, _form(slot, name, style.synonym))
    if slot == "place":
        return [("", "在"), piece]
    if slot == "companion":
        return [("", style.companion), piece, ("", "一起")]
    if slot == "number":
        return [piece, (slot, word("object", scene.object).classifier)]
    if slot == "quality":
        return [piece, (slot, "的")]
    return [piece]


def pieces(scene: Scene, style: Style) -> list[Piece]:
    """The sentence of a scene, with its full stop."""
    before = [piece for slot in style.order for piece in phrase(scene, slot, style)]
    after = [piece for slot in ("number", "quality", "object") for piece in phrase(scene, slot, style)]
    return [*before, *verb_pieces(scene, style), *after, ("", "。")]


def state_pieces(state: State, degree: str) -> list[Piece]:
    """A filler sentence, with its full stop."""
    thing = ("thing", word("thing", state.thing).chinese[0])
    return [thing, ("", degree), ("condition", word("condition", state.condition).chinese[0]), ("", "。")]


def text(parts: list[Piece]) -> str:
    """The pieces as written."""
    return "".join(part for _, part in parts)


def sentence(rng: Random, scene: Scene) -> str:
    """The scene in a style drawn at random."""
    return text(pieces(scene, rng.choice(STYLES)))


def state(rng: Random, meaning: State) -> str:
    """The filler sentence in a style drawn at random."""
    return text(state_pieces(meaning, rng.choice(DEGREES)))
