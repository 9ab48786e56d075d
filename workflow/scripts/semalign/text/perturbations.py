"""Variants of a text that need no knowledge of its meaning: harmless ones, and hard negatives for a sentence encoder.

Each function returns None where the text offers nothing to change, rather than the text itself. Randomness comes from
the caller's generator, so that the same seed gives the same variants.
"""

import random
import re
import unicodedata

import regex

from semalign.text.matching import comparable
from semalign.text.tokens import TIBETAN, WORDS

FULL_MARKS = "།༎༏༐༑༔，。；！？।॥،؛؟۔።፣፤។៕၊။։"
# ASCII marks end a clause only before a space or the end: "3.5" is one number
MARK = rf"(?:[{FULL_MARKS}]|[,.;!?](?=\s|$))"
CLAUSE = regex.compile(rf"(?:(?!{MARK}).)+(?:{MARK}|\s)*", regex.DOTALL)
INNER_MARK = regex.compile(rf"([{FULL_MARKS}])(\s*)(?=[^\s{FULL_MARKS}])")
FINAL_MARKS = regex.compile(rf"(?:{MARK}|\s)+$")
WORD = regex.compile(rf"(?:{WORDS.pattern})[\u0f0b\u0f0c]?", regex.V1)  # a token with its tsheg
DIGIT_RUN = re.compile(r"\d+")  # digits of every script, as far as unicodedata knows their values
BETWEEN_UNITS = regex.compile(rf"[\s\u0f0b\u0f0c\u200b{FULL_MARKS},.;!?]+")


def canonical(text: str) -> str:
    """The text as it is compared, less spaces, tsheg and clause marks: equal for texts that differ in these alone."""
    return BETWEEN_UNITS.sub("", comparable(text))


def respace(text: str) -> str:
    """The text with its final clause mark dropped or, if it has none, given, and spaces after inner ones toggled."""
    spaced = INNER_MARK.sub(lambda m: m[1] + ("" if m[2] else " "), text.strip())
    bare = FINAL_MARKS.sub("", spaced)
    return bare if bare and bare != spaced else spaced + _full_stop(spaced)


def _full_stop(text: str) -> str:
    if regex.search(f"[{TIBETAN}]", text):
        return "།"
    return "。" if regex.search(r"\p{Han}", text) else "."


def replace_clause(text: str, donor: str, rng: random.Random) -> str | None:
    """The text with one of its clauses replaced by one of the donor's; None if the text is a single clause."""
    clauses = _clauses(text)
    offered = [c for c in _clauses(donor) if canonical(c) not in {canonical(own) for own in clauses}]
    if len(clauses) < 2 or not offered:
        return None
    clauses[rng.randrange(len(clauses))] = rng.choice(offered)
    return "".join(clauses)


def _clauses(text: str) -> list[str]:
    return [c for c in CLAUSE.findall(text) if WORDS.search(c)]


def swap_number(text: str, rng: random.Random) -> str | None:
    """The text with one digit of one number changed to another of the same script; None if it has no digits."""
    runs = list(DIGIT_RUN.finditer(text))
    if not runs:
        return None
    run = rng.choice(runs)
    at = rng.randrange(run.start(), run.end())
    zero = ord(text[at]) - unicodedata.digit(text[at])
    other = (unicodedata.digit(text[at]) + rng.randint(1, 9)) % 10
    return text[:at] + chr(zero + other) + text[at + 1 :]


def reorder(text: str, rng: random.Random) -> str | None:
    """The text with its tokens (see `tokens`) permuted among their places; None under three tokens."""
    tokens = WORDS.findall(text)
    if len(tokens) < 3 or len(set(tokens)) < 2:
        return None
    shuffled = list(tokens)
    while shuffled == tokens:
        rng.shuffle(shuffled)
    return _fill(WORDS, text, shuffled)


def repeat_twice(text: str) -> str:
    """The text, and the text again."""
    return f"{text.rstrip()} {text}"


def truncate(text: str) -> str | None:
    """The first half of the text's tokens, the middle one left out; None under two."""
    tokens = list(WORDS.finditer(text))
    if len(tokens) < 2:
        return None
    return text[: tokens[len(tokens) // 2 - 1].end()]


def code_mix(text: str, source: str, rng: random.Random) -> str | None:
    """The text with a third of its words (tokens with their tsheg), at least one, replaced by words of the source;
    None if either has too few."""
    words, foreign = WORD.findall(text), WORD.findall(source)
    if len(words) < 2 or not foreign:
        return None
    for place in rng.sample(range(len(words)), max(1, len(words) // 3)):
        words[place] = rng.choice(foreign)
    mixed = _fill(WORD, text, words)
    return mixed if mixed != text else None


def _fill(pattern: regex.Pattern[str], text: str, parts: list[str]) -> str:
    replacements = iter(parts)
    return pattern.sub(lambda _: next(replacements), text)
