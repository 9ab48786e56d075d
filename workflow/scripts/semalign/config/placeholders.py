"""The placeholders of prompts: names in braces, each replaced by a text."""

import re
import unicodedata
from difflib import get_close_matches
from typing import Any

from pydantic import AfterValidator

_BRACES = re.compile(r"[{｛﹛]+([^{}｛｝﹛﹜]*)[}｝﹜]+")
_FORMAT = re.compile(r"[!:.\[].*", re.DOTALL)  # what Python's format and Jinja allow after a name


def placeholder_problem(text: str, names: tuple[str, ...]) -> str | None:
    """Why a prompt cannot be filled with texts of these names; None where it can.

    {name} is replaced, as often as it stands there. Braces around one word are a placeholder; those around anything
    else, as in JSON, stay as they are, unless they hold a name in another spelling.
    """
    known = ", ".join(f"{{{name}}}" for name in names)
    found = set()
    for braces in _BRACES.finditer(text):
        if braces[0] in {f"{{{name}}}" for name in names}:
            found.add(braces[1])
            continue
        shown = braces[0] if braces[0].isprintable() else ascii(braces[0])
        if meant := _meant(braces[1], names):
            return f"{shown} is no placeholder; write {{{meant}}}, in single ASCII braces and nothing else in them"
        if re.fullmatch(r"\w*([.-]\w+)*", braces[1]) and "{" in braces[0]:
            return (
                f"{shown} is no placeholder; there {'is' if len(names) == 1 else 'are'} {known}. Where the braces "
                f"are meant as text, put spaces within: {{ {braces[1]} }}"
            )
    missing = [f"{{{name}}}" for name in names if name not in found]
    return (
        f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing: a text goes there"
        if missing
        else None
    )


def _meant(inner: str, names: tuple[str, ...]) -> str | None:
    """The name that stands in braces in another spelling, if any."""
    word = _FORMAT.sub("", unicodedata.normalize("NFKC", inner).strip().strip("\"'`$%<>").strip()).casefold()
    return next(iter(get_close_matches(word, names, n=1, cutoff=0.75)), None)


def prompt_of(*names: str) -> Any:
    """The validator of a prompt with these placeholders."""

    def check(prompt: str) -> str:
        if problem := placeholder_problem(prompt, names):
            raise ValueError(problem)
        return prompt

    return AfterValidator(check)
