"""What is said last when Snakemake ends: where the results lie, or what failed and how to go on."""

import atexit
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LAST_LINES = 20
_ORDER = (".csv", ".md", ".tex", ".json", ".png", ".svg")
_STOPPED = re.compile(r"\bstopped(; the same command goes on from here| by SIG\w+)$")
_AGAIN = "run the same command again, and it goes on from here: what was done is kept"


@dataclass(frozen=True)
class Failure:
    """A job that did not end well: its name, as lines of progress have it, and its logs."""

    job: str
    logs: list[str]


def say_last(text: str) -> None:
    """Print it when this process ends, after Snakemake's own last words."""
    atexit.register(print, text, file=sys.stderr, flush=True)


def results_made(targets: Iterable[str]) -> str:
    """One line for each folder: what lies there, and in which forms."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for target in sorted(map(Path, set(targets))):
        forms = (target.suffix,) if target.is_dir() else _forms(target)
        stems = found.setdefault((str(_seen_from_outside(target.parent)), forms), [])
        stems += [target.stem] if target.stem not in stems else []
    return "\n".join(f"semalign: {_where(folder, names, forms)}" for (folder, forms), names in found.items())


def _forms(target: Path) -> tuple[str, ...]:
    """Its ending, and those of the files beside it that show the same."""
    beside = {path.suffix for path in target.parent.glob("*.*") if path.stem == target.stem}
    return tuple(sorted({target.suffix} | (beside & set(_ORDER)), key=lambda form: (form not in _ORDER, _place(form))))


def _place(form: str) -> int:
    return _ORDER.index(form) if form in _ORDER else 0


def _seen_from_outside(folder: Path) -> Path:
    """Relative to where the command was given; Snakemake may have gone elsewhere (--directory)."""
    return folder if os.environ.get("PWD", os.getcwd()) == os.getcwd() else folder.absolute()


def _where(folder: str, names: list[str], forms: tuple[str, ...]) -> str:
    if len(names) == 1:
        return f"{names[0]} is in {_listed([f'{folder}/{names[0]}{forms[0]}', *forms[1:]])}"
    return f"{_listed(names)} are in {folder}/" + (f", each as {_listed(list(forms))}" if any(forms) else "")


def _listed(words: list[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else words[0]


def failures_told(failures: Iterable[Failure]) -> str:
    """Each failed job with the last lines of its log, and how to go on; jobs that were only stopped are not listed."""
    told = []
    for failure in sorted(failures, key=lambda failure: failure.job):
        tails = {log: _tail(log) for log in failure.logs}
        if not any(lines and _STOPPED.search(lines[-1]) for lines in tails.values()):
            told.append("\n".join([f"semalign: {failure.job} failed", *map(_shown, tails, tails.values())]))
    if not told:
        return f"semalign: stopped; {_AGAIN}"
    jobs = "1 job failed" if len(told) == 1 else f"{len(told)} jobs failed"
    return "\n".join([*told, f"semalign: {jobs}; mend that, then {_AGAIN}"])


def _tail(log: str) -> list[str]:
    """Its last lines that are not blank; of a bar that was drawn over and over, the last state."""
    if not Path(log).is_file():
        return []
    text = Path(log).read_bytes().decode(errors="replace")
    return [line.rpartition("\r")[2].rstrip() for line in text.split("\n") if line.strip()][-LAST_LINES:]


def _shown(log: str, lines: list[str]) -> str:
    place = _seen_from_outside(Path(log))
    if not lines:
        return f"  {place} is empty: it was ended from outside, perhaps for want of memory"
    if not any("error" in line.lower() for line in lines):
        lines = [*lines, "(no error was written: it was ended from outside, perhaps for want of memory)"]
    return "\n".join([f"  the last lines of {place}:", *(f"    {line}" for line in lines)])
