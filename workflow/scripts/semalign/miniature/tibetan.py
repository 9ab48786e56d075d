"""Tibetan sentences and headlines of a scene: case particles, verb last, tsheg and shad.

The agentive, the nominaliser and the tsheg before a shad follow the last letter of the syllable before them.
"""

from dataclasses import dataclass
from itertools import product
from random import Random

from semalign.miniature.lexicon import SHAD, TSHEG, word
from semalign.miniature.scenes import Scene, State

_VOWELS = "ིེོུ"
_AGENTIVES = {"ད": "ཀྱིས", "བ": "ཀྱིས", "ས": "ཀྱིས", "ག": "གིས", "ང": "གིས", "ན": "གྱིས", "མ": "གྱིས", "ར": "གྱིས", "ལ": "གྱིས"}


@dataclass(frozen=True)
class Style:
    """One way of saying a scene."""

    order: tuple[str, ...]
    locative: str
    companion: str
    ending: str
    attached: bool  # the agentive after a vowel: ས joined to the syllable, or ཡིས after it
    synonym: int  # which form of a word that has two


PLAIN, WITNESSED, STATED, NOMINAL = "", "སོང", "རེད", "པ"
LOCATIVES = ("ལ", "ན", "ནས")
COMPANIONS = ("མཉམ་དུ", "ལྷན་དུ")
ORDERS = (
    ("time", "subject", "place", "companion"),
    ("subject", "time", "place", "companion"),
    ("time", "place", "subject", "companion"),
    ("time", "subject", "companion", "place"),
)
STYLES = tuple(
    Style(*choice)
    for choice in product(ORDERS, LOCATIVES, COMPANIONS, (PLAIN, WITNESSED, STATED), (True, False), (0, 1))
)
HOUSE_STYLE = Style(("time", "place", "subject", "companion"), "ནས", "ལྷན་དུ", STATED, True, 1)
HEADLINE_ORDERS = (("subject", "place"), ("place", "subject"))
HEADLINE_STYLES = tuple(
    Style(order, locative, COMPANIONS[0], ending, attached, synonym)
    for order, locative, ending, attached, synonym in product(
        HEADLINE_ORDERS, LOCATIVES, (PLAIN, NOMINAL), (True, False), (0, 1)
    )
)
HOUSE_HEADLINE = Style(("place", "subject"), "ནས", COMPANIONS[0], NOMINAL, True, 1)
DEGREES = ("", "ཧ་ཅང")


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


def _syllables(slot: str, name: str, synonym: int) -> list[str]:
    forms = word(slot, name).tibetan
    return forms[synonym % len(forms)].split(TSHEG)


def _phrase(scene: Scene, slot: str, style: Style) -> list[str]:
    name = getattr(scene, slot)
    if not name:
        return []
    syllables = _syllables(slot, name, style.synonym)
    if slot == "subject":
        return agentive(syllables, style.attached)
    if slot == "place":
        return [*syllables, style.locative]
    if slot == "companion":
        return [*syllables, "དང", *style.companion.split(TSHEG)]
    return syllables


def _verb(scene: Scene, style: Style) -> list[str]:
    stem = _syllables("action", scene.action, style.synonym)
    negation = ["མ"] if scene.negated else []
    if style.ending == WITNESSED:
        return [*stem, *negation, "སོང"]
    if style.ending == STATED:
        return [*stem, nominaliser(stem[-1]), *negation, "རེད"]
    if style.ending == NOMINAL:
        return [*negation, *stem, nominaliser(stem[-1])]
    return [*negation, *stem]


def _closed(syllables: list[str]) -> list[str]:
    """Pieces as written: tsheg after every syllable, but before the shad only after ང."""
    last = syllables[-1]
    return [s + TSHEG for s in syllables[:-1]] + [last + TSHEG if last.endswith("ང") else last, SHAD]


def pieces(scene: Scene, style: Style) -> list[str]:
    """The sentence of a scene, as syllables with their tsheg, and its shad."""
    slots = (*style.order, "object", "quality", "number")
    return _closed([s for slot in slots for s in _phrase(scene, slot, style)] + _verb(scene, style))


def state_pieces(state: State, degree: str) -> list[str]:
    """A filler sentence, as syllables with their tsheg, and its shad."""
    degrees = degree.split(TSHEG) if degree else []
    condition = _syllables("condition", state.condition, 0)
    return _closed([*_syllables("thing", state.thing, 0), *degrees, *condition, "རེད"])


def sentence(rng: Random, scene: Scene, house_style: float = 0.0) -> str:
    """The scene in the house style with that probability, else in a style drawn at random."""
    style = HOUSE_STYLE if rng.random() < house_style else rng.choice(STYLES)
    return "".join(pieces(scene, style))


def headline(rng: Random, scene: Scene, house_style: float = 0.0) -> str:
    """The scene's headline, in the house style with that probability, else in a style drawn at random."""
    style = HOUSE_HEADLINE if rng.random() < house_style else rng.choice(HEADLINE_STYLES)
    return "".join(pieces(scene.headline(), style))


def state(rng: Random, meaning: State) -> str:
    """The filler sentence in a style drawn at random."""
    return "".join(state_pieces(meaning, rng.choice(DEGREES)))


def article(rng: Random, scene: Scene, fillers: list[State]) -> str:
    """A short article: the scene's sentence somewhere among the fillers, a space after each shad."""
    sentences = [state(rng, filler) for filler in fillers]
    sentences.insert(rng.randint(0, len(sentences)), sentence(rng, scene))
    return " ".join(sentences)
