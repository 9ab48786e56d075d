"""The miniature's judge: compares two outputs by the slots of the source that they tell.

It reads the texts with the world's own parser and shares nothing with the sentence encoders.
"""

import re
from collections import Counter

from semalign.miniature.lexicon import STATE_SLOTS
from semalign.miniature.parser import Reading, parse_chinese, parse_tibetan
from semalign.miniature.scenes import Scene
from semalign.runtime.errors import InputError

_HAN = re.compile("[\u4e00-\u9fff]")


def _source_scene(source: str) -> Scene:
    scene = (parse_chinese(source) if _HAN.search(source) else parse_tibetan(source)).scene()
    if not scene.action:
        raise InputError(
            f"judge.kind: parser cannot read this source: {source!r}; it reads the miniature's sentences only, set "
            "judge.kind to none for other data"
        )
    return scene


def _wanted(source: str, scene: Scene) -> dict[str, str]:
    """The slots an output should tell: all of a Chinese sentence's, which is translated; of a Tibetan article those of
    its headline."""
    return (scene if _HAN.search(source) else scene.headline()).values


def _faults(scene: Scene, wanted: dict[str, str], candidate: Reading) -> int:
    """Contradictions, repetitions, additions and unread pieces.

    A detail of the scene that a headline need not tell is no fault, but telling it wrongly is.
    """
    faults = candidate.unread
    for slot, values in candidate.slots.items():
        allowed = wanted.get(slot, scene.values.get(slot))
        told = Counter(values)
        faults += told.total() - (1 if allowed in told and slot not in STATE_SLOTS else 0)
    return faults


def _score(source: str, scene: Scene, candidate: str) -> int:
    wanted, reading = _wanted(source, scene), parse_tibetan(candidate)
    right = sum(value in reading.slots.get(slot, ()) for slot, value in wanted.items())
    return right - _faults(scene, wanted, reading)


def compare(source: str, first: str, second: str) -> int:
    """Which output tells the source better: 1, 2, or 0 if equally well.

    Right slots less contradictory, repeated, added and unread ones. A Chinese source is a sentence to be translated
    into Tibetan; a Tibetan one an article to be given a headline, where only who, where, what was done, to what, and
    the polarity are wanted. Raises InputError if the source is no text of the world.
    """
    scene = _source_scene(source)
    scores = _score(source, scene, first), _score(source, scene, second)
    return 0 if scores[0] == scores[1] else 1 if scores[0] > scores[1] else 2


def slots_told(source: str, candidate: str) -> dict[str, bool]:
    """Of each of the source's wanted slots, whether the output tells it rightly: the share that it does is the content.
    Raises InputError as `compare`."""
    wanted, reading = _wanted(source, _source_scene(source)), parse_tibetan(candidate)
    return {slot: value in reading.slots.get(slot, ()) for slot, value in wanted.items()}


def facts(source: str) -> dict[str, str]:
    """The slots that an output should tell, and the value of each: {"action": "buy", "polarity": "no" …}. Raises
    InputError as `compare`."""
    return _wanted(source, _source_scene(source))
