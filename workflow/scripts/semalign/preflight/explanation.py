"""Error messages for a wrong config, each with its key."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from semalign.config.secrets import masked

_SHOWN = 200  # characters of a wrong value
RENAMED = {
    "cmrc": "is now an entry of retention.benchmarks, of the same keys beside kind and rules: write `retention: "
    "{benchmarks: {cmrc: {kind: extractive, rules: cmrc2018, max_new_tokens: 64}}}`, and test, prompt, limit likewise",
    "exam.bars": "is now exam.thresholds",
    "rl.max_spreadless_share": "is now rl.max_zero_variance_share",
    "mechanism": "is now forgetting",
}
"""Keys of earlier versions, and how they are written now."""
RENAMED_ANYWHERE = {"without": "is now exclude_ids_from"}
"""The same of keys that stand in many places."""


def explained(error: ValidationError, raw: Any, known: Sequence[str]) -> str:
    """One line for each wrong key: its path and what would be right. `known`: the keys that there are."""
    return "\n".join(_explain(problem, raw, known) for problem in _once(error.errors()))


def _once(problems: list[ErrorDetails]) -> list[ErrorDetails]:
    """The problems without those that an encoder of the ablation has from the reward encoder, and those of a word in
    place of which a list was written."""
    problems = [p for p in problems if not (isinstance(p["input"], list) and _is_word(p["loc"]))]
    of_reward = {(p["loc"][2:], p["msg"]) for p in problems if p["loc"][:2] == ("encoders", "reward")}
    return [p for p in problems if p["loc"][0:1] != ("encoder_ablation",) or (p["loc"][3:], p["msg"]) not in of_reward]


def _is_word(location: tuple[int | str, ...]) -> bool:
    """Is it one of the words that may stand in the place of other forms?"""
    return bool(location) and str(location[-1]).startswith("literal[")


def _explain(problem: ErrorDetails, raw: Any, known: Sequence[str]) -> str:
    """One line: the key as the user wrote it, and what is wrong with it."""
    key = _key(problem["loc"], raw)
    found, kind, context = problem["input"], problem["type"], problem.get("ctx", {})
    if kind == "extra_forbidden" and key in RENAMED:
        message = RENAMED[key]
    elif kind == "extra_forbidden" and problem["loc"][-1] in RENAMED_ANYWHERE:
        message = RENAMED_ANYWHERE[str(problem["loc"][-1])]
    elif kind == "extra_forbidden":
        close = get_close_matches(str(problem["loc"][-1]), known, n=1)
        message = "unknown key" + (f"; did you mean {close[0]}?" if close else "")
    elif kind == "missing":
        message = "missing, and it has no default"
    elif kind == "union_tag_not_found":
        message = (
            f"`{_discriminator(context)}` is missing"
            if isinstance(found, dict)
            else f"keys are needed here, found {_brief(found)}"
        )
    elif kind == "union_tag_invalid":
        message = f"{_discriminator(context)}: {context['tag']!r} is not one of {context['expected_tags']}"
    elif kind in ("model_type", "dict_type"):
        message = f"keys and values are needed here, found {_brief(found)}"
        if isinstance(found, str) and "{" in found:  # of --config; what YAML can read is read
            message += ": no valid YAML; write it as in --config 'rl={temperature: 1.2, top_p: 1.0}'"
    elif kind == "value_error":
        message = problem["msg"].removeprefix("Value error, ")
    else:
        message = f"{problem['msg']}, found {_brief(found)}"
    return f"config key {key}: {message}" if key else f"config: {message}"


def _discriminator(context: dict[str, Any]) -> str:
    """The key that tells the forms of an entry apart (`format`, `kind`)."""
    return str(context["discriminator"]).strip("'")


def _key(location: tuple[int | str, ...], raw: Any) -> str:
    """The path of an error, without what pydantic puts between the keys (the chosen format, `[key]`)."""
    parts = []
    for number, part in enumerate(location, start=1):
        if (isinstance(raw, dict) and part in raw) or isinstance(part, int):
            raw = raw[part]
        elif (
            number < len(location) or "[" in part or _chosen(part, raw)  # the latter names a form: [key], list[…]
        ):
            continue
        text = str(part)
        parts.append(text if text.isprintable() and text else repr(text))
    return ".".join(parts)


def _chosen(part: int | str, raw: Any) -> bool:
    return isinstance(raw, dict) and part in (raw.get("format"), raw.get("kind"), raw.get("method"))


def _brief(value: Any) -> str:
    """A value as it is shown in a message, however large it is, without what looks secret."""
    try:
        text = masked(repr(value))
    except (ValueError, RecursionError):  # an integer of thousands of digits, lists without end
        return f"a value of type {type(value).__name__} too large to be shown"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
