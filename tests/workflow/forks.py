"""Many runs of Snakemake in little time: reads a JSON list of arguments a line, prints {"status", "output"} for each.

Run as a process of its own. Snakemake is imported once, and each run is a fork of that, two at a time.
"""

import atexit
import gc
import importlib
import json
import os
import re
import sys
import tempfile
import traceback
from pathlib import Path

import snakemake.api
import snakemake.cli
import snakemake.dag
import snakemake.script
import snakemake.workflow

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"


def load_ahead() -> None:
    """Import what the Snakefile does, and read the code whose hashes it takes, once for all forks."""
    sys.path.insert(0, str(SCRIPTS))
    rules = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    for module in re.findall(r"^from (semalign[\w.]*) import", rules, re.M):
        importlib.import_module(module)
    fingerprint = importlib.import_module("semalign.reruns.code").fingerprint
    for script in SCRIPTS.glob("*.py"):
        fingerprint(script.stem)


def start(arguments: list[str], output: Path) -> int:
    """Run Snakemake in a fork whose output goes to a file; returns the fork's process id."""
    pid = os.fork()
    if pid == 0:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        status = 1
        atexit._clear()  # what its parent does at its own end
        try:
            snakemake.cli.main(arguments)
        except SystemExit as ended:
            status = int(ended.code or 0)
        except BaseException:
            traceback.print_exc()
        finally:
            atexit._run_exitfuncs()  # what is said last
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return pid


def main(folder: Path) -> None:
    waiting = [json.loads(line) for line in sys.stdin]
    snakemake.cli.get_argument_parser()  # imports all plugins, once for all forks
    if all(str(ROOT / "Snakefile") in arguments for arguments in waiting):  # not a copy, whose code may differ
        load_ahead()
    gc.freeze()  # a fork need not look through what all share
    answers: list[dict[str, object]] = [{} for _ in waiting]
    running: dict[int, int] = {}
    for number, arguments in [*enumerate(waiting), (-1, None), (-1, None)]:
        if len(running) == 2 or (arguments is None and running):
            pid, status = os.wait()
            done = running.pop(pid)
            answers[done] = {"status": status, "output": (folder / str(done)).read_text(errors="replace")}
        if arguments is not None:
            running[start(arguments, folder / str(number))] = number
    for answer in answers:
        print(json.dumps(answer))


with tempfile.TemporaryDirectory() as outputs:
    main(Path(outputs))
