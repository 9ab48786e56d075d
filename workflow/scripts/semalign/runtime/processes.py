"""Which process it was: a mark that is written down, and whether it has ended; how a shell calls this Python."""

import hashlib
import os
import re
import shlex
import socket
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

_MARK = re.compile(r"([0-9a-f]{12})-(\d+)-(\d+)")


@cache
def _machine() -> str:
    """A hash of the host, its last start and the name space of process ids, which a container has for itself."""
    parts = [socket.gethostname()]
    boot = Path("/proc/sys/kernel/random/boot_id")
    parts.append(boot.read_text().strip() if boot.is_file() else str(int(psutil.boot_time())))
    if os.path.lexists("/proc/self/ns/pid"):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def name_python_safely() -> None:
    """Let this process call its Python by its bare name, found in PATH, where its path would need quotes in a shell.

    Snakemake writes sys.executable into shell commands without any.
    """
    if shlex.quote(sys.executable) != sys.executable:
        folder, sys.executable = os.path.split(sys.executable)
        os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])


def own_mark() -> str:
    """The mark of this process: <machine>-<process id>-<when it started>."""
    state = _state(os.getpid())
    return f"{_machine()}-{os.getpid()}-{state[1] if state else 0}"


def _state(pid: int) -> tuple[str, str] | None:
    """(state, when it started) of a process; None where that cannot be read. No change of the clock alters it."""
    if not os.path.isdir("/proc/self"):
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            return process.status()[0].upper(), str(int(process.create_time()))
        return None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], fields[19]


def of_this_machine(mark: str) -> bool:
    """Whether it was a process of this machine, since its last restart, and of this container."""
    found = _MARK.fullmatch(mark)
    return found is not None and found[1] == _machine()


def has_ended(mark: str) -> bool:
    """Is it certain that the process of a mark has ended? Of other machines, and before a restart, nothing is."""
    found = _MARK.fullmatch(mark)
    if found is None or not of_this_machine(mark):
        return False
    pid, started = int(found[2]), found[3]
    if not alive(pid):
        return True
    state = _state(pid)
    return state is not None and (state[1] != started or state[0] == "Z")


def alive(pid: int) -> bool:
    """Whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
