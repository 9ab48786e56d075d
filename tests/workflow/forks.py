"""Many runs of Snakemake, and of their jobs' scripts, in little time: each is a fork of a process that has imported.

`python forks.py serve <socket> <kind> <pid>` serves until the process `pid` is gone. Kinds: `snakemake` has imported
Snakemake and what this project's Snakefile imports, `bare` Snakemake alone, for copies of the project, whose code may
differ, and `scripts` the libraries that scripts import, but nothing of the project. A run has the folder, the
environment and the descriptors of who asks. What a server has read of the project stays as it was: a run says so, and
fails, where a file was edited since.

`python forks.py job <folder> <pid> <script>` is what Snakemake calls in place of Python. Tests of what is killed,
interrupted, submitted or started in another way start real processes.
"""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
OF_EACH_JOB = {"OMP_NUM_THREADS": "1"}  # of a server; a job sets its own number


def started(folder: Path, kind: str, owner: int, environment: dict[str, str]) -> str:
    """The socket of a server of this kind, which is started where there is none yet."""
    path = folder / kind
    with open(folder / f"{kind}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            call = [sys.executable, __file__, "serve", str(path), kind, str(owner)]
            with open(folder / f"{kind}.log", "wb") as log:
                server = subprocess.Popen(
                    call, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            while not path.exists():
                assert server.poll() is None, (folder / f"{kind}.log").read_text()
                time.sleep(0.02)
    return str(path)


def ask(path: str, arguments: list[str], environment: dict[str, str], descriptors: list[int], **more: str) -> int:
    """Have a server run this; returns the exit status, 1 where it was killed."""
    request = {"arguments": arguments, "environment": environment, "folder": os.getcwd()} | more
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)
        socket.send_fds(link, [b"."], descriptors)
        link.sendall(json.dumps(request).encode())
        link.shutdown(socket.SHUT_WR)
        return int(link.recv(8) or b"1")


def serve(path: str, owner: int, work: Callable[[dict[str, Any]], None]) -> None:
    import gc
    import signal

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for forks
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{path}.new")
    server.listen(64)
    server.settimeout(1)
    gc.freeze()  # a fork need not look through what all share
    os.rename(f"{path}.new", path)
    while True:
        try:
            link, _ = server.accept()
        except TimeoutError:
            try:
                os.kill(owner, 0)
            except ProcessLookupError:
                shutil.rmtree(os.path.dirname(path), ignore_errors=True)
                return
            continue
        if os.fork() == 0:
            server.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            be_asked(link, work)
        link.close()


def be_asked(link: socket.socket, work: Callable[[dict[str, Any]], None]) -> None:
    """Do in a fork what is asked, and end it as Python ends a process."""
    import atexit
    import threading
    import traceback

    asked = os.getpid()
    _, descriptors, _, _ = socket.recv_fds(link, 1, 3)
    request = json.loads(b"".join(iter(lambda: link.recv(1 << 16), b"")))
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    status = 1
    atexit._clear()  # what its parent does at its own end
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()  # else all forks draw the same without a seed, as no two processes do
    try:
        work(request)
        status = 0
    except SystemExit as ended:
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as a process does
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        if os.getpid() == asked:  # a process that the work forked has no say in how the work ended
            link.sendall(str(status).encode())
        os._exit(status)


def files_read() -> dict[str, int]:
    """The files of which a server of the kind `snakemake` keeps what it has read, and when each was changed."""
    files = [ROOT / "Snakefile", *(ROOT / "workflow").rglob("*.smk"), *SCRIPTS.rglob("*.py")]
    return {str(file): file.stat().st_mtime_ns for file in files}


def run_snakemake(request: dict[str, Any], read: dict[str, int] | None = None) -> None:
    import snakemake.cli

    if read is not None and (edited := sorted(name for name, _ in read.items() ^ files_read().items())):
        sys.exit(f"{edited[0]} was edited after the tests had begun: begin them again")
    sys.argv = [snakemake.cli.__file__, *request["arguments"]]
    sys.executable = request["python"]
    snakemake.cli.main(request["arguments"])


def run_script(request: dict[str, Any]) -> None:
    """Run a job's script as Python does, with as many threads as the job has."""
    import types

    import threadpoolctl
    import torch

    threads = int(os.environ["OMP_NUM_THREADS"])
    torch.set_num_threads(threads)
    threadpoolctl.threadpool_limits(threads)
    [script] = sys.argv = request["arguments"]
    sys.path[0] = os.path.dirname(script)
    main = types.ModuleType("__main__")
    main.__file__ = script
    sys.modules["__main__"] = main
    exec(compile(Path(script).read_text(encoding="utf-8"), script, "exec"), vars(main))


def import_snakemake() -> None:
    import smart_open
    import snakemake.api
    import snakemake.cli
    import snakemake.dag
    import snakemake.script
    import snakemake.workflow

    assert smart_open  # which Snakemake imports late
    snakemake.cli.get_argument_parser()  # imports all plugins


def import_project() -> None:
    """Import what the Snakefile does, and read ahead the rules and the code whose hashes they take."""
    import importlib
    import re
    from functools import cache

    sys.path.insert(0, str(SCRIPTS))
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    for module in re.findall(r"^from (semalign[\w.]*) import", rules, re.M):
        importlib.import_module(module)
    settings: Any = importlib.import_module("semalign.reruns.settings")
    settings.fingerprint = cache(settings.fingerprint)
    for script in SCRIPTS.glob("*.py"):
        settings.fingerprint(script.stem)
    parse_ahead(["Snakefile", *re.findall('^include: "(.*)"', (ROOT / "Snakefile").read_text(), re.M)])


def parse_ahead(files: list[str]) -> None:
    """Parse these files, in the order in which Snakemake includes them, once for all forks."""
    import io
    from types import SimpleNamespace

    import snakemake.workflow
    from snakemake.sourcecache import LocalSourceFile

    parse = snakemake.workflow.parse
    opened = SimpleNamespace(open=lambda file: io.StringIO(Path(str(file.path)).read_text(encoding="utf-8")))
    reader = SimpleNamespace(sourcecache=opened)
    known: dict[tuple[str, int], tuple[str, int, dict[int, int]]] = {}
    count = 0
    for name in files:
        path, lines = str(ROOT / name), dict[int, int]()
        code, after = parse(LocalSourceFile(path), reader, rulecount=count, linemap=lines)
        known[path, count] = code, after, lines
        count = after

    def parsed(file: Any, workflow: Any, linemap: dict[int, int], rulecount: int) -> tuple[str, int]:
        found = known.get((str(file.get_path_or_uri(secret_free=True)), rulecount))
        if found is None:
            return parse(file, workflow, linemap=linemap, rulecount=rulecount)
        linemap.update(found[2])
        return found[:2]

    snakemake.workflow.parse = parsed


def import_libraries() -> None:
    """Import what the scripts and their modules do, the project's own modules aside."""
    import ast
    import contextlib

    seen = set()
    for file in sorted(SCRIPTS.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            line = ast.unparse(node)
            if names and line not in seen and not any(name.startswith(("semalign", "__future__")) for name in names):
                seen.add(line)
                with contextlib.suppress(ImportError):  # an extra
                    exec(line, {})


if __name__ == "__main__":
    if sys.argv[1] == "job":
        folder, owner, script = sys.argv[2:]
        if ".download_" in os.path.basename(script):  # which sets what libraries read as they are imported
            os.execv(sys.executable, [sys.executable, script])
        environment = dict(os.environ)
        socket_path = started(Path(folder), "scripts", int(owner), environment | OF_EACH_JOB)
        sys.exit(ask(socket_path, [script], environment, [0, 1, 2]))
    _, _, path, kind, owner = sys.argv
    work: Callable[[dict[str, Any]], None] = run_snakemake
    if kind == "scripts":
        import_libraries()
        work = run_script
    else:
        import_snakemake()
    if kind == "snakemake":
        work = partial(run_snakemake, read=files_read())
        import_project()
    serve(path, int(owner), work)
