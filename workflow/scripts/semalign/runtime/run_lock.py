"""Snakemake's lock of a working folder: whose it is, so that the one of a killed Snakemake can be removed.

Snakemake's locks do not say who made them. So each run of this workflow records its locks and its process in
`.snakemake/semalign.run.<mark>.json`, and removes that record when it ends. A lock is removed only if the process that
made it has certainly ended: it ran on this machine, since its last start. No other lock is ever touched.
"""

import atexit
import json
import logging
import os
import shlex
import shutil
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from semalign.runtime.errors import InputError
from semalign.runtime.files import write_json
from semalign.runtime.processes import has_ended, of_this_machine, own_mark

_RECORDS = "semalign.run.*.json"


def check_writable(folder: Path) -> None:
    """Raise InputError where Snakemake's own folder, or the results beside it, cannot be written."""
    results = folder.absolute().with_name("results")
    if results.exists() and not os.access(results, os.W_OK):
        raise InputError(f"{results}: cannot be written; results are made in this folder: make it writable for you")
    try:
        folder.mkdir(exist_ok=True)
        reason = "" if os.access(folder, os.W_OK) else "Permission denied"
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise InputError(
            f"{folder.absolute().parent}: {reason}; Snakemake works in this folder: make it writable for you"
        )


def clear_dead_locks(folder: Path, log: logging.Logger) -> None:
    """Remove the locks that a killed run of this workflow left; of the others say who made them, as far as is known."""
    known: set[str] = set()
    for record in sorted(folder.glob(_RECORDS)):
        run = _read(record)
        locks = [lock for lock in run.get("locks", []) if _state(folder / "locks" / lock[0]) == lock]
        if not locks or has_ended(run["mark"]):
            _settle(record, folder, locks, log)
        else:
            known |= {lock[0] for lock in locks}
            unsure = "" if of_this_machine(run["mark"]) else f". If it has ended, remove its lock: {unlock_command()}"
            log.warning(
                f"Another run works in this folder: process {run['pid']} on {run['host']} ({run['command']}){unsure}"
            )
    unknown = [path.name for path in sorted(folder.glob("locks/*.lock")) if path.name not in known]
    if unknown:
        log.warning(
            f"{folder / 'locks'} holds locks of another Snakemake ({', '.join(unknown)}). If none works in this folder "
            f"any more, remove them: {unlock_command()}"
        )


def _settle(record: Path, folder: Path, locks: list[list[Any]], log: logging.Logger) -> None:
    """Remove a record and the locks that it names. The one process that can rename the record may do so."""
    mine = record.with_suffix(f".{own_mark()}")
    with suppress(OSError):  # another was faster, or may do so and this one not; Snakemake then says that it is locked
        record.rename(mine)
        for name, *_ in locks:
            (folder / "locks" / name).unlink(missing_ok=True)
            log.warning(f"{folder / 'locks' / name}: left by a run that was killed; removed")
        mine.unlink()


def record_locks(folder: Path, inputs: Iterable[str], outputs: Iterable[str]) -> None:
    """Write down which locks this run made: those that hold its own inputs and outputs. The record goes at its end."""
    own = {".input": sorted(map(str, inputs)), ".output": sorted(map(str, outputs))}
    locks = [
        _state(path)
        for path in sorted(folder.glob("locks/*.lock"))
        if sorted(_lines(path)) == own.get(Path(path.stem).suffix)
    ]
    mark = own_mark()
    record = folder.absolute() / f"semalign.run.{mark}.json"
    run = {"mark": mark, "pid": os.getpid(), "host": socket.gethostname(), "command": shlex.join(sys.argv)}
    with suppress(OSError):  # a full disk: a lock that is left then is told as one of which nothing is known
        write_json(record, run | {"locks": locks})
        atexit.register(record.unlink, missing_ok=True)


def unlock_command() -> str:
    """What removes all locks of this folder, whoever made them."""
    return shlex.join([shutil.which(sys.executable) or sys.executable, "-m", "snakemake", *sys.argv[1:], "--unlock"])


def _lines(path: Path) -> Iterator[str]:
    try:
        yield from path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return


def _state(path: Path) -> list[Any] | None:
    """Name, inode and date of a lock; None where it is gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [path.name, status.st_ino, status.st_mtime_ns]


def _read(record: Path) -> dict[str, Any]:
    """A record; {} of one that is gone or damaged."""
    try:
        run = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return run if isinstance(run, dict) and "mark" in run else {}
