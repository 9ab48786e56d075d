"""Many runs of Snakemake, and of their jobs' scripts, in little time: each is a fork of a process that has imported.

`python forks.py serve <socket> <kind> <pid>` serves until the process `pid` is gone. Kinds: `snakemake` has imported
Snakemake and what this project's Snakefile imports, `bare` Snakemake alone, for copies of the project, whose code may
differ, and `scripts` what jobs that start warm have (`semalign.runtime.warm_server`, whose forks these are). What a
server has read of the project stays as it was: a run says so, and fails, where a file was edited since.

`python forks.py job <folder> <pid> <script>` is what Snakemake calls in place of Python. Tests of what is killed,
interrupted, submitted or started in another way start real processes.
"""

import fcntl
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
OF_EACH_JOB = {"OMP_NUM_THREADS": "1"}  # of a server; a job sets its own number


def warm_server() -> Any:
    """The module, without its package: a server of jobs has imported nothing of the project."""
    spec: Any = importlib.util.spec_from_file_location(
        "warm_server", SCRIPTS / "semalign" / "runtime" / "warm_server.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def ask(path: str, environment: dict[str, str], descriptors: list[int], **request: Any) -> int:
    """Have a server run this; returns the exit status."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(path)
        warm_server().ask(link, {"environment": environment, "folder": os.getcwd()} | request, descriptors)
        with link.makefile() as answers:
            assert int(answers.readline() or "0"), f"{path} cannot fork"
            return int(answers.readline() or "1")


def files_read() -> dict[str, int]:
    """The files of which a server of the kind `snakemake` keeps what it has read, and when each was changed."""
    files = [ROOT / "Snakefile", *(ROOT / "workflow").rglob("*.smk"), *SCRIPTS.rglob("*.py")]
    return {str(file): file.stat().st_mtime_ns for file in files}


def run_snakemake(arguments: list[str], python: str, read: dict[str, int] | None = None) -> None:
    import snakemake.cli

    if read is not None and (edited := sorted(name for name, _ in read.items() ^ files_read().items())):
        sys.exit(f"{edited[0]} was edited after the tests had begun: begin them again")
    sys.argv, sys.executable = [snakemake.cli.__file__, *arguments], python
    snakemake.cli.main(arguments)


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


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def job(folder: str, owner: int, script: str) -> int:
    """Run a job's script; downloads, which set what libraries read as they are imported, in a process of their own."""
    if ".download_" in os.path.basename(script):
        os.execv(sys.executable, [sys.executable, script])
    environment = dict(os.environ)
    path = started(Path(folder), "scripts", owner, environment | OF_EACH_JOB)
    return ask(path, environment, [0, 1, 2], script=script)


def main(path: str, kind: str, owner: int) -> None:
    """Serve, and in each fork do what is asked."""
    warm = warm_server()
    end = warm.Exit()
    if kind == "scripts":
        warm.import_libraries()
    else:
        import_snakemake()
    read = files_read() if kind == "snakemake" else None
    if read:
        import_project()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{path}.new")
        listening.listen(64)
        os.rename(f"{path}.new", path)
        asked = warm.serve(listening, lambda: exists(owner))
    with end.observing():
        if asked is None:
            shutil.rmtree(os.path.dirname(path), ignore_errors=True)
        elif kind == "scripts":
            warm.run(asked["script"])
        else:
            run_snakemake(asked["arguments"], asked["python"], read)


if __name__ == "__main__":
    if sys.argv[1] == "job":
        status = job(sys.argv[2], int(sys.argv[3]), sys.argv[4])
        sys.exit(status if status >= 0 else 128 - status)
    main(sys.argv[2], sys.argv[3], int(sys.argv[4]))
