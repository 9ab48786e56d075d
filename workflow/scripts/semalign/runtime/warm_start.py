"""Jobs that start warm: each is a fork of one process that has imported the libraries, which takes seconds a job.

Snakemake starts that process (`start`), and its jobs as ever. A job's script, as it imports the project, hands itself
over (`hand_over`) and waits: a fork runs the script from its first line with the environment, the folder and the files
of the process that waits, gets its signals, and ends with it and as it does. The process of the libraries imports
nothing of the project, so that a job runs the code that is there when it begins.

`python warm_start.py <folder> <pid>` serves the process `pid` until it and all forks have ended.
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
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

SOCKET = "SEMALIGN_WARM_START"
LOG = os.path.join(".snakemake", "semalign.warm_start.log")
FEWEST_JOBS = 20  # with fewer, the imports take longer than they save
SCRIPTS = Path(__file__).resolve().parents[2]
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_TO_ASK = 10.0
SIZE = 8  # bytes that say how long a request is


def start() -> None:
    """Start the process of the libraries for the jobs of this one; those that begin before it is ready start cold."""
    folder = tempfile.mkdtemp(prefix="semalign-")
    with open(LOG, "wb") as log:
        subprocess.Popen(
            [sys.executable, __file__, folder, str(os.getpid())],
            env=os.environ | {"OMP_NUM_THREADS": "1"},  # a fork does not have the threads of a pool
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C reaches Snakemake and the processes that wait
        )
    os.environ[SOCKET] = os.path.join(folder, "socket")


def hand_over() -> None:
    """In a job's script: let a fork run it, and end as that ends. Returns where there is nobody to hand it to.

    Not downloads: what they set, libraries read as they are imported.
    """
    path, job = os.environ.pop(SOCKET, None), getattr(sys.modules["__main__"], "snakemake", None)
    if path is None or job is None or job.rule.startswith("download_"):
        return
    with socket.socket(socket.AF_UNIX) as link, link.makefile() as answers:
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        pid = 0
        with contextlib.suppress(OSError):  # not ready yet, or gone
            link.connect(path)
            ask(link, {"script": sys.argv[0], "environment": dict(os.environ), "folder": os.getcwd()}, [0, 1, 2])
            pid = int(answers.readline() or "0")
        if pid:
            _pass_on_signals(pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        if pid:
            status = ""
            with contextlib.suppress(OSError):  # it was killed, and its forks with it
                status = answers.readline()
            _end(int(status or -signal.SIGKILL))


def ask(link: socket.socket, request: dict[str, Any], files: list[int]) -> None:
    """Ask for a fork with these files as its input, output and error output.

    What comes back is its process id in a line, 0 where there is none, and in a second line, once it has ended, its
    exit status, negative where it was ended by a signal.
    """
    written = json.dumps(request).encode()
    socket.send_fds(link, [len(written).to_bytes(SIZE, "big")], files)
    link.sendall(written)


def _pass_on_signals(pid: int) -> None:
    def tell(number: int, frame: types.FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def pause(number: int, frame: types.FrameType | None) -> None:
        tell(signal.SIGSTOP, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        tell(signal.SIGCONT, None)

    for number in STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, tell)
    signal.signal(signal.SIGTSTP, pause)


def _end(status: int) -> NoReturn:
    """End this process with an exit status or, where that is negative, by a signal."""
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def import_libraries() -> None:
    """Import what the project's modules do, the project aside."""
    for file in sorted(SCRIPTS.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            within = node.module if isinstance(node, ast.ImportFrom) else None
            if names and (within or names[0]).partition(".")[0] not in ("semalign", "__future__"):
                with contextlib.suppress(ImportError, AttributeError):  # an extra
                    for name in names:
                        getattr(importlib.import_module(within), name) if within else importlib.import_module(name)


def serve(path: Path, wanted: Callable[[], bool]) -> dict[str, Any] | None:
    """Fork for each request that comes through the socket `path`, and answer it (see `ask`).

    Returns the request in a fork, which has the environment, the folder and the files that were asked for; and None
    when all forks have ended and no more are `wanted`.
    """
    gc.collect()
    gc.freeze()
    awake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    links: dict[int, socket.socket] = {}  # by fork
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{path}.new")
        server.listen(64)
        os.rename(f"{path}.new", path)
        while links or wanted():
            watched: list[Any] = [server, awake, *links.values()]
            ready, _, _ = select.select(watched, [], [], SECONDS_BETWEEN_LOOKS)
            for pid in [pid for pid, link in links.items() if link in ready]:
                os.kill(pid, signal.SIGKILL)  # who waited for it was killed
            if awake in ready:
                os.read(awake, 4096)
                _tell_ended(links)
            if server in ready:
                link, _ = server.accept()
                request = _received(link)
                pid = _forked() if request else -1
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for one in (link, *links.values()):
                        one.close()
                    _take_place(request or {})
                    return request
                for number in request["files"] if request else []:
                    os.close(number)
                if pid > 0:
                    links[pid] = link
                with contextlib.suppress(OSError):
                    link.sendall(f"{max(pid, 0)}\n".encode())
    return None


def _received(link: socket.socket) -> dict[str, Any] | None:
    """What is asked for, with the descriptors of who asks; None where that was killed meanwhile."""
    link.settimeout(SECONDS_TO_ASK)
    try:
        size, files, _, _ = socket.recv_fds(link, SIZE, 3)
        with link.makefile("rb") as sent:
            written = sent.read(int.from_bytes(size, "big"))
        found: dict[str, Any] = json.loads(written) | {"files": files}
    except (OSError, ValueError):
        return None
    link.settimeout(None)
    return found


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


def _take_place(request: dict[str, Any]) -> None:
    for number, descriptor in enumerate(request["files"]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # else all forks draw the same without a seed


def _tell_ended(links: dict[int, socket.socket]) -> None:
    while links:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with links.pop(pid) as link, contextlib.suppress(OSError):
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
            with contextlib.suppress(OSError):
                stream.flush()
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


def run(script: str) -> None:
    """Run a script in this process as Python does, with as many threads as its job has."""
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    sys.modules["torch"].set_num_threads(threads)
    sys.modules["threadpoolctl"].threadpool_limits(threads)
    sys.argv, sys.path[0] = [script], os.path.dirname(script)
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__file__ = script
    exec(compile(Path(script).read_bytes(), script, "exec"), vars(main))


if __name__ == "__main__":
    end = Exit()
    folder, owner = Path(sys.argv[1]), int(sys.argv[2])
    sys.path[0] = str(SCRIPTS)  # not this file's, whose modules have common names
    import_libraries()
    if asked := serve(folder / "socket", lambda: os.getppid() == owner):
        with end.observing():
            run(asked["script"])
    else:
        shutil.rmtree(folder, ignore_errors=True)
