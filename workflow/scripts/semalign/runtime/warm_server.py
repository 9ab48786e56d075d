"""The process that has imported the libraries, and forks for jobs that start warm (`semalign.runtime.warm_start`).

It imports nothing of the project, so that a job runs the code that is there when it begins.

`python warm_server.py <name> <pid>` serves the process `pid` until it and all forks have ended. The name is that of an
abstract socket of Linux, which is no file: no full disk or long path forbids it, and no kill leaves it behind.
"""

import ast
import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[2]
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BETWEEN_TRIES = 0.1
SECONDS_TO_ASK = 10.0
SIZE = 8  # bytes that say how long a request is
STREAMS = [0, 1, 2]
UNWRITTEN = 120  # Python's exit status where what was printed cannot be written


def same_user(link: socket.socket) -> bool:
    """Whether the process at the other end is this user's: others may connect to an abstract socket, or make one."""
    _, user, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return bool(user == os.geteuid())


def ask(link: socket.socket, request: dict[str, Any], files: list[int]) -> None:
    """Ask for a fork with these files as its input, output and error output.

    What comes back is its process id in a line, 0 where there is none, and in a second line, once it has ended, its
    exit status, negative where it was ended by a signal.
    """
    written = json.dumps(request).encode()
    socket.send_fds(link, [len(written).to_bytes(SIZE, "big")], files)
    link.sendall(written)


def import_libraries() -> None:
    """Import what the project's modules do, the project aside. Raises where one that every fork needs cannot be."""
    for name in ("torch", "threadpoolctl"):
        importlib.import_module(name)
    for file in sorted(SCRIPTS.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            within = node.module if isinstance(node, ast.ImportFrom) else None
            if names and (within or names[0]).partition(".")[0] not in ("semalign", "__future__"):
                try:
                    for name in names:
                        getattr(importlib.import_module(within), name) if within else importlib.import_module(name)
                except ImportError:
                    pass  # an extra that is not installed
                except Exception:  # a broken one: in this process's log, and a job that needs it fails by itself
                    traceback.print_exc()


def serve(server: socket.socket, wanted: Callable[[], bool]) -> dict[str, Any] | None:
    """Fork for each request that comes through the socket `server`, which listens, and answer it (see `ask`).

    Returns the request in a fork, which has the environment, the folder and the files that were asked for; and None
    when all forks have ended and no more are `wanted`. What asks jobs to stop is not for this process: who sends it to
    all of them lets its forks save what they have.
    """
    gc.collect()
    gc.freeze()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)  # what comes to a fork before it has its handlers waits
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in STOPPING}
    awake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    links: dict[int, socket.socket] = {}  # by fork
    while links or wanted():
        heard: list[socket.socket | int] = [server, awake, *links.values()]
        ready, _, _ = select.select(heard, [], [], SECONDS_BETWEEN_LOOKS)
        for pid in [pid for pid, link in links.items() if link in ready]:
            os.kill(pid, signal.SIGKILL)  # who waited for it was killed
        if awake in ready:
            os.read(awake, 4096)
            _tell_ended(links)
        if server in ready:
            try:
                link, _ = server.accept()
            except OSError:  # as many files are open as may be: who asks waits until a fork has ended
                time.sleep(SECONDS_BETWEEN_TRIES)
                continue
            request, files = _received(link)
            pid = _forked() if request else -1
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for one in (link, server, *links.values()):
                    one.close()
                for number in (awake, waker):
                    os.close(number)
                _take_place(request or {}, files)
                for number, handler in handlers.items():
                    signal.signal(number, handler)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
                return request
            for number in files:
                os.close(number)
            with contextlib.suppress(OSError):
                link.sendall(f"{max(pid, 0)}\n".encode())
            if pid > 0:
                links[pid] = link
            else:
                link.close()
    return None


def _received(link: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """What is asked for, None where who asks was killed meanwhile or may not; and its descriptors."""
    link.settimeout(SECONDS_TO_ASK)
    files: list[int] = []
    try:
        if not same_user(link):
            return None, files
        size, files, _, _ = socket.recv_fds(link, SIZE, len(STREAMS))
        with link.makefile("rb") as sent:
            written = sent.read(int.from_bytes(size, "big"))
        found: dict[str, Any] = json.loads(written)
    except (OSError, ValueError):
        return None, files
    link.settimeout(None)
    return found if len(files) == len(STREAMS) else None, files


def _forked() -> int:
    """0 in a fork, which ends when this process does; its id here, -1 where none can be made."""
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        return -1
    if pid == 0:
        set_death_signal = 1
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    return pid


def _take_place(request: dict[str, Any], files: list[int]) -> None:
    for number, descriptor in zip(STREAMS, files, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)
    stdout: Any = sys.stdout
    stdout.reconfigure(line_buffering=stdout.line_buffering or os.isatty(1))
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None  # it depends on the environment
    atexit.unregister(shutil.rmtree)  # of matplotlib's folder where it has no other: all forks share it
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # else all forks draw the same without a seed


def _tell_ended(links: dict[int, socket.socket]) -> None:
    while links:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        link = links.pop(pid, None)  # None of what a library started as it was imported
        if link:
            with link, contextlib.suppress(OSError):
                link.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


class Exit:
    """The last of what this process does at its end; taking so many modules apart would be half a second's work.

    It is last as the first that `atexit` is told.
    """

    def __init__(self) -> None:
        self.status = 0
        atexit.register(self.leave)

    def leave(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            try:
                if not stream.closed:
                    stream.flush()
            except OSError:
                self.status = UNWRITTEN
        os._exit(self.status)

    @contextlib.contextmanager
    def observing(self) -> Iterator[None]:
        try:
            yield
        except SystemExit as ended:
            self.status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            raise
        except BaseException:
            self.status = 1
            raise


def _first_in_path(folder: str) -> None:
    """Search modules here, in place of the folder of this process's own script, where Python searches that at all."""
    if not sys.flags.safe_path:
        sys.path[0] = folder


def run(script: str) -> None:
    """Run a script in this process as Python does, with as many threads as its job has."""
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    sys.modules["torch"].set_num_threads(threads)
    sys.modules["threadpoolctl"].threadpool_limits(threads)
    sys.argv = [script]
    _first_in_path(os.path.dirname(script))
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__file__ = script
    exec(compile(Path(script).read_bytes(), script, "exec"), vars(main))


if __name__ == "__main__":
    end = Exit()
    owner = int(sys.argv[2])
    with contextlib.suppress(OSError):  # a session has a niceness of its own, beside its processes'
        Path("/proc/self/autogroup").write_text(str(os.nice(0)))
    _first_in_path(str(SCRIPTS))  # this file's has modules with common names
    import_libraries()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"\0{sys.argv[1]}")
        listening.listen(64)
        asked = serve(listening, lambda: os.getppid() == owner)
    if asked:
        with end.observing():
            run(asked["script"])
