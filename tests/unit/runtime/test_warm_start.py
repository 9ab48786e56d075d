"""A job that starts warm is, to all that deal with it, the process that was started for it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from semalign.runtime import warm_start
from semalign.runtime.processes import alive

SCRIPT = """
from types import SimpleNamespace
snakemake = SimpleNamespace(rule={rule!r}, log=["log"])
import sys
sys.path.insert(0, {scripts!r})
cold = "torch" not in sys.modules
import semalign
{code}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Server"]:
    one = Server(tmp_path_factory.mktemp("server"))
    yield one
    one.end()


class Server:
    """A process of the libraries, as `start` starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        call = [sys.executable, warm_start.__file__, str(folder), str(os.getpid())]
        self.process = subprocess.Popen(call, env=os.environ | {"OMP_NUM_THREADS": "1"}, start_new_session=True)
        while not (folder / "socket").exists():
            assert self.process.poll() is None
            time.sleep(0.05)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def job(server: Server, code: str, folder: Path, rule: str = "score", **environment: str) -> "subprocess.Popen[str]":
    """A job's script, which does this once it has imported the project."""
    script = folder / "script.py"
    script.write_text(SCRIPT.format(rule=rule, scripts=str(warm_start.SCRIPTS), code=code), encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, str(script)],
        cwd=folder,
        env=os.environ | environment | {warm_start.SOCKET: str(server.folder / "socket")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def waits(server: Server, folder: Path, code: str = "") -> tuple["subprocess.Popen[str]", int]:
    """A job that works for a minute, and the fork that does its work."""
    one = job(server, f"{code}\nimport os, pathlib, time; print(os.getpid(), flush=True); time.sleep(60)", folder)
    assert one.stdout
    return one, int(one.stdout.readline())


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("print('done')", 0, "done\n"),
        ("raise RuntimeError('wrong')", 1, "RuntimeError: wrong\n"),
        ("print('so far'); sys.exit(3)", 3, "so far\n"),
        ("sys.exit('why')", 1, "why\n"),
        ("import os; os.kill(os.getpid(), 9)", -9, ""),
        ("import os; os.kill(os.getpid(), 6)", -6, ""),
        ("import os; os.fork() or exit(0); os.wait(); raise RuntimeError('wrong')", 1, "RuntimeError: wrong\n"),
        ("import threading; threading.Timer(0.2, print, ['late']).start()", 0, "late\n"),
        ("import atexit; atexit.register(print, 'last')", 0, "last\n"),
        ("print(__name__, sys.argv[0].endswith('script.py'), cold)", 0, "__main__ True False\n"),
        ("import os; print(os.getcwd() == os.path.dirname(__file__), os.environ['MINE'])", 0, "True mine\n"),
        ("import os, torch; print(torch.get_num_threads())", 0, "3\n"),
        ("import logging; print(logging.root.handlers, 'semalign.runtime.files' in sys.modules)", 0, "[] False\n"),
    ],
)
def test_a_job_ends_as_its_fork_does(server: Server, code: str, status: int, said: str, tmp_path: Path) -> None:
    one = job(server, code, tmp_path, MINE="mine", OMP_NUM_THREADS="3")
    printed, _ = one.communicate(timeout=60)
    assert (one.returncode, printed[-len(said) :] if said else printed) == (status, said)


def test_forks_share_no_state(server: Server, tmp_path: Path) -> None:
    """Neither what one imported, nor numbers drawn without a seed."""
    code = "import random, numpy; print('wave' in sys.modules, random.random(), numpy.random.random()); import wave"
    runs = [job(server, code, tmp_path).communicate(timeout=60)[0].split() for _ in range(2)]
    assert [run[0] for run in runs] == ["False", "False"]
    assert all(one != other for one, other in zip(runs[0][1:], runs[1][1:], strict=True))


def test_downloads_start_cold(server: Server, tmp_path: Path) -> None:
    assert job(server, "print(cold)", tmp_path, rule="download_file").communicate(timeout=60)[0] == "True\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_fork(server: Server, number: signal.Signals, tmp_path: Path) -> None:
    """Whose own handler decides: here it ends with a status of its own."""
    handler = f"import os, signal; signal.signal({int(number)}, lambda *_: os._exit(7))"
    one, fork = waits(server, tmp_path, handler)
    one.send_signal(number)
    assert one.wait(timeout=10) == 7
    assert gone(fork)


def test_a_paused_job_pauses_its_fork(server: Server, tmp_path: Path) -> None:
    one, fork = waits(server, tmp_path)

    def state() -> str:
        return Path(f"/proc/{fork}/stat").read_text().rpartition(")")[2].split()[0]

    for number, expected in ((signal.SIGTSTP, "T"), (signal.SIGCONT, "S")):
        one.send_signal(number)
        deadline = time.monotonic() + 5
        while state() != expected and time.monotonic() < deadline:
            time.sleep(0.02)
        assert state() == expected
    one.kill()
    one.wait()


def test_who_is_killed_takes_the_fork_along(server: Server, tmp_path: Path) -> None:
    one, fork = waits(server, tmp_path)
    one.kill()
    one.wait()
    assert gone(fork)
    assert job(server, "print('next')", tmp_path).communicate(timeout=60)[0] == "next\n"


def test_without_the_process_of_the_libraries(tmp_path: Path) -> None:
    """It takes its forks along, whose jobs are killed; those that begin later start cold."""
    folder = tmp_path / "server"
    folder.mkdir()
    server = Server(folder)
    one, fork = waits(server, tmp_path)
    server.end()
    assert (one.wait(timeout=10), gone(fork)) == (-signal.SIGKILL, True)
    assert job(server, "print(cold, 'torch' in sys.modules)", tmp_path).communicate(timeout=60)[0] == "True False\n"


STARTER = """
import os, signal, sys
from semalign.runtime import warm_start
os.mkdir(".snakemake")
warm_start.start()
print(os.environ[warm_start.SOCKET], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("ends", [lambda one: one.stdin.close(), lambda one: one.kill()])
def test_it_ends_with_the_process_that_started_it(ends: Callable[..., object], tmp_path: Path) -> None:
    """And leaves no file."""
    environment = os.environ | {"PYTHONPATH": str(warm_start.SCRIPTS), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", STARTER], cwd=tmp_path, env=environment, stdin=-1, stdout=-1, text=True
    ) as one:
        assert one.stdout
        socket = Path(one.stdout.readline().strip())
        deadline = time.monotonic() + 60
        while not socket.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert socket.exists()
        ends(one)
    while socket.parent.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not socket.parent.exists()
    assert (tmp_path / warm_start.LOG).read_text() == ""
