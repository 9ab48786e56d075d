"""Training data of the sentence encoders and the probes of their exam."""

from collections.abc import Callable, Iterator
from functools import partial
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

Write = Callable[[Scene], str]

# Scripts of anchor and of positive and negative, and how often.
_DIRECTIONS = {
    ("chinese", "tibetan"): 3,
    ("tibetan", "chinese"): 2,
    ("tibetan", "tibetan"): 4,
    ("chinese", "chinese"): 1,
}
_ALTERED = {1: 3, 2: 2, 3: 1}  # slots of a hard negative that are told otherwise, and how often
_HEADLINE_SHARE = 0.3
PROBES: dict[str, tuple[str, ...]] = {
    "clause_replaced": ("number", "quality", "object"),
    "number_swapped": ("number",),
    "name_swapped": ("subject",),
    "negated": ("polarity",),
}


def _tibetan_style(rng: Random, *, headline: bool, unlike: tibetan.Style | None = None) -> tibetan.Style:
    """A style of a sentence or, for a headline's scene, in half of the cases of a headline."""
    return tibetan.draw_style(rng, headline=headline and rng.random() < 0.5, unlike=unlike)


def _wordings(rng: Random, language: str, *, headline: bool) -> tuple[Write, Write]:
    """Two ways of writing scenes in a language that have as little in common as may be."""
    if language == "chinese":
        first, second = rng.sample(chinese.STYLES, 2)
        return partial(_chinese, style=first), partial(_chinese, style=second)
    bo = _tibetan_style(rng, headline=headline)
    return partial(tibetan.text, style=bo), partial(
        tibetan.text, style=_tibetan_style(rng, headline=headline, unlike=bo)
    )


def _chinese(scene: Scene, style: chinese.Style) -> str:
    return chinese.text(chinese.pieces(scene, style))


def hard_negative(rng: Random, scene: Scene) -> Scene:
    """The scene with one to three slots told otherwise; not reserved, and of the same half as the scene."""
    while True:
        altered = rng.choices(list(_ALTERED), weights=list(_ALTERED.values()))[0]
        other = alter(rng, scene, rng.sample(list(scene.values), altered))
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
    """Anchors, positives and hard negatives of sentences and short headlines, from one half of the scenes.

    A negative is worded as what it is to be told apart by: as the anchor where both are in one language, so that it
    shares more words with the anchor than the positive does, and else as the positive.
    """
    directions = list(_DIRECTIONS)
    for scene, headline in islice(_scenes(rng, part), count):
        anchor, others = rng.choices(directions, weights=list(_DIRECTIONS.values()))[0]
        write, write_otherwise = _wordings(rng, anchor, headline=headline)
        if others != anchor:
            write_otherwise, _ = _wordings(rng, others, headline=headline)
        write_negative = write if others == anchor else write_otherwise
        yield {
            "anchor": write(scene),
            "positive": write_otherwise(scene),
            "negative": write_negative(hard_negative(rng, scene)),
        }


def paraphrases(rng: Random, count: int, part: int) -> Iterator[Row]:
    """Anchors and positives that say the same in Tibetan in two ways, from one half of the scenes."""
    for scene, headline in islice(_scenes(rng, part), count):
        write, write_otherwise = _wordings(rng, "tibetan", headline=headline)
        yield {"anchor": write(scene), "positive": write_otherwise(scene)}


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
    """For each kind of probe so many Tibetan references, each with a paraphrase that shares few of its words and with
    what says something else in the reference's own wording."""
    for kind, slots in PROBES.items():
        for _ in range(count):
            scene, other = _probe_pair(rng, slots)
            style = tibetan.draw_style(rng)
            reference = tibetan.text(scene, style)
            paraphrase = tibetan.text(scene, tibetan.draw_style(rng, unlike=style))
            yield {"kind": "paraphrase", "reference": reference, "candidate": paraphrase}
            yield {"kind": kind, "reference": reference, "candidate": tibetan.text(other, style)}
