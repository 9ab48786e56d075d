"""Training data of the sentence encoders and the probes of their exam."""

from collections.abc import Iterator
from itertools import islice
from random import Random

from semalign.miniature import chinese, tibetan
from semalign.miniature.scenes import (
    GENERAL,
    Scene,
    alter,
    draw,
    draw_reserved,
    draw_training,
    half,
    has_reserved_part,
    is_reserved,
)
from semalign.runtime.files import Row

# Scripts of anchor and of positive and negative, and how often.
_DIRECTIONS = {
    ("chinese", "tibetan"): 4,
    ("tibetan", "chinese"): 3,
    ("tibetan", "tibetan"): 2,
    ("chinese", "chinese"): 1,
}
_HEADLINE_SHARE = 0.3
PROBES: dict[str, tuple[str, ...]] = {
    "clause_replaced": ("number", "quality", "object"),
    "number_swapped": ("number",),
    "name_swapped": ("subject",),
    "negated": ("polarity",),
}


def _write(rng: Random, scene: Scene, language: str, *, headline: bool) -> str:
    if language == "chinese":
        return chinese.sentence(rng, scene)
    return tibetan.headline(rng, scene) if headline and rng.random() < 0.5 else tibetan.sentence(rng, scene)


def _filled(scene: Scene) -> list[str]:
    return list(scene.values)


def hard_negative(rng: Random, scene: Scene) -> Scene:
    """The scene with one to three slots told otherwise; not reserved, and of the same half as the scene."""
    while True:
        slots = rng.sample(_filled(scene), rng.randint(1, 3))
        other = alter(rng, scene, slots)
        if not has_reserved_part(other) and half(other) == half(scene):
            return other


def _scenes(rng: Random, part: int) -> Iterator[tuple[Scene, bool]]:
    """Training scenes of one half without end, and whether each is a headline's."""
    while True:
        headline = rng.random() < _HEADLINE_SHARE
        scene = draw_training(rng, GENERAL)
        if headline:
            scene = scene.headline()
        if half(scene) == part:
            yield scene, headline


def triplets(rng: Random, count: int, part: int) -> Iterator[Row]:
    """Anchors, positives and hard negatives of sentences and short headlines, from one half of the scenes."""
    directions = list(_DIRECTIONS)
    for scene, headline in islice(_scenes(rng, part), count):
        anchor, others = rng.choices(directions, weights=list(_DIRECTIONS.values()))[0]
        yield {
            "anchor": _write(rng, scene, anchor, headline=headline),
            "positive": _write(rng, scene, others, headline=headline),
            "negative": _write(rng, hard_negative(rng, scene), others, headline=headline),
        }


def paraphrases(rng: Random, count: int, part: int) -> Iterator[Row]:
    """Anchors and positives that say the same in Tibetan in two ways, from one half of the scenes."""
    for scene, headline in islice(_scenes(rng, part), count):
        anchor = _write(rng, scene, "tibetan", headline=headline)
        while (positive := _write(rng, scene, "tibetan", headline=headline)) == anchor:
            pass
        yield {"anchor": anchor, "positive": positive}


def exam_document(rng: Random, size: int) -> list[Scene]:
    """Reserved scenes of one document: they share subject, time and place."""
    first = draw_reserved(rng, GENERAL)
    scenes = [first]
    while len(scenes) < size:
        other = draw(rng, GENERAL)
        same = Scene(
            **{slot: getattr(first, slot) for slot in ("time", "subject", "place")},
            **{slot: getattr(other, slot) for slot in ("action", "number", "quality", "object", "negated")},
        )
        if is_reserved(same) and same not in scenes:
            scenes.append(same)
    return scenes


def _probe_pair(rng: Random, slots: tuple[str, ...]) -> tuple[Scene, Scene]:
    while True:
        scene = draw_reserved(rng, GENERAL)
        if not set(slots) <= set(scene.values):
            continue
        for _ in range(8):
            if is_reserved(other := alter(rng, scene, list(slots))):
                return scene, other


def probes(rng: Random, count: int) -> Iterator[Row]:
    """For each kind of probe so many Tibetan references, each with a paraphrase and with what only looks like it."""
    for kind, slots in PROBES.items():
        for _ in range(count):
            scene, other = _probe_pair(rng, slots)
            reference = tibetan.sentence(rng, scene)
            while (paraphrase := tibetan.sentence(rng, scene)) == reference:
                pass
            yield {"kind": "paraphrase", "reference": reference, "candidate": paraphrase}
            yield {"kind": kind, "reference": reference, "candidate": tibetan.sentence(rng, other)}
