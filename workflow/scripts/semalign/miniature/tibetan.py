"""Tibetan sentences and headlines of a scene: case particles, verb last, tsheg and shad.

The agentive, the nominaliser and the tsheg before a shad follow the last letter of the syllable before them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from semalign.miniature.lexicon import SHAD, SLOTS, TSHEG, word
from semalign.miniature.scenes import Scene, State

_VOWELS = "ིེོུ"
_AGENTIVES = {"ད": "ཀྱིས", "བ": "ཀྱིས", "ས": "ཀྱིས", "ག": "གིས", "ང": "གིས", "ན": "གྱིས", "མ": "གྱིས", "ར": "གྱིས", "ལ": "གྱིས"}


Order = tuple[str, ...]

LOCATIVES = ("ལ", "ན", "ནས", "ནང་དུ")
COMPANIONS = ("མཉམ་དུ", "ལྷན་དུ", "ལྷན་ཅིག", "འགྲོགས་ནས")
PLAIN, WITNESSED, STATED, PERFECT, EXISTING, FINAL, NOMINAL = "", "སོང", "རེད", "འདུག", "ཡོད", "སོ", "པ"
ENDINGS = (PLAIN, WITNESSED, STATED, PERFECT, EXISTING, FINAL)
NEGATIONS = ("མ", "མི", "མེད")
HONORIFIC, TOPIC = "གནང", "ནི"
LIGHT_VERBS = ("བྱས", "བྱུང", "བརྒྱབས", HONORIFIC)
# An object that is not last is the topic.
ORDERS: tuple[Order, ...] = (
    ("time", "subject", "place", "companion", "object"),
    ("subject", "time", "place", "companion", "object"),
    ("time", "place", "subject", "companion", "object"),
    ("time", "subject", "companion", "place", "object"),
    ("place", "time", "subject", "companion", "object"),
    ("object", "time", "subject", "place", "companion"),
    ("object", "subject", "companion", "time", "place"),
    ("time", "object", "place", "subject", "companion"),
)
HEADLINE_ORDERS: tuple[Order, ...] = (
    ("subject", "place", "object"),
    ("place", "subject", "object"),
    ("object", "subject", "place"),
)
HEADLINE_ENDINGS = (PLAIN, NOMINAL)
DEGREES = ("", "ཧ་ཅང")


@dataclass(frozen=True)
class Style:
    """One way of saying a scene."""

    order: Order
    locative: str
    companion: str
    ending: str
    attached: bool  # the agentive after a vowel: ས joined to the syllable, or ཡིས after it
    honorific: bool
    synonyms: frozenset[str]  # the slots whose word stands in its second form


HOUSE_STYLE = Style(ORDERS[2], "ནས", "ལྷན་དུ", STATED, True, False, frozenset(SLOTS))
HOUSE_HEADLINE = replace(HOUSE_STYLE, order=HEADLINE_ORDERS[1], ending=NOMINAL)


def draw_style(rng: Random, *, headline: bool = False, unlike: Style | None = None) -> Style:
    """A style drawn at random; with `unlike` one that makes another choice wherever there is one."""

    def choose(choices: Sequence[Any], field: str) -> Any:
        other = [choice for choice in choices if unlike is None or choice != getattr(unlike, field)]
        return rng.choice(other)

    return Style(
        choose(HEADLINE_ORDERS if headline else ORDERS, "order"),
        choose(LOCATIVES, "locative"),
        choose(COMPANIONS, "companion"),
        choose(HEADLINE_ENDINGS if headline else ENDINGS, "ending"),
        choose((True, False), "attached"),
        choose((True, False), "honorific"),
        frozenset(slot for slot in SLOTS if rng.random() < 0.5)
        if unlike is None
        else frozenset(SLOTS) - unlike.synonyms,
    )


def _is_open(syllable: str) -> bool:
    """Whether the syllable ends in a vowel; one bare letter bears the vowel a."""
    return syllable[-1] in _VOWELS or len(syllable) == 1


def agentive(syllables: list[str], attached: bool) -> list[str]:
    """The syllables of an agent with their case: joined ས or ཡིས after a vowel, else the form its suffix asks for."""
    *head, last = syllables
    if not _is_open(last):
        return [*head, last, _AGENTIVES[last[-1]]]
    return [*head, last + "ས"] if attached else [*head, last, "ཡིས"]


def nominaliser(syllable: str) -> str:
    """བ after a vowel and after ང, ར, ལ; པ after the other suffixes."""
    return "བ" if _is_open(syllable) or syllable[-1] in "ངརལ" else "པ"


def _final(syllable: str) -> str:
    """The particle that ends a statement: the suffix again, འ after a vowel, with the vowel o."""
    return ("འ" if _is_open(syllable) else syllable[-1]) + "ོ"


def _syllables(slot: str, name: str, synonym: int) -> list[str]:
    forms = word(slot, name).tibetan
    return forms[synonym % len(forms)].split(TSHEG)


def _phrase(scene: Scene, slot: str, style: Style) -> list[str]:
    name = getattr(scene, slot)
    if not name:
        return []
    syllables = _syllables(slot, name, slot in style.synonyms)
    if slot == "subject":
        return agentive(syllables, style.attached)
    if slot == "place":
        return [*syllables, *style.locative.split(TSHEG)]
    if slot == "companion":
        return [*syllables, "དང", *style.companion.split(TSHEG)]
    if slot == "object":
        details = [s for detail in ("quality", "number") for s in _phrase(scene, detail, style)]
        return [*syllables, *details, *([] if style.order[-1] == "object" else [TOPIC])]
    return syllables


def _verb(scene: Scene, style: Style) -> list[str]:
    *noun, verb = _syllables("action", scene.action, "action" in style.synonyms)
    if style.honorific:
        noun, verb = noun or [verb], HONORIFIC
    negation = ["མ"] if scene.negated else []
    if style.ending == WITNESSED:
        return [*noun, verb, *negation, WITNESSED]
    if style.ending == STATED:
        return [*noun, verb, nominaliser(verb), *negation, STATED]
    if style.ending == PERFECT:
        return [*noun, verb, *(["མི"] if scene.negated else []), PERFECT]
    if style.ending == EXISTING:
        return [*noun, verb, "མེད" if scene.negated else EXISTING]
    endings = {PLAIN: [], FINAL: [_final(verb)], NOMINAL: [nominaliser(verb)]}
    return [*noun, *negation, verb, *endings[style.ending]]


def _closed(syllables: list[str]) -> list[str]:
    """Pieces as written: tsheg after every syllable, but before the shad only after ང."""
    last = syllables[-1]
    return [s + TSHEG for s in syllables[:-1]] + [last + TSHEG if last.endswith("ང") else last, SHAD]


def pieces(scene: Scene, style: Style) -> list[str]:
    """The sentence of a scene, as syllables with their tsheg, and its shad."""
    return _closed([s for slot in style.order for s in _phrase(scene, slot, style)] + _verb(scene, style))


def state_pieces(state: State, degree: str) -> list[str]:
    """A filler sentence, as syllables with their tsheg, and its shad."""
    degrees = degree.split(TSHEG) if degree else []
    condition = _syllables("condition", state.condition, 0)
    return _closed([*_syllables("thing", state.thing, 0), *degrees, *condition, "རེད"])


def text(scene: Scene, style: Style) -> str:
    """The sentence of a scene as written."""
    return "".join(pieces(scene, style))


def sentence(rng: Random, scene: Scene, house_style: float = 0.0) -> str:
    """The scene in the house style with that probability, else in a style drawn at random."""
    return text(scene, HOUSE_STYLE if rng.random() < house_style else draw_style(rng))


def headline(rng: Random, scene: Scene, house_style: float = 0.0) -> str:
    """The scene's headline, in the house style with that probability, else in a style drawn at random."""
    return text(scene.headline(), HOUSE_HEADLINE if rng.random() < house_style else draw_style(rng, headline=True))


def state(rng: Random, meaning: State) -> str:
    """The filler sentence in a style drawn at random."""
    return "".join(state_pieces(meaning, rng.choice(DEGREES)))


def article(rng: Random, scene: Scene, fillers: list[State]) -> str:
    """A short article: the scene's sentence somewhere among the fillers, a space after each shad."""
    sentences = [state(rng, filler) for filler in fillers]
    sentences.insert(rng.randint(0, len(sentences)), sentence(rng, scene))
    return " ".join(sentences)
