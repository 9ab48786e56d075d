"""Rewards: pure functions of texts, each named in the config with its weight (paper: Reward).

A reward maps (completions, references, sources), three lists of n texts, to n figures; GRPO maximises the weighted sum.
"""

import inspect
import reprlib
from collections.abc import Callable
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from semalign.config.data import Language
from semalign.metrics.audit import repeated_fourgrams
from semalign.metrics.bleu import SentenceBleu
from semalign.runtime.errors import InputError
from semalign.runtime.user_functions import guarded, load_function, plain
from semalign.text.languages import language_consistency
from semalign.text.matching import is_blank
from semalign.text.tokens import bleu_tokens

Reward = Callable[[list[str], list[str], list[str]], list[float]]
Embed = Callable[[list[str]], np.ndarray]

LARGEST = 1.0e15  # trl squares rewards in float32, which ends at 3e38, after the config's weights


def above_threshold(similarity: float, tau: float) -> float:
    """R_sim: 0 up to τ, then linear to 1 at similarity 1."""
    similarity = min(similarity, 1.0)  # a cosine of float32 vectors can be a rounding error more
    return 0.0 if similarity <= tau else (similarity - tau) / (1 - tau)


def similarity_reward(embed: Embed, tau: float) -> Reward:
    """R_sim of the cosine between completion and reference; a blank completion scores 0.

    `embed` maps n texts to an (n, d) array of unit vectors. References are embedded at every call, not remembered: a
    figure's last bits would depend on the batch that a reference was first met in, and a resumed run has met none.

    >>> similarity_reward(embed, tau=0.5)(["བོད"], ["བོད"], ["西藏"])
    [1.0]
    """

    def similarity(completions: list[str], references: list[str], sources: list[str]) -> list[float]:
        cosines = np.einsum("nd,nd->n", embed(completions), embed(references))
        return [
            0.0 if is_blank(text) else above_threshold(float(cosine), tau)
            for cosine, text in zip(cosines, completions, strict=True)
        ]

    return similarity


def language_reward(language: Language) -> Reward:
    """R_lang: 1 where a completion is written in the language's script alone and, where the language has an identifier,
    in that language; else 0."""
    return lambda completions, references, sources: [language_consistency(text, language) for text in completions]


def bleu_reward(language: Language) -> Reward:
    """Sentence BLEU-4 against the reference, 0..1, with the effective order."""
    bleu = SentenceBleu(language)
    return lambda completions, references, sources: [
        bleu(text, reference) for text, reference in zip(completions, references, strict=True)
    ]


def _length_match(completion: str, reference: str) -> float:
    wanted = len(bleu_tokens(reference))
    return max(0.0, 1 - abs(len(bleu_tokens(completion)) - wanted) / wanted) if wanted else 0.0


def length_reward(completions: list[str], references: list[str], sources: list[str]) -> list[float]:
    """1 at the reference's length in tokens (see `tokens`), falling linearly to 0 at none or twice of it.

    The paper tried a length constraint without giving its form.
    """
    return [_length_match(text, reference) for text, reference in zip(completions, references, strict=True)]


def repetition_reward(completions: list[str], references: list[str], sources: list[str]) -> list[float]:
    """1 where no 4-gram of a completion's tokens occurs twice in it, less the share of those that do."""
    counts = [repeated_fourgrams(bleu_tokens(text)) for text in completions]
    return [1 - again / four if four else 1.0 for again, four in counts]


def user_reward(name: str, folder: Path) -> Reward:
    """The function `module:function` of a file in `folder`, whatever other module bears that name.

    It may return a list, a tuple, or an array or tensor of one dimension. What it returns is checked at every call:
    InputError names the reward when it is not n finite figures, and the user's line where it raises an exception.
    """
    function = load_function(name, folder, "reward", ("completions", "references", "sources"))

    def checked(completions: list[str], references: list[str], sources: list[str]) -> list[float]:
        texts = (list(completions), list(references), list(sources))
        values = guarded(f"reward {name}", folder, lambda: plain(function(*texts)))
        if inspect.iscoroutine(values):
            values.close()
            raise InputError(f"reward {name}: is an async function; write it with def alone")
        if not isinstance(values, list):
            raise InputError(
                f"reward {name}: returned {_brief(values)}; a list of {len(completions)} figures is needed"
            )
        if len(values) != len(completions):
            raise InputError(f"reward {name}: returned {len(values)} figures for {len(completions)} completions")
        return [_figure(name, value, text) for value, text in zip(values, completions, strict=True)]

    return checked


def _figure(name: str, value: Any, text: str) -> float:
    number: Any = value  # Real has no comparisons to the type checker
    if isinstance(value, Real) and -LARGEST <= number <= LARGEST:  # of a NaN nothing is true
        return float(value)
    raise InputError(
        f"reward {name}: returned {_brief(value)} for {text!r}; a finite number is needed, at most {LARGEST:g} in size"
    )


def _brief(value: Any) -> str:
    if isinstance(value, str | bytes | Real | dict | list | None):
        shown = reprlib.repr(value)
        return shown if isinstance(value, str | Real | None) else f"a {type(value).__name__}, {shown}"
    return f"a {type(value).__name__}"


def build_rewards(names: list[str], language: Language, embed: Embed | None, tau: float | None) -> dict[str, Reward]:
    """The rewards of these names; `similarity` needs `embed` and `tau`, user rewards are looked up in the working
    folder."""
    rewards: dict[str, Reward] = {}
    for name in names:
        if name == "similarity":
            if embed is None or tau is None:
                raise ValueError("the similarity reward needs an encoder and a threshold")
            rewards[name] = similarity_reward(embed, tau)
        elif name == "language":
            rewards[name] = language_reward(language)
        elif name == "bleu":
            rewards[name] = bleu_reward(language)
        elif name == "length":
            rewards[name] = length_reward
        elif name == "repetition":
            rewards[name] = repetition_reward
        else:
            rewards[name] = user_reward(name, Path.cwd())
    return rewards


def for_trl(name: str, reward: Reward) -> Any:
    """The reward as trl's GRPO calls it: completions are conversations of one assistant turn, columns are the data
    set's, repeated for each completion; its name is the config's."""

    def called(completions: list[list[dict[str, str]]], **columns: Any) -> list[float]:
        texts = [completion[0]["content"] for completion in completions]
        return reward(texts, columns["reference"], columns["source"])

    called.__name__ = name
    return called
