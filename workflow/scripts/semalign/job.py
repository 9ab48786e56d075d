"""What every script does around its work: a log, clear errors, and a record of where its outputs come from."""

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from semalign import provenance
from semalign.errors import InputError

log = logging.getLogger("semalign")


@contextlib.contextmanager
def _output_to(path: str) -> Iterator[None]:
    """Send this process's stdout and stderr, of C libraries too, to a file; give the terminal back at the end."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    saved = [(stream, os.dup(stream.fileno())) for stream in (sys.stdout, sys.stderr)]
    with open(path, "w", encoding="utf-8") as file:
        for stream, _ in saved:
            stream.flush()
            os.dup2(file.fileno(), stream.fileno())
        try:
            yield
        finally:
            for stream, descriptor in saved:
                stream.flush()
                os.dup2(descriptor, stream.fileno())
                os.close(descriptor)


def _terminate(signum: int, frame: Any) -> None:
    sys.exit(128 + signum)


def run(main: Callable[..., None], snakemake: Any) -> None:
    """Call main(params, input, output) as the rule's job.

    What the job prints goes to the rule's log. An InputError ends the job with its message alone, any other error
    with a pointer to the log; a finished job leaves `<first output>.provenance.json` beside its first output.
    """
    signal.signal(signal.SIGTERM, _terminate)
    started = time.time()
    path = str(snakemake.log[0])
    failure = None
    with _output_to(path):
        logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO, stream=sys.stderr)
        try:
            main(snakemake.params.settings, snakemake.input, snakemake.output)
            provenance.write(snakemake, time.time() - started)
        except InputError as error:
            failure = str(error)
            log.error("error: %s", error)
        except Exception as error:
            failure = f"unexpected {type(error).__name__}: {error} (traceback in {path})"
            log.exception("unexpected error")
    if failure:
        print(f"{snakemake.rule}: {failure}", file=sys.stderr)
        sys.exit(1)
