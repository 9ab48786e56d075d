"""Whole runs within tests are forks; each ends as a process of its own would, and no failure of it is lost."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.workflow import forks

SERVER = """
import sys
import numpy.random
from tests.workflow.forks import serve
serve(sys.argv[1], int(sys.argv[2]), lambda request: exec(request["arguments"][0], {}))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a server that runs the code that it is given."""
    path = tmp_path_factory.mktemp("server") / "socket"
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(path), str(os.getpid())], cwd=ROOT)
    while not path.exists():
        assert process.poll() is None
    yield path
    process.kill()
    process.wait()


def ended(server: Path, code: str, said: Path) -> tuple[int, str]:
    """The exit status of this code as a fork, and what it printed."""
    with open(os.devnull) as nothing, open(said, "w+") as file:
        status = forks.ask(str(server), [code], dict(os.environ), [nothing.fileno(), file.fileno(), file.fileno()])
    return status, said.read_text()


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("print('done')", 0, "done\n"),
        ("raise RuntimeError('wrong')", 1, "RuntimeError: wrong\n"),
        ("import sys; print('so far'); sys.exit(3)", 3, "so far\n"),
        ("import sys; sys.exit('why')", 1, "why\n"),
        ("import os; os.kill(os.getpid(), 9)", 1, ""),
        ("import os; os.fork() or exit(0); os.wait(); raise RuntimeError('wrong')", 1, "RuntimeError: wrong\n"),
        ("import threading; threading.Timer(0.2, print, ['late']).start()", 0, "late\n"),
    ],
)
def test_a_fork_ends_as_a_process_does(server: Path, code: str, status: int, said: str, tmp_path: Path) -> None:
    found, printed = ended(server, code, tmp_path / "said")
    assert (found, printed[-len(said) :] if said else printed) == (status, said)


def test_forks_share_no_state(server: Path, tmp_path: Path) -> None:
    """Neither what one imported, nor numbers drawn without a seed."""
    code = (
        "import sys, random, numpy; print('wave' in sys.modules, random.random(), numpy.random.random()); import wave"
    )
    runs = [ended(server, code, tmp_path / "said")[1].split() for _ in range(2)]
    assert [run[0] for run in runs] == ["False", "False"]
    assert all(one != other for one, other in zip(runs[0][1:], runs[1][1:], strict=True))


def test_a_file_edited_while_tests_run_is_told(tmp_path: Path) -> None:
    """A server has read the rules, and imported the library, once."""
    read = forks.files_read()
    rules = str(ROOT / "workflow" / "rules" / "train.smk")
    assert {rules, str(ROOT / "Snakefile"), str(forks.SCRIPTS / "semalign" / "runtime" / "job.py")} <= read.keys()
    with pytest.raises(SystemExit, match=r"train\.smk was edited after the tests had begun"):
        forks.run_snakemake({}, read=read | {rules: read[rules] - 1})
