"""Distinct scenes: how many there are, and that the last one is drawn too."""

from collections import Counter
from itertools import product
from math import prod
from random import Random

import pytest

from semalign.miniature.distinct import NEAR, SUPPLIES, Supply, distinct, every_scene, problem, scene_of
from semalign.miniature.scenes import (
    GENERAL,
    NARROW_DOMAIN,
    Domain,
    Scene,
    draw_training,
    has_reserved_part,
    is_reserved,
)
from tests.unit.miniature.test_miniature_world import SETTINGS

SMALL = Domain(
    {slot: names[:2] for slot, names in NARROW_DOMAIN.ranges.items()}
    | {"subject": NARROW_DOMAIN.ranges["subject"][:6]},
    NARROW_DOMAIN.filled,
    negated=0.15,
)


def small(reserved: bool, headline: bool | None) -> list[Scene]:
    """The scenes of the small world that are wanted, one slot after the other."""
    words = SMALL.ranges
    open_ = {slot: ("", *words[slot]) for slot in ("companion", "number", "quality")}
    every = [
        Scene(*values)
        for values in product(
            words["time"], words["subject"], words["place"], open_["companion"], words["action"], open_["number"],
            open_["quality"], words["object"], (False, True),
        )
    ]  # fmt: skip
    assert len(every) == len(set(every)) == 2 * 6 * 2 * 3 * 2 * 3 * 3 * 2 * 2
    return [
        scene
        for scene in every
        if is_reserved(scene) == reserved and (headline is None or is_reserved(scene.headline()) == headline)
    ]


KINDS = [(False, False), (True, None), (True, True)]


@pytest.mark.parametrize(("reserved", "headline"), KINDS)
def test_every_scene_is_found_once(reserved: bool, headline: bool | None) -> None:
    wanted = small(reserved, headline)
    supply = Supply(SMALL, reserved, headline, len(wanted))
    found = list(every_scene(supply))
    assert len({number for number, _ in found}) == len(found) == len(wanted)
    assert {scene_of(SMALL, number) for number, _ in found} == set(wanted)
    chances = dict(every_scene(Supply(SMALL, not reserved, None, 0)))
    assert sum(chances.values()) + sum(dict(every_scene(Supply(SMALL, reserved, None, 0))).values()) == pytest.approx(1)
    assert all(supply.holds(scene) for scene in wanted)


@pytest.mark.parametrize(("reserved", "headline"), KINDS)
def test_all_that_there_are_can_be_had(reserved: bool, headline: bool | None) -> None:
    wanted = small(reserved, headline)
    most = len(wanted)
    for count in (most, most - 1, most // NEAR + 1, most // NEAR, 1):
        scenes = list(distinct(Random(0), Supply(SMALL, reserved, headline, most), count))
        assert len(set(scenes)) == len(scenes) == count
        assert set(scenes) <= set(wanted)
        assert scenes == list(distinct(Random(0), Supply(SMALL, reserved, headline, most), count))


def test_scenes_come_as_often_as_they_are_drawn() -> None:
    """One in five of the small world: what is likely is had first, whether scenes are drawn or all are gone through."""
    supply = Supply(SMALL, False, False, len(small(False, False)))
    many = Supply(SMALL, False, False, 10**9)  # as if there were so many that they are drawn
    count = supply.most // 5
    shares = []
    for one in (supply, many):
        told: Counter[str] = Counter()
        for seed in range(20):
            for scene in distinct(Random(seed), one, count):
                told.update(scene.values.values())
        shares.append({value: number / 20 / count for value, number in told.items()})
    assert shares[0] == pytest.approx(shares[1], abs=0.03)
    assert shares[0]["no"] < 0.3  # half of all there are


def test_few_scenes_are_the_first_that_are_drawn() -> None:
    rng, first = Random(3), dict[Scene, None]()
    while len(first) < 50:
        first.setdefault(draw_training(rng, NARROW_DOMAIN))
    assert list(distinct(Random(3), SUPPLIES["mt_train"], 50)) == list(first)


@pytest.mark.parametrize("key", SUPPLIES)
def test_more_than_there_are_is_said_with_the_key_and_the_most(key: str) -> None:
    most = SUPPLIES[key].most
    assert problem(SETTINGS.model_copy(update={key: most})) is None
    said = problem(SETTINGS.model_copy(update={key: most + 1}))
    assert said is not None
    assert said.startswith(f"world.{key}: {most + 1} is more than the {most} different scenes")
    assert said.endswith(f"{most} is the most")


def test_the_number_of_the_general_domain_is_near_that_of_a_sample() -> None:
    """To count them all takes hours: four standard errors of 20,000 scenes."""
    rng, drawn = Random(0), 20_000
    choices = {slot: (("", *names) if slot in GENERAL.filled else names) for slot, names in GENERAL.ranges.items()}
    every = 2 * prod(map(len, choices.values()))
    found = 0
    for _ in range(drawn):
        values = {slot: rng.choice(words) for slot, words in choices.items()}
        scene = Scene(**values, negated=rng.random() < 0.5)
        found += not has_reserved_part(scene)
    share = SUPPLIES["translations"].most / every
    assert abs(found / drawn - share) < 4 * (share * (1 - share) / drawn) ** 0.5


@pytest.mark.long
@pytest.mark.parametrize("key", ["mt_train", "mt_test", "hg_test"])
def test_the_numbers_are_those_of_the_lexicon(key: str) -> None:
    """All scenes of the narrow domain; a minute each."""
    supply = SUPPLIES[key]
    assert sum(1 for _ in every_scene(supply)) == supply.most


def test_both_tasks_are_made_of_the_same_scenes() -> None:
    assert SUPPLIES["mt_train"] == SUPPLIES["hg_train"]
