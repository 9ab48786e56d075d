"""Content by a small bilingual lexicon: which of a few words of the source an answer tells, and which it adds.

    metrics: [chrf, {name: told, function: "semalign.metrics.lexicon:told", model: config/bodo_lexicon.json}]

BLEU and chrF++ weigh an ending as much as a colour; this metric checks a few words whose translation is known. The
lexicon is a JSON object. A key is a source word, or several of one meaning with | between them; its value lists how
translations begin, so that endings do not matter: {"gray|grey": ["फुरगेव", "ग्रे"]}. Letter case and canonically equal
spellings (NFC) are one.
"""

import json
import unicodedata
from pathlib import Path

import regex

from semalign.runtime.errors import InputError

_WORDS = regex.compile(r"[\p{L}\p{M}]+")


def told(outputs: list[str], references: list[str], sources: list[str], model: Path, device: str) -> list[float]:
    """F1 (0..1) of the lexicon's meanings in each output against those in its source; 1 where neither has one.

    References are not read. Their own score is the ceiling: it is below 1, since translators take liberties. Raises
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
        meaning = frozenset(_folded(words).split("|"))
        if phrases := sorted(word for word in meaning if not _WORDS.fullmatch(word)):
            raise InputError(f"{file}: {phrases[0]!r} in {words!r} is not one word of letters, and no source has it")
        lexicon[meaning] = tuple(map(_folded, beginnings))
    return lexicon


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text.casefold())


def _meant(source: str, lexicon: dict[frozenset[str], tuple[str, ...]]) -> set[frozenset[str]]:
    words = set(_WORDS.findall(_folded(source)))
    return {meaning for meaning in lexicon if meaning & words}


def _said(output: str, lexicon: dict[frozenset[str], tuple[str, ...]]) -> set[frozenset[str]]:
    words = _WORDS.findall(_folded(output))
    return {meaning for meaning, beginnings in lexicon.items() if any(word.startswith(beginnings) for word in words)}


def _f1(meant: set[frozenset[str]], said: set[frozenset[str]]) -> float:
    return 2 * len(meant & said) / (len(meant) + len(said)) if meant or said else 1.0
