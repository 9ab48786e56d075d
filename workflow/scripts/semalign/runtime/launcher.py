"""The processes of one training: how a job starts them, stops them and tells what went wrong.

The job's own process is the launcher. It holds the workspace, waits, and alone speaks to Snakemake; it does not train.
Each rank runs the job's script again, with its place in the environment. It is not torchrun: that one gives up on its
ranks when it is told to stop, where a training must be let finish its step and save.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semalign.runtime.clock import count, model_seconds
from semalign.runtime.errors import ProcessError
from semalign.runtime.files import read_json, write_json
from semalign.runtime.progress import heard
from semalign.runtime.signals import Stopped, follow, stop_on_signals, stopping
from semalign.runtime.workspace import Workspace

log = logging.getLogger("semalign")

PLACE = "SEMALIGN_RANK_FOLDER"  # set in a rank alone
TERMINAL = "SEMALIGN_TERMINAL"  # likewise: the descriptor of what Snakemake writes to
SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_TO_FOLLOW = 10  # for the others to end by themselves when one has ended badly
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def is_rank() -> bool:
    """Whether this is a training process rather than the job itself."""
    return PLACE in os.environ


def launch(processes: int, threads: int, workspace: Workspace, terminal: int) -> None:
    """Run this very script in so many processes, the job's threads shared out among them; returns when all have ended.

    The first one's output is the job's, and it tells the descriptor `terminal` how far it is; the others' output goes
    to files, shown where one fails. Raises Stopped when they were asked to stop and have saved, ProcessError with what
    to tell when one failed.
    """
    from torch.distributed import TCPStore

    place = workspace.folder / "ranks"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    common = {
        PLACE: str(place),
        TERMINAL: str(terminal),
        "SEMALIGN_PROCESS": str(os.getpid()),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
    }
    os.set_inheritable(terminal, True)
    common |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port)}
    common |= dict.fromkeys(THREADS, str(max(1, threads // processes)))
    if "linux" in sys.platform:
        common["GLOO_SOCKET_IFNAME"] = "lo"  # all are on this machine, whose name may lead nowhere
    ranks: list[_Rank] = []
    try:
        for number in range(processes):
            own = {"RANK": str(number), "LOCAL_RANK": str(number)}
            ranks.append(_Rank.start(number, place, dict(os.environ) | common | own))
        first_failed = _wait(ranks)
    finally:
        for rank in ranks:
            rank.process.kill()
            rank.process.wait()
    if first_failed is not None:
        first_failed.tell()
    report = ranks[0].report()
    if report is None:
        raise Stopped
    count(report["model_seconds"])
    shutil.rmtree(place)


@dataclass(frozen=True)
class _Rank:
    number: int
    place: Path
    process: "subprocess.Popen[bytes]"

    @staticmethod
    def start(number: int, place: Path, environment: dict[str, str]) -> "_Rank":
        with open(place / f"{number}.log", "wb") as file:
            output = None if number == 0 else file
            # close_fds: what is meant to be inherited, the workspace's lock, stays open in the ranks. A session of its
            # own: Ctrl-C reaches the launcher alone.
            process = subprocess.Popen(
                [sys.executable, sys.argv[0]],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                close_fds=False,
                start_new_session=True,
            )
        return _Rank(number, place, process)

    def report(self) -> dict[str, Any] | None:
        path = self.place / f"{self.number}.json"
        return read_json(path) if path.is_file() else None

    def tell(self) -> None:
        """Raise what its failure means for the job."""
        report = self.report()
        if report is None and stopping():
            raise Stopped  # before it could save, or when it was too late
        if self.number > 0:
            log.error("process %d wrote:\n%s", self.number, (self.place / f"{self.number}.log").read_text("utf-8"))
        if report is not None:
            raise ProcessError(report["failure"])
        code = self.process.returncode
        end = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        raise ProcessError(
            f"process {self.number} of the training {end}; where memory ran out, lower micro_batch_size or processes. "
            "The same command resumes from the last checkpoint"
        )


def _wait(ranks: list[_Rank]) -> _Rank | None:
    """Wait for the end of all, passing on a request to stop; returns the first that failed.

    Where one fails, the others are given a moment, since what one finds wrong all do, and are then killed: they may
    wait for it for ever.
    """
    failed, told, deadline = None, False, 0.0
    while any(rank.process.poll() is None for rank in ranks):
        if failed is None:
            failed = _first_failed(ranks)
            deadline = time.monotonic() + SECONDS_TO_FOLLOW
        if stopping() and not told:
            for rank in ranks:
                rank.process.send_signal(signal.SIGTERM)
            told = True
        if failed is not None and time.monotonic() > deadline:
            for rank in ranks:
                rank.process.kill()
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return failed or _first_failed(ranks)


def _first_failed(ranks: list[_Rank]) -> _Rank | None:
    """Of those that have ended badly the one that began it: one that could not say why, else the first to say so.

    The others fail for the lack of it.
    """

    def when(rank: _Rank) -> float:
        report = rank.report()
        return report.get("at", 0.0) if report else 0.0

    return min((rank for rank in ranks if rank.process.returncode), key=when, default=None)


@contextmanager
def taking_part(device: str) -> Iterator[None]:
    """Within the block this process is a rank among the others; when it ends well, the launcher is told.

    A request to stop lets the training save; the launcher alone ends a rank at once.
    """
    from semalign.runtime import distributed

    launcher = int(os.environ["SEMALIGN_PROCESS"])
    if os.getppid() != launcher:
        raise SystemExit(1)  # it was killed meanwhile
    follow(launcher)
    rank = int(os.environ["RANK"])
    with stop_on_signals(at_once=False):
        distributed.join(rank, int(os.environ["WORLD_SIZE"]), int(os.environ["MASTER_PORT"]), device)
        try:
            yield
        except Stopped:
            pass
        else:
            _write({"model_seconds": model_seconds()})
        distributed.leave()


def heard_of_first(job: str) -> AbstractContextManager[None]:
    """Within the block the first process tells Snakemake's terminal how far the training is; the others keep silent."""
    return heard(job, int(os.environ[TERMINAL])) if os.environ["RANK"] == "0" else nullcontext()


def fail(message: str) -> None:
    """End this rank, and leave to the launcher what to tell."""
    _write({"failure": message, "at": time.time()})
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)  # at once: the others may wait for it, and it for them


def _write(report: dict[str, Any]) -> None:
    write_json(Path(os.environ[PLACE]) / f"{os.environ['RANK']}.json", report)


def workspace_of_rank(**without_effect: Any) -> Workspace:
    """The launcher's workspace, as a rank sees it."""
    return Workspace(Path(os.environ[PLACE]).parent, **without_effect)
