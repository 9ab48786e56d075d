"""Whether a policy has collapsed: figures that compare its answers with the references, on any data, and a verdict.

None of them asks whether an answer is right: a policy that says one word to everything can earn more by each metric
than one that tries.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import log2
from random import Random
from statistics import fmean
from sys import intern
from typing import Any, Literal

from semalign.metrics.audit import common_substring, duplicates, repeated_fourgrams, share_of
from semalign.runtime.files import Row
from semalign.text.matching import is_blank
from semalign.text.tokens import bleu_tokens

Level = Literal["ok", "warning", "collapsed"]
LEVELS: tuple[Level, ...] = ("ok", "warning", "collapsed")

COMMON = 5
"""References that must hold a token before its absence counts: expected 5 times, it is absent by chance in e⁻⁵ < 1%."""

NAMED = 10
"""Unused words that are named."""

Tokens = Sequence[Sequence[str]]


def collapse(
    outputs: Sequence[str],
    references: Sequence[str],
    sources: Sequence[str],
    items: Sequence[str],
    truncated: float | None,
) -> dict[str, Any]:
    """Figures of the outputs against a reference each, for the items named beside them. `truncated`: the share of them
    that was cut at the length limit.

    df(t): the share of texts that hold the token t. Excess: the outputs' figure less the references'.

    - over_use = max_t (df_out(t) − df_ref(t)); over_used: that token, and the texts that hold it
    - unused: share of the token types that the references of `COMMON` items or more hold and no output (None: there are
      none); unused_words: the `NAMED` most frequent of these with the number of references; lost: the share of the
      references that hold the first of them; unused_of_all: the share of all types of the references
    - divergence: Jensen-Shannon divergence of the two distributions of tokens, bits, 0 (equal) to 1 (disjoint);
      divergence_by_chance: the same after half of the outputs, drawn at random, changed places with their references
    - truncated; length_ratio: tokens over the references'
    - repeated (4-grams that occurred before in the same text), copied, duplicates, empty: excesses, as in `audit`
    """
    ours, theirs = _tokens(outputs), _tokens(references)
    token, out, ref = _over_used(ours, theirs)
    draw = Random(0)
    mixed = [pair[::-1] if draw.random() < 0.5 else pair for pair in zip(ours, theirs, strict=True)]
    asked = list(dict(zip(items, theirs, strict=True)).values())
    held = Counter(token for text in asked for token in set(text))
    absent = held.keys() - {token for text in ours for token in text}
    common = {token for token, count in held.items() if count >= COMMON}
    unused = sorted(common & absent, key=lambda token: (-held[token], token))
    return {
        "n": len(outputs),
        "over_use": (out - ref) / len(outputs),
        "over_used": token,
        "over_used_in": {"outputs": out, "references": ref},
        "unused": share_of(len(unused), len(common)),
        "unused_words": [[token, held[token]] for token in unused[:NAMED]],
        "lost": held[unused[0]] / len(asked) if unused else 0.0,
        "references": len(asked),
        "unused_of_all": share_of(len(absent), len(held)),
        "divergence": divergence(ours, theirs),
        "divergence_by_chance": divergence([one for one, _ in mixed], [two for _, two in mixed]),
        "truncated": truncated,
        "length_ratio": share_of(sum(map(len, ours)), sum(map(len, theirs))),
        "repeated": _repeated(ours) - _repeated(theirs),
        "copied": _copied(outputs, sources) - _copied(references, sources),
        "duplicates": duplicates(outputs, items) - duplicates(references, items),
        "empty": fmean(map(is_blank, outputs)) - fmean(map(is_blank, references)),
    }


def _tokens(texts: Iterable[str]) -> list[list[str]]:
    """Those of BLEU, of which the same text's are made once."""
    known: dict[str, list[str]] = {}
    for text in texts:
        if text not in known:
            known[text] = [intern(token) for token in bleu_tokens(text)]
    return [known[text] for text in texts]


def _over_used(ours: Tokens, theirs: Tokens) -> tuple[str, int, int]:
    """The token with the largest excess, the outputs that hold it and the references; of equals the first in order."""
    out, ref = (Counter(token for text in texts for token in set(text)) for texts in (ours, theirs))
    token = min(out, key=lambda token: (ref[token] - out[token], token), default="")
    return token, out[token], ref[token]


def divergence(ours: Tokens, theirs: Tokens) -> float | None:
    """Jensen-Shannon divergence of the distributions p and q of tokens, m = (p + q)/2, in bits:

    JSD = ½ Σ p log₂(p/m) + ½ Σ q log₂(q/m). None where either side has no token.
    """
    p, q = (Counter(token for text in texts for token in text) for texts in (ours, theirs))
    of_p, of_q = p.total(), q.total()
    if not of_p or not of_q:
        return None
    total = 0.0
    for token in sorted(p.keys() | q.keys()):  # an order of its own: sums of floats differ by theirs
        one, two = p[token] / of_p, q[token] / of_q
        mean = (one + two) / 2
        total += sum(share * log2(share / mean) / 2 for share in (one, two) if share)
    return total


def _repeated(texts: Tokens) -> float:
    counts = [repeated_fourgrams(text) for text in texts]
    return share_of(sum(again for again, _ in counts), sum(four for _, four in counts)) or 0.0


def _copied(texts: Sequence[str], sources: Sequence[str]) -> float:
    shares = {
        (text, source): common_substring(text, source) / len(text)
        for text, source in dict.fromkeys(zip(texts, sources, strict=True))
        if not is_blank(text)
    }
    found = [shares[pair] for pair in zip(texts, sources, strict=True) if pair in shares]
    return fmean(found) if found else 0.0


def group_diversity(rows: Iterable[Row]) -> float | None:
    """How different the completions of a prompt are: (different ones − 1)/(completions − 1), mean over the groups.

    0: all are the same; 1: none is twice there. Rows hold `step`, `id` and `completion`. None without a group of two.
    """
    groups: dict[tuple[int, str], list[str]] = defaultdict(list)
    for row in rows:
        groups[row["step"], row["id"]].append(row["completion"])
    shares = [(len(set(group)) - 1) / (len(group) - 1) for group in groups.values() if len(group) > 1]
    return fmean(shares) if shares else None


def worst(levels: Iterable[Level]) -> Level:
    return max(levels, key=LEVELS.index, default="ok")


def verdict(figures: Mapping[str, Any], thresholds: Mapping[str, Mapping[str, float]]) -> tuple[Level, list[str]]:
    """The worst level that any figure reaches, and why in words, the worst first; a figure that is None says nothing.

    `figures` are those of `collapse`; perhaps `off_script` (excess), `entropy` and `group_diversity` (what is left of
    that at the beginning of the training). `thresholds`: {name: {warning, collapsed}}, as `audit.thresholds`.
    """
    found = []
    for name, measured in _measured(figures).items():
        if measured is None:
            continue
        level = level_of(name, measured, thresholds[name])
        if level != "ok":
            found.append((level, _WORDS[name](figures)))
    found.sort(key=lambda pair: -LEVELS.index(pair[0]))
    return worst(level for level, _ in found), [words for _, words in found]


def _measured(figures: Mapping[str, Any]) -> dict[str, float | None]:
    ratio = figures["length_ratio"]
    of_chance = figures["divergence_by_chance"] or 0.0
    return {
        "over_use": figures["over_use"],
        "unused": figures["unused"],
        "lost": figures["lost"],
        "divergence": None if figures["divergence"] is None else figures["divergence"] - of_chance,
        "length": None if ratio is None else max(ratio, 1 / ratio) if ratio else float("inf"),
        **{
            name: figures.get(name) for name in ("truncated", "repeated", "copied", "duplicates", "off_script", "empty")
        },
        **{name: figures.get(name) for name in FALLING},
    }


FALLING = ("entropy", "group_diversity")


def level_of(name: str, measured: float, thresholds: Mapping[str, float]) -> Level:
    """What a figure reaches by its thresholds; of FALLING the less, the worse."""
    reached = [
        level
        for level in LEVELS[1:]
        if (measured <= thresholds[level] if name in FALLING else measured >= thresholds[level])
    ]
    return worst(reached)


def _percent(value: float) -> str:
    return f"{100 * value:.0f}%"


def _over_use_in_words(figures: Mapping[str, Any]) -> str:
    held, n = figures["over_used_in"], figures["n"]
    return f"“{figures['over_used']}” is in {held['outputs']} of {n} answers, in {held['references']} of the references"


def _above(share: str, name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda figures: f"the share of {share} lies {100 * figures[name]:.0f} points above the references'"


def _fell(what: str, name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda figures: f"{what} fell to {_percent(figures[name])} of what it was in RL's first tenth"


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "over_use": _over_use_in_words,
    "unused": lambda f: (
        f"{_percent(f['unused'])} of the words that {COMMON} references or more hold are in no answer: "
        f"{', '.join(f'“{token}”' for token, _ in f['unused_words'][:3])} …"
    ),
    "lost": lambda f: (
        f"“{f['unused_words'][0][0]}” is in {f['unused_words'][0][1]} of {f['references']} references and in no answer"
    ),
    "divergence": lambda f: (
        f"the words' frequencies lie {f['divergence']:.2f} bits from the references' "
        f"({f['divergence_by_chance']:.2f} by chance)"
    ),
    "length": lambda f: f"the answers are {f['length_ratio']:.2g} times as long as the references",
    "truncated": lambda f: f"{_percent(f['truncated'])} of the answers are cut at the length limit",
    "repeated": _above("4-grams that repeat an earlier one", "repeated"),
    "copied": _above("an answer that is one piece of its source", "copied"),
    "duplicates": _above("answers that other items have, too,", "duplicates"),
    "off_script": _above("answers off script", "off_script"),
    "empty": _above("empty answers", "empty"),
    "entropy": _fell("the policy's entropy", "entropy"),
    "group_diversity": _fell("the diversity of a prompt's completions", "group_diversity"),
}
