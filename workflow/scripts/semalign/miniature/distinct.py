"""Distinct scenes: what each file of pairs is made of, how many there are, and their drawing up to the last one."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import prod
from operator import itemgetter
from random import Random
from typing import Any

import numpy as np

from semalign.config.data import World
from semalign.miniature.lexicon import SLOTS
from semalign.miniature.scenes import (
    GENERAL,
    HEADLINE_SLOTS,
    NARROW_DOMAIN,
    Domain,
    Scene,
    draw,
    is_reserved,
    is_reserved_key,
)

NEAR = 10
"""Where more than one in so many of all scenes is wanted, all are gone through: a draw would seldom bring a new one."""


@dataclass(frozen=True)
class Supply:
    """The scenes that a file of pairs may hold, none twice.

    reserved, headline: whether they are kept for testing, and whether their headlines are; None: either. most: how many
    there are, as `every_scene` counts them.
    """

    domain: Domain
    reserved: bool
    headline: bool | None
    most: int

    def holds(self, scene: Scene) -> bool:
        """Whether a scene of the domain is one of them."""
        if is_reserved(scene) != self.reserved:
            return False
        return self.headline is None or is_reserved(scene.headline()) == self.headline


# The numbers follow from the lexicon; tests/unit/miniature/test_distinct.py counts those of the narrow domain anew.
# `every_scene` would take hours for the general one: its number is from a walk in C, which gave the others too.
SUPPLIES: dict[str, Supply] = {
    "translations": Supply(GENERAL, False, False, 3_168_236_908),
    "mt_train": Supply(NARROW_DOMAIN, False, False, 11_789_815),
    "mt_test": Supply(NARROW_DOMAIN, True, None, 1_449_985),
    "hg_train": Supply(NARROW_DOMAIN, False, False, 11_789_815),
    "hg_test": Supply(NARROW_DOMAIN, True, True, 141_344),
}
"""By the key of `world` that says how many of them are wanted."""


def problem(world: World) -> str | None:
    """What to say, with the key, where more scenes are asked for than there are; None where there are enough."""
    for key, supply in SUPPLIES.items():
        if (asked := getattr(world, key)) > supply.most:
            return (
                f"world.{key}: {asked} is more than the {supply.most} different scenes that the world can make for it; "
                f"{supply.most} is the most"
            )
    return None


def distinct(rng: Random, supply: Supply, count: int) -> Iterator[Scene]:
    """So many scenes of a supply as they are drawn one after the other, none twice.

    Many of all there are come from a walk through all, each put where its first draw would fall if draws came at random
    times: the same chances as drawing until all are new (Efraimidis and Spirakis 2006).
    """
    if count * NEAR > supply.most:
        yield from _in_drawn_order(rng, supply, count)
        return
    seen: set[Scene] = set()
    while len(seen) < count:
        scene = draw(rng, supply.domain)
        if scene not in seen and supply.holds(scene):
            seen.add(scene)
            yield scene


def every_scene(supply: Supply) -> Iterator[tuple[int, float]]:
    """All scenes of a supply once: the number of each (see `scene_of`), and its chance when one is drawn.

    Keys are put together from the slots' parts, which is many times as fast as from scenes.
    """
    domain, fields = supply.domain, _fields(supply.domain)
    parts = [[_part(name, value) for value in values] for name, values in fields.items()]
    chances = [[_chance(domain, name, value) for value in values] for name, values in fields.items()]
    headline = itemgetter(*(place for place, name in enumerate(fields) if name in (*HEADLINE_SLOTS, "negated")))
    of_headline = cache(_is_reserved)
    for number, (told, each) in enumerate(zip(product(*parts), product(*chances), strict=True)):
        if _is_reserved(told) == supply.reserved and supply.headline in (None, of_headline(headline(told))):
            yield number, prod(each)


def scene_of(domain: Domain, number: int) -> Scene:
    """The scene of a number, as `every_scene` gives them out."""
    values: dict[str, Any] = {}
    for name, choices in reversed(_fields(domain).items()):
        number, place = divmod(number, len(choices))
        values[name] = choices[place]
    return Scene(**values)


def _fields(domain: Domain) -> dict[str, tuple[Any, ...]]:
    """The values of each field of a scene, in the order of its key."""
    slots = {slot: domain.ranges[slot] for slot in SLOTS}
    open_slots = {slot: ("", *slots[slot]) for slot, filled in domain.filled.items() if filled < 1}
    return slots | open_slots | {"negated": (False, True) if domain.negated else (False,)}


def _part(name: str, value: str | bool) -> str:
    """What a field adds to a scene's key, with the bar that follows."""
    told = name if value is True else f"{name}={value}"
    return f"{told}|" if value else ""


def _chance(domain: Domain, name: str, value: str | bool) -> float:
    """The probability that `draw` gives a field this value."""
    if name == "negated":
        return domain.negated if value else 1 - domain.negated
    filled = domain.filled.get(name, 1.0)
    return filled / len(domain.ranges[name]) if value else 1 - filled


def _is_reserved(parts: tuple[str, ...]) -> bool:
    return is_reserved_key("".join(parts)[:-1])


def _in_drawn_order(rng: Random, supply: Supply, count: int) -> Iterator[Scene]:
    numbers, moments = array("q"), array("d")
    for number, chance in every_scene(supply):
        numbers.append(number)
        moments.append(rng.expovariate(chance))
    for place in np.argsort(np.frombuffer(moments), kind="stable")[:count]:
        yield scene_of(supply.domain, numbers[place])
