"""The pieces of which every text of the world is made: the items of a tokenizer."""

from collections.abc import Iterator
from itertools import cycle, product

from semalign.miniature import chinese, tibetan
from semalign.miniature.lexicon import CONDITIONS, SLOTS, THINGS
from semalign.miniature.questions import ANSWER_SLOTS, question_pieces
from semalign.miniature.scenes import Scene, State

HEADLINE_PROMPT = "标题："
PROMPT_PIECES = ("翻译：", HEADLINE_PROMPT, "问：")


def _covering_scenes() -> Iterator[Scene]:
    """Scenes that between them hold every word, affirmed and negated."""
    for i in range(max(len(words) for words in SLOTS.values())):
        values = {slot: words[i % len(words)].name for slot, words in SLOTS.items()}
        yield Scene(**values, negated=False)
        yield Scene(**values, negated=True)


def _covering_styles() -> Iterator[tibetan.Style]:
    """Styles that between them hold every particle, with every form of every word and every ending of a verb."""
    endings = (*tibetan.ENDINGS, *tibetan.HEADLINE_ENDINGS)
    places = cycle(zip(tibetan.LOCATIVES, tibetan.COMPANIONS, strict=True))
    orders = cycle((tibetan.ORDERS[0], tibetan.ORDERS[-1]))
    for second, ending, honorific, attached in product((False, True), endings, (False, True), (False, True)):
        synonyms = frozenset(SLOTS) if second else frozenset[str]()
        yield tibetan.Style(next(orders), *next(places), ending, attached, honorific, synonyms)


def _rendered() -> Iterator[list[str]]:
    for scene in _covering_scenes():
        for zh in chinese.STYLES:
            yield [text for _, text in chinese.pieces(scene, zh)]
            for kind in ANSWER_SLOTS:
                yield [text for _, text in question_pieces(kind, scene, zh)]
        for bo in _covering_styles():
            yield tibetan.pieces(scene, bo)
    for thing in THINGS:
        for condition in CONDITIONS:
            for degree in chinese.DEGREES:
                yield [text for _, text in chinese.state_pieces(State(thing.name, condition.name), degree)]
            for degree in tibetan.DEGREES:
                yield tibetan.state_pieces(State(thing.name, condition.name), degree)


def all_pieces() -> list[str]:
    """Every piece once, sorted: words of Chinese, syllables of Tibetan, punctuation, prompts, the space of articles."""
    found = {" ", *PROMPT_PIECES}
    for pieces in _rendered():
        found.update(pieces)
    return sorted(found)
