"""Jobs that start warm: each is a fork of one process that has imported the libraries, which takes seconds a job.

Snakemake starts that process (`start`; its code is `semalign.runtime.warm_server`), and its jobs as ever. A job's
script, as it imports the project, hands itself over (`hand_over`) and waits: a fork runs the script from its first line
with the environment, the folder and the files of the process that waits, gets its signals, and ends with it and as it
does.
"""

import contextlib
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import types
from typing import NoReturn

from semalign.runtime import warm_server
from semalign.runtime.warm_server import STOPPING, STREAMS, ask, same_user

SOCKET = "SEMALIGN_WARM_START"
LOG = os.path.join(".snakemake", "semalign.warm_start.log")
FEWEST_JOBS = 20  # with fewer, the imports take longer than they save


def start(log: logging.Logger) -> None:
    """Start the process of the libraries for the jobs of this one; those that begin before it is ready start cold."""
    name = f"semalign-{secrets.token_hex(8)}"
    try:
        with open(LOG, "wb") as file:
            process = subprocess.Popen(
                [sys.executable, warm_server.__file__, name, str(os.getpid())],
                env=os.environ | {"OMP_NUM_THREADS": "1"},  # a fork does not have the threads of a pool
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,  # Ctrl-C reaches Snakemake and the processes that wait
            )
    except OSError as error:
        log.warning(f"Each job imports the libraries itself: {error}")
        return
    process.returncode = 0  # nobody waits for it: it ends after this process does
    os.environ[SOCKET] = name


def hand_over() -> None:
    """In a job's script: let a fork run it, and end as that ends. Returns where there is nobody to hand it to.

    Not downloads: what they set, libraries read as they are imported.
    """
    name, job = os.environ.pop(SOCKET, None), getattr(sys.modules["__main__"], "snakemake", None)
    if name is None or job is None or job.rule.startswith("download_"):
        return
    with socket.socket(socket.AF_UNIX) as link, link.makefile() as answers:
        pid = 0
        with contextlib.suppress(OSError):  # not ready yet, or gone; or an input or output is closed, which is not sent
            link.connect(f"\0{name}")
            if same_user(link) and link.fileno() > max(STREAMS):
                ask(link, {"script": sys.argv[0], "environment": dict(os.environ), "folder": os.getcwd()}, STREAMS)
                pid = int(answers.readline() or "0")
        if pid:
            _pass_on_signals(pid)
            status = ""
            with contextlib.suppress(OSError):  # it was killed, and its forks with it
                status = answers.readline()
            _end(int(status or -signal.SIGKILL))


def _pass_on_signals(pid: int) -> None:
    def tell(number: int, frame: types.FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def pause(number: int, frame: types.FrameType | None) -> None:
        tell(signal.SIGSTOP, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        tell(signal.SIGCONT, None)

    for number in (*STOPPING, signal.SIGTSTP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, pause if number == signal.SIGTSTP else tell)


def _end(status: int) -> NoReturn:
    """End this process with an exit status or, where that is negative, by a signal."""
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)
