"""What is said last when Snakemake ends: where the results lie, or what failed and how to go on."""

import atexit
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json

LAST_LINES = 20
_ORDER = (".csv", ".md", ".tex", ".json", ".png", ".svg")
_STOPPED = re.compile(r"\bstopped(; the same command resumes from here| by SIG\w+)$")
_STOPPING = re.compile(r"^SIG\w+: stopping at the next step$")
_STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_STATUS = re.compile(r"returned non-zero exit status (-?\d+)|died with <Signals\.(SIG\w+)")
_AGAIN = "run the same command again, and it resumes from here: what was done is kept"


@dataclass(frozen=True)
class Failure:
    """A job that failed or was stopped: its name, as in lines of progress, its logs and its exit status, if known."""

    job: str
    logs: list[str]
    status: int | None = None

    def signal(self) -> signal.Signals | None:
        """What ended it; a shell between it and Snakemake adds 128."""
        status = self.status or 0
        number = -status if status < 0 else status - 128
        return signal.Signals(number) if number in set(signal.Signals) else None


class Statuses(logging.Handler):
    """Hears in Snakemake's log with which exit status each job ended; `found` has it by the job's id."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[int, int] = {}
        self._of_thread: dict[int, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """One thread tells the exception first, then the job that it ended."""
        thread, job = threading.get_ident(), getattr(record, "jobid", None)
        if match := _STATUS.search(str(record.msg)):
            self._of_thread[thread] = int(match[1]) if match[1] else -signal.Signals[match[2]]
        elif job is not None and thread in self._of_thread:
            self.found[job] = self._of_thread.pop(thread)


def states(logs: Iterable[str]) -> dict[str, tuple[int, int]]:
    """{log: (inode, date)} of those that are there: what an earlier run left."""
    found = {log: Path(log) for log in map(str, logs)}
    return {log: (path.stat().st_ino, path.stat().st_mtime_ns) for log, path in found.items() if path.is_file()}


def print_at_exit(text: str) -> None:
    """Print it when this process ends, after Snakemake's own last words."""
    atexit.register(print, text, file=sys.stderr, flush=True)


def results_made(targets: Iterable[str]) -> str:
    """What the audit says of the runs in the tables made; and of each folder what lies there, in which forms."""
    targets = set(targets)
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for target in sorted(map(Path, targets)):
        forms = (target.suffix,) if target.is_dir() else _forms(target)
        stems = found.setdefault((str(_seen_from_outside(target.parent)), forms), [])
        stems += [target.stem] if target.stem not in stems else []
    where = [_where(folder, names, forms) for (folder, forms), names in found.items()]
    return "\n".join(f"semalign: {line}" for line in [*_audited(targets), *where])


def _audited(targets: Iterable[str]) -> list[str]:
    """The runs that are ok in one line, and a line for each that is not; where table 3 was made, of its runs alone."""
    targets = [target for target in targets if Path(target).stem == "table3"] or targets
    levels: dict[str, str] = {}
    remarks: dict[str, None] = {}
    for sidecar in sorted(Path(target).with_suffix(".json") for target in targets):
        try:
            content = read_json(sidecar) if sidecar.is_file() else {}
        except InputError:  # the run itself ended well
            continue
        if not isinstance(content, dict):
            continue
        levels |= {run: found["level"] for run, found in content.get("audit", {}).items()}
        remarks |= dict.fromkeys(content.get("remarks", []))
    good = [run for run, level in levels.items() if level == "ok"]
    return [*([f"audit: ok: {', '.join(good)}"] if good else []), *remarks]


def _forms(target: Path) -> tuple[str, ...]:
    """Its ending, and those of the files beside it that show the same."""
    beside = {path.suffix for path in target.parent.glob("*.*") if path.stem == target.stem}
    known = [form for form in _ORDER if form in beside | {target.suffix}]
    return (*known, *({target.suffix} - {*_ORDER}))


def _seen_from_outside(folder: Path) -> Path:
    """Relative to where the command was given; Snakemake may have gone elsewhere (--directory)."""
    return folder if os.environ.get("PWD", os.getcwd()) == os.getcwd() else folder.absolute()


def _where(folder: str, names: list[str], forms: tuple[str, ...]) -> str:
    if len(names) == 1:
        return f"{names[0]} is in {_listed([f'{folder}/{names[0]}{forms[0]}', *forms[1:]])}"
    return f"{_listed(names)} are in {folder}/" + (f", each as {_listed(list(forms))}" if any(forms) else "")


def _listed(words: list[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else words[0]


def failures_told(failures: Iterable[Failure], earlier: Mapping[str, tuple[int, int]] | None = None) -> str:
    """Each failed job with the last lines of its log, and how to go on; jobs that were only stopped are not listed.

    earlier: the `states` of the logs when the run began; one that has not changed since tells nothing of this run.
    """
    told = []
    for failure in sorted(failures, key=lambda failure: failure.job):
        now = states(failure.logs)
        tails = {log: [] if now.get(log) == (earlier or {}).get(log) else _tail(log) for log in failure.logs}
        # One that was asked to stop, and had no error of its own after that, has not failed.
        if failure.signal() not in _STOPS and not any(map(_asked_to_stop, tails.values())):
            shown = [_shown(log, lines, failure) for log, lines in tails.items()]
            told.append("\n".join([f"semalign: {failure.job} failed", *shown]))
    if not told:
        return f"semalign: stopped; {_AGAIN}"
    jobs = "1 job failed" if len(told) == 1 else f"{len(told)} jobs failed"
    return "\n".join([*told, f"semalign: {jobs}; fix that, then {_AGAIN}"])


def _asked_to_stop(lines: list[str]) -> bool:
    if any(_STOPPED.search(line) for line in lines):
        return True
    asked = [number for number, line in enumerate(lines) if _STOPPING.search(line)]
    return bool(asked) and not any("error" in line.lower() for line in lines[asked[0] :])


def _tail(log: str) -> list[str]:
    """Its last lines that are not blank; of a bar that was drawn over and over, the last state."""
    if not Path(log).is_file():
        return []
    text = Path(log).read_bytes().decode(errors="replace")
    return [line.rpartition("\r")[2].rstrip() for line in text.split("\n") if line.strip()][-LAST_LINES:]


def _shown(log: str, lines: list[str], failure: Failure) -> str:
    place = _seen_from_outside(Path(log))
    if not lines:
        unknown = ", or it could not start" if failure.status is None else ""
        return f"  {place}: the job wrote nothing; {_how(failure)}{unknown}"
    if not any("error" in line.lower() for line in lines):
        lines = [*lines, f"(no error was written; {_how(failure)})"]
    return "\n".join([f"  the last lines of {place}:", *(f"    {line}" for line in lines)])


def _how(failure: Failure) -> str:
    """How a job ended that says nothing of it."""
    number = failure.signal()
    if number is None and failure.status is not None:
        return f"it ended with status {failure.status}, and what it printed stands above"
    by = f" by {number.name}" if number else ""
    memory = ", perhaps for want of memory" if number in (None, signal.SIGKILL) else ""
    return f"it was ended from outside{by}{memory}"
