"""Scenes: what the sentences of the world mean, how they are drawn, and which are kept for testing.

A scene is reserved for testing by a hash of its key, so no list of test scenes has to be kept and no training file
can hold one.
"""

import hashlib
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from semalign.miniature.lexicon import CONDITIONS, NARROW, SLOTS, THINGS

RESERVED_SHARE = 10  # one scene in ten
HEADLINE_SLOTS = ("subject", "place", "action", "object")


@dataclass(frozen=True)
class Scene:
    """One event. Each field is the name of a word, or empty where the scene leaves it open."""

    time: str = ""
    subject: str = ""
    place: str = ""
    companion: str = ""
    action: str = ""
    number: str = ""
    quality: str = ""
    object: str = ""
    negated: bool = False

    @property
    def key(self) -> str:
        """The scene's canonical name: equal for equal scenes, different for different ones."""
        told = [f"{slot}={value}" for slot in SLOTS if (value := getattr(self, slot))]
        return "|".join([*told, "negated"] if self.negated else told)

    @property
    def values(self) -> dict[str, str]:
        """The filled slots, among them the polarity, which an event always has."""
        values: dict[str, str] = {slot: getattr(self, slot) for slot in SLOTS if getattr(self, slot)}
        return values | {"polarity": "no" if self.negated else "yes"}

    def headline(self) -> "Scene":
        """The scene a headline tells: who did what, and where."""
        return Scene(**{slot: getattr(self, slot) for slot in HEADLINE_SLOTS}, negated=self.negated)


@dataclass(frozen=True)
class State:
    """A filler sentence's meaning: a thing and how it is."""

    thing: str
    condition: str


@dataclass(frozen=True)
class Domain:
    """The values each slot may take, and how often a slot that may stay open is filled."""

    ranges: dict[str, tuple[str, ...]]
    filled: dict[str, float]
    negated: float


def _ranges(part: slice | None = None, *, outside: bool = False) -> dict[str, tuple[str, ...]]:
    def cut(slot: str) -> slice:
        return part or (slice(NARROW[slot], None) if outside else slice(NARROW[slot]))

    return {slot: tuple(word.name for word in words[cut(slot)]) for slot, words in SLOTS.items()}


_FILLED = {"companion": 0.6, "number": 0.7, "quality": 0.6}
GENERAL = Domain(_ranges(slice(None)), _FILLED, negated=0.25)
NARROW_DOMAIN = Domain(_ranges(), _FILLED, negated=0.25)
# Passages of questions: always affirmed, the open slots filled more often, since each is asked for.
_ASKED = {"companion": 0.6, "number": 0.8, "quality": 0.6}
QUESTIONED = Domain(_ranges(slice(None)), _ASKED, negated=0.0)
OUTSIDE = Domain(_ranges(outside=True), _ASKED, negated=0.0)  # shares no word with the narrow domain


def _hash(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")


def is_reserved_key(key: str) -> bool:
    """Whether the scene of a key is kept for test and exam files."""
    return _hash(key) % RESERVED_SHARE == 0


def is_reserved(scene: Scene) -> bool:
    """Whether the scene is kept for test and exam files."""
    return is_reserved_key(scene.key)


def half(scene: Scene) -> int:
    """0 or 1: the half of all scenes this one belongs to, so that two training sets can share none."""
    return _hash(scene.key) // RESERVED_SHARE % 2


def has_reserved_part(scene: Scene) -> bool:
    """Whether the scene, or the headline it would get, is kept for testing."""
    return is_reserved(scene) or is_reserved(scene.headline())


def draw(rng: Random, domain: Domain) -> Scene:
    """A scene of the domain, reserved or not."""
    values: dict[str, str] = {}
    for slot, names in domain.ranges.items():
        if rng.random() < domain.filled.get(slot, 1.0):
            values[slot] = rng.choice(names)
    return Scene(**values, negated=rng.random() < domain.negated)


def draw_training(rng: Random, domain: Domain) -> Scene:
    """A scene that neither is reserved nor would get a reserved headline."""
    while has_reserved_part(scene := draw(rng, domain)):
        pass
    return scene


def draw_reserved(rng: Random, domain: Domain) -> Scene:
    """A scene kept for testing."""
    while not is_reserved(scene := draw(rng, domain)):
        pass
    return scene


def alter(rng: Random, scene: Scene, slots: list[str]) -> Scene:
    """The scene with another value in each of the filled slots given ("polarity" turns the negation round)."""
    for slot in slots:
        if slot == "polarity":
            scene = replace(scene, negated=not scene.negated)
        else:
            others = [name for name in GENERAL.ranges[slot] if name != getattr(scene, slot)]
            changed: dict[str, Any] = {slot: rng.choice(others)}
            scene = replace(scene, **changed)
    return scene


def draw_state(rng: Random) -> State:
    """A filler sentence's meaning."""
    return State(rng.choice(THINGS).name, rng.choice(CONDITIONS).name)
