"""Distinct scenes: what each file of pairs is made of, how many there are, and their drawing up to the last one."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from random import Random
from typing import Any

import numpy as np

from semalign.config.data import World
from semalign.miniature.scenes import GENERAL, HEADLINE_SLOTS, NARROW_DOMAIN, Domain, Scene, draw, is_reserved

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


def every_scene(supply: Supply) -> Iterator[tuple[int, Scene]]:
    """All scenes of a supply once, each with its number among all of the domain."""
    choices = _choices(supply.domain)
    of_headline = [values for name, values in choices.items() if name in _HEADLINE]
    others = [values for name, values in choices.items() if name not in _HEADLINE]
    names, beside = list(choices), prod(map(len, others))
    for first, headline in enumerate(product(*of_headline)):
        if supply.headline is not None:
            told = Scene(**dict(zip(names, headline, strict=False)))
            if is_reserved(told) != supply.headline:
                continue
        for number, rest in enumerate(product(*others), first * beside):
            scene = Scene(**dict(zip(names, headline + rest, strict=True)))
            if is_reserved(scene) == supply.reserved:
                yield number, scene


_HEADLINE = (*HEADLINE_SLOTS, "negated")


def _choices(domain: Domain) -> dict[str, tuple[Any, ...]]:
    """The values of each field of a scene, those that a headline tells first."""
    choices: dict[str, tuple[Any, ...]] = {
        slot: names if domain.filled.get(slot, 1.0) == 1.0 else ("", *names) for slot, names in domain.ranges.items()
    }
    choices["negated"] = (False, True) if domain.negated else (False,)
    return {name: choices[name] for name in _HEADLINE} | choices


def _scene(choices: dict[str, tuple[Any, ...]], number: int) -> Scene:
    """The scene of a number, as `every_scene` gives them out."""
    values: dict[str, Any] = {}
    for name in reversed(choices):
        number, place = divmod(number, len(choices[name]))
        values[name] = choices[name][place]
    return Scene(**values)


def _chance(domain: Domain, scene: Scene) -> float:
    """The probability that `draw` brings this scene."""
    chance = domain.negated if scene.negated else 1 - domain.negated
    for slot, names in domain.ranges.items():
        filled = domain.filled.get(slot, 1.0)
        chance *= filled / len(names) if getattr(scene, slot) else 1 - filled
    return chance


def _in_drawn_order(rng: Random, supply: Supply, count: int) -> Iterator[Scene]:
    numbers, moments = array("q"), array("d")
    for number, scene in every_scene(supply):
        numbers.append(number)
        moments.append(rng.expovariate(_chance(supply.domain, scene)))
    choices = _choices(supply.domain)
    for place in np.argsort(np.frombuffer(moments), kind="stable")[:count]:
        yield _scene(choices, numbers[place])
