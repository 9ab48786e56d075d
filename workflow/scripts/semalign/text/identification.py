"""What tells languages of one script apart: lingua, which ships its models, or a function of the user's own."""

from collections.abc import Callable
from difflib import get_close_matches
from functools import cache, lru_cache
from numbers import Real
from pathlib import Path
from typing import Any

from semalign.config.data import Language
from semalign.runtime.errors import InputError
from semalign.runtime.user_functions import guarded, load_function

REMEMBERED = 50_000  # texts: each is asked about for the reward, the scores and the audit


def confidence(text: str, language: Language) -> float:
    """How sure the identifier is, 0 to 1, that a text is in a language whose `identify` is not `script`.

    Raises InputError where the identifier is not there, fails, or does not know the language.
    """
    return identifier(language.identify, str(language.code), tuple(language.among or ()))(text)


@cache
def identifier(identify: str, code: str, among: tuple[str, ...]) -> Callable[[str], float]:
    """The function behind `identify`, for one language."""
    return lru_cache(REMEMBERED)(_by_lingua(code, among) if identify == "lingua" else _by_function(identify, code))


def _by_lingua(code: str, among: tuple[str, ...]) -> Callable[[str], float]:
    try:
        import lingua
    except ImportError as error:
        raise InputError(
            f"identify: lingua cannot be imported ({error}); install it with python -m pip install -r "
            "envs/requirements-lingua.txt, or set identify to script"
        ) from error
    known = {name: one for one in lingua.Language.all() for name in _names(one)}
    for name in (code, *among):
        if name.lower() not in known:
            raise InputError(_unknown("code" if name == code else "among", name, known))
    wanted = known[code.lower()]
    rivals = {known[name.lower()] for name in among} | {wanted}
    builder = lingua.LanguageDetectorBuilder
    if not among:
        detector = builder.from_all_languages().build()
    elif len(rivals) > 1:
        detector = builder.from_languages(*sorted(rivals, key=lambda one: one.name)).build()
    else:
        raise InputError(f"among: {', '.join(among)} is the language itself; name those that it is told from")
    return lambda text: float(detector.compute_language_confidence(text, wanted))


def _names(language: Any) -> list[str]:
    """What a language of lingua may be called: its ISO 639-1 and 639-3 codes, and its name."""
    codes = (language.iso_code_639_1, language.iso_code_639_3)
    return [name.lower() for name in (*(code.name for code in codes), language.name)]


def _unknown(key: str, name: str, known: dict[str, Any]) -> str:
    every = sorted({(one.name.capitalize(), one.iso_code_639_1.name.lower()) for one in known.values()})
    close = get_close_matches(name.lower(), known, n=1)
    meant = f"; did you mean {close[0]}?" if close else "."
    listed = ", ".join(f"{code} ({full})" for full, code in every)
    return f"{key}: lingua does not know {name!r}{meant} It knows {listed}"


def _by_function(name: str, code: str) -> Callable[[str], float]:
    folder = Path.cwd()
    function = load_function(name, folder, "identifier", ("text", "code"))

    def asked(text: str) -> float:
        found = guarded(f"identifier {name}", folder, lambda: function(text, code))
        found = found.item() if hasattr(found, "item") else found
        if isinstance(found, Real) and 0 <= float(found) <= 1:
            return float(found)
        raise InputError(
            f"identifier {name}: returned {str(found)[:80]!r} for {text!r}; a number from 0 to 1 is needed"
        )

    return asked
