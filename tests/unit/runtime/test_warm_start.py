"""A job that starts warm is, to all that deal with it, the process that was started for it."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from semalign.runtime import warm_server, warm_start
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
    """A process of the libraries, as `start` starts it, where matplotlib has only a temporary folder for its cache."""

    def __init__(self, temporary: Path) -> None:
        self.name = f"semalign-test-{uuid.uuid4()}"
        call = [sys.executable, warm_server.__file__, self.name, str(os.getpid())]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": ""}
        environment |= {"TMPDIR": str(temporary), "MPLCONFIGDIR": "/dev/null"}
        self.process = subprocess.Popen(call, env=environment, start_new_session=True)
        while not serves(self.name):
            assert self.process.poll() is None
            time.sleep(0.05)

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture(autouse=True, scope="module")
def _hangups() -> Iterator[None]:
    """Signals are passed on that are not ignored, as SIGHUP is where the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def serves(name: str) -> bool:
    """Whether a process of the libraries listens at this name."""
    with socket.socket(socket.AF_UNIX) as link:
        return link.connect_ex(f"\0{name}") == 0


def script(code: str, folder: Path, rule: str = "score") -> str:
    """A job's script, which does this once it has imported the project."""
    path = folder / "script.py"
    path.write_text(SCRIPT.format(rule=rule, scripts=str(warm_server.SCRIPTS), code=code), encoding="utf-8")
    return str(path)


def job(
    server: Server,
    code: str,
    folder: Path,
    rule: str = "score",
    stdout: Any = subprocess.PIPE,
    **environment: str,
) -> "subprocess.Popen[str]":
    """A job with such a script."""
    return subprocess.Popen(
        [sys.executable, script(code, folder, rule)],
        cwd=folder,
        env=os.environ | environment | {warm_start.SOCKET: server.name},
        stdout=stdout,
        stderr=subprocess.STDOUT,
        text=True,
    )


def waits(server: Server, folder: Path, code: str = "") -> tuple["subprocess.Popen[str]", int]:
    """A job that works for a minute, and the fork that does its work."""
    one = job(server, f"{code}\nimport os, pathlib, time; print(os.getpid(), flush=True); time.sleep(60)", folder)
    assert one.stdout
    return one, int(one.stdout.readline())


def comes(true: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether this becomes true in time."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def gone(pid: int) -> bool:
    return comes(lambda: not alive(pid))


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


def test_any_environment_reaches_the_fork(server: Server, tmp_path: Path) -> None:
    """And what libraries derived from the environment that they were imported in does not."""
    code = (
        "import os, tempfile; values = [os.environb[b'BYTES'], os.environb[b'LINES'], len(os.environb[b'LARGE'])]\n"
        "print(values, os.environ.get('SEMALIGN_WARM_START'), tempfile.gettempdir() == os.getcwd())"
    )
    large = {f"LARGE{number}": "x" * 100_000 for number in range(10)}
    unusual = {"BYTES": os.fsdecode(b"\xff\xfe"), "LINES": "a\nb", "LARGE": "x" * 100_000}
    one = job(server, code, tmp_path, TMPDIR=str(tmp_path), **large, **unusual)
    assert (
        one.communicate(timeout=60)[0]
        == f"[{[*map(os.fsencode, list(unusual.values())[:2]), 100_000]}"[1:] + " None True\n"
    )


def test_what_cannot_be_printed_fails(server: Server, tmp_path: Path) -> None:
    """As Python ends a process of its own."""
    with open("/dev/full", "wb") as full:
        assert job(server, "print('lost')", tmp_path, stdout=full).wait(timeout=60) == warm_server.UNWRITTEN


def test_a_job_without_input_starts_cold(server: Server, tmp_path: Path) -> None:
    """Its first descriptor then is the socket, which must not be sent: the fork would outlive who waits for it."""
    path = script("print(cold, 'torch' in sys.modules)", tmp_path)
    call = ["sh", "-c", 'exec "$0" "$1" <&-', sys.executable, path]
    environment = os.environ | {warm_start.SOCKET: server.name}
    assert subprocess.run(call, env=environment, capture_output=True, check=True).stdout == b"True False\n"


def test_a_terminal_shows_lines_as_they_are_printed(server: Server, tmp_path: Path) -> None:
    ours, terminal = os.openpty()
    one = job(server, "print('now'); import time; time.sleep(60)", tmp_path, stdout=terminal)
    assert os.read(ours, 100) == b"now\r\n"
    one.kill()
    one.wait()
    os.close(ours)
    os.close(terminal)


def test_requests_leave_no_descriptor(server: Server, tmp_path: Path) -> None:
    """Nor does one whose sender was killed before it had sent all."""
    job(server, "", tmp_path).wait(timeout=60)
    before = server.descriptors()
    for size in (b"", (100).to_bytes(warm_server.SIZE, "big"), bytes(warm_server.SIZE)):
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(f"\0{server.name}")
            if size:
                socket.send_fds(link, [size], [0, 1, 2])
    job(server, "", tmp_path).wait(timeout=60)
    assert comes(lambda: server.descriptors() <= before)


def test_a_job_waits_where_no_more_files_may_be_open(server: Server, tmp_path: Path) -> None:
    """The process of the libraries, which all forks need, goes on."""
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (server.descriptors(), limits[1]))
    one = job(server, "print('done')", tmp_path)
    time.sleep(2)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)
    assert one.communicate(timeout=60)[0] == "done\n"
    assert server.process.poll() is None


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_process_of_the_libraries_heeds_no_such_signal(
    server: Server, number: signal.Signals, tmp_path: Path
) -> None:
    """Whoever stops a whole group of processes lets its forks save."""
    one, fork = waits(server, tmp_path)
    server.process.send_signal(number)
    os.kill(fork, signal.SIGTERM)
    assert one.wait(timeout=10) == 128 + signal.SIGTERM
    assert server.process.poll() is None


def test_a_paused_job_pauses_its_fork(server: Server, tmp_path: Path) -> None:
    one, fork = waits(server, tmp_path)

    def state() -> str:
        return Path(f"/proc/{fork}/stat").read_text().rpartition(")")[2].split()[0]

    for number, expected in ((signal.SIGTSTP, "T"), (signal.SIGCONT, "S")):
        one.send_signal(number)
        assert comes(lambda expected=expected: state() == expected)  # type: ignore[misc]
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
    server = Server(tmp_path)
    one, fork = waits(server, tmp_path)
    server.end()
    assert (one.wait(timeout=10), gone(fork)) == (-signal.SIGKILL, True)
    assert job(server, "print(cold, 'torch' in sys.modules)", tmp_path).communicate(timeout=60)[0] == "True False\n"


STARTER = """
import logging, os, subprocess, sys
from semalign.runtime import signals, warm_start
os.makedirs(".snakemake", exist_ok=True)
signals.pass_on_terminations()
warm_start.start(logging.root)
print(os.environ.get(warm_start.SOCKET), flush=True)
for script in sys.stdin:
    print(subprocess.call([sys.executable, script.strip()]), flush=True)
"""


def starter(folder: Path, **environment: str) -> "subprocess.Popen[str]":
    """What starts a process of the libraries, as Snakemake does, and prints its name."""
    return subprocess.Popen(
        [sys.executable, "-c", STARTER],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(warm_server.SCRIPTS)} | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("ends", [lambda one: one.stdin.close(), lambda one: one.kill()])
def test_it_ends_with_the_process_that_started_it(ends: Callable[..., object], tmp_path: Path) -> None:
    """And leaves no file; the folder for temporary ones may have any path."""
    temporary = tmp_path / ("x" * 120)
    temporary.mkdir()
    with starter(tmp_path, TMPDIR=str(temporary), PYTHONWARNINGS="always::ResourceWarning") as one:
        assert one.stdin
        assert one.stdout
        name = one.stdout.readline().strip()
        assert comes(lambda: serves(name), 120)
        ends(one)
        assert one.stdout.read() == ""
    assert comes(lambda: not serves(name))
    assert (list(temporary.glob("semalign*")), (tmp_path / warm_start.LOG).read_text()) == ([], "")


def test_a_termination_of_all_lets_a_fork_save(tmp_path: Path) -> None:
    """It is told once, by the process that waits for it; the process of the libraries goes on until it has ended."""
    code = """
import os, signal, time
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
print("up", flush=True)
while not told:
    time.sleep(0.01)
time.sleep(1)
os._exit(10 + len(told))
"""
    with starter(tmp_path) as one:
        assert one.stdin
        assert one.stdout
        name = one.stdout.readline().strip()
        assert comes(lambda: serves(name), 120)
        script(code, tmp_path)
        print(tmp_path / "script.py", file=one.stdin, flush=True)
        assert one.stdout.readline() == "up\n"
        one.terminate()
        assert one.stdout.readline() == "11\n"
        one.stdin.close()


def test_without_its_log_jobs_start_cold(tmp_path: Path) -> None:
    (tmp_path / warm_start.LOG).mkdir(parents=True)
    with starter(tmp_path) as one:
        assert (
            one.communicate()[0]
            == f"Each job imports the libraries itself: [Errno 21] Is a directory: '{warm_start.LOG}'\nNone\n"
        )
