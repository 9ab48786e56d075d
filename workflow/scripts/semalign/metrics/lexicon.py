"""Content by a small bilingual lexicon: are the source's colours, numbers and things told, and no others?

    metrics: [chrf, {name: told, function: "semalign.metrics.lexicon:told", model: config/bodo_lexicon.json}]

Surface metrics count an ending as much as a colour; this one looks at a few words whose translation is known. The
lexicon is a JSON object: source words with | between those that mean one thing, and how their translations begin, so
that endings do not matter: {"gray|grey": ["फुरगेव", "ग्रे"]}.
"""

import json
from pathlib import Path

import regex

from semalign.runtime.errors import InputError

_WORDS = regex.compile(r"[\p{L}\p{M}]+")


def told(outputs: list[str], references: list[str], sources: list[str], model: Path, device: str) -> list[float]:
    """F1 (0..1) of the lexicon's meanings in each output against those in its source; 1 where neither has one.

    References are not read: what they score is the ceiling, which translators' liberties keep below 1. Raises
    InputError for a lexicon of another form.
    """
    lexicon = _read(model)
    return [
        _f1(_meant(source, lexicon), _said(output, lexicon)) for output, source in zip(outputs, sources, strict=True)
    ]


def _read(file: Path) -> dict[frozenset[str], tuple[str, ...]]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not JSON in UTF-8 ({error})") from error
    form = f'{file}: a lexicon is an object of lists of texts, as in {{"gray|grey": ["…"]}}'
    if not isinstance(content, dict) or not content:
        raise InputError(form)
    lexicon = {}
    for words, beginnings in content.items():
        if not isinstance(beginnings, list) or not all(isinstance(one, str) and one for one in beginnings):
            raise InputError(f"{form}; {words!r} has {beginnings!r}")
        lexicon[frozenset(words.casefold().split("|"))] = tuple(one.casefold() for one in beginnings)
    return lexicon


def _meant(source: str, lexicon: dict[frozenset[str], tuple[str, ...]]) -> set[frozenset[str]]:
    words = set(_WORDS.findall(source.casefold()))
    return {meaning for meaning in lexicon if meaning & words}


def _said(output: str, lexicon: dict[frozenset[str], tuple[str, ...]]) -> set[frozenset[str]]:
    words = _WORDS.findall(output.casefold())
    return {meaning for meaning, beginnings in lexicon.items() if any(word.startswith(beginnings) for word in words)}


def _f1(meant: set[frozenset[str]], said: set[frozenset[str]]) -> float:
    return 2 * len(meant & said) / (len(meant) + len(said)) if meant or said else 1.0
