"""Many runs of Snakemake in little time: reads a JSON list of arguments a line, prints {"status", "output"} for each.

Run as a process of its own. Snakemake is imported once, and each run is a fork of that, two at a time.
"""

import atexit
import json
import os
import sys
import tempfile

import snakemake.api
import snakemake.cli
import snakemake.dag
import snakemake.script
import snakemake.workflow


def start(arguments: list[str], output: int) -> int:
    """Run Snakemake in a fork whose output goes to a file; returns the fork's process id."""
    pid = os.fork()
    if pid == 0:
        os.dup2(output, 1)
        os.dup2(output, 2)
        status = 1
        try:
            snakemake.cli.main(arguments)
        except SystemExit as ended:
            status = int(ended.code or 0)
        finally:
            atexit._run_exitfuncs()  # what is said last
            os._exit(status)
    return pid


def main() -> None:
    waiting = [json.loads(line) for line in sys.stdin]
    answers: list[dict[str, object]] = [{} for _ in waiting]
    running: dict[int, tuple[int, tempfile._TemporaryFileWrapper[bytes]]] = {}
    for number, arguments in [*enumerate(waiting), (-1, None), (-1, None)]:
        if len(running) == 2 or (arguments is None and running):
            pid, status = os.wait()
            done, file = running.pop(pid)
            file.seek(0)
            answers[done] = {"status": status, "output": file.read().decode(errors="replace")}
        if arguments is not None:
            output = tempfile.NamedTemporaryFile()  # noqa: SIM115
            running[start(arguments, output.fileno())] = (number, output)
    for answer in answers:
        print(json.dumps(answer))


main()
