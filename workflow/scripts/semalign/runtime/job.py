"""What every script does around its work: a log, clear errors, and a record of where its outputs come from."""

import contextlib
import errno
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from semalign.runtime import gpus, launcher, provenance
from semalign.runtime.errors import InputError, ProcessError
from semalign.runtime.files import sha256
from semalign.runtime.progress import heard
from semalign.runtime.signals import Stopped, exit_on_signals, follow, stop_on_signals
from semalign.runtime.workspace import identity, opened

log = logging.getLogger("semalign")

FULL = (
    "No space left on device",  # safetensors
    "PytorchStreamWriter failed",
    "inline_container.cc",
    "database or disk is full",  # sqlite
)
_AGAIN = "then run the same command again: what was done before is kept"
_SPACE = f"free some space, {_AGAIN}"
_RIGHTS = f"make it writable for you, {_AGAIN}"
REMEDIES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: _SPACE,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
}


@contextlib.contextmanager
def _output_to(path: str) -> Iterator[int]:
    """Send this process's stdout and stderr, of C libraries too, to a file; give the terminal back at the end.

    Yields the descriptor of what stderr was.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    saved = [(stream, os.dup(stream.fileno())) for stream in (sys.stdout, sys.stderr)]
    with open(path, "w", encoding="utf-8") as file:
        for stream, _ in saved:
            stream.flush()
            os.dup2(file.fileno(), stream.fileno())
        try:
            yield saved[1][1]
        finally:
            for stream, descriptor in saved:
                stream.flush()
                os.dup2(descriptor, stream.fileno())
                os.close(descriptor)


def run(
    main: Callable[..., None],
    snakemake: Any,
    resumable: bool = False,
    gate: Callable[[Mapping[str, Any], Any], None] | None = None,
) -> None:
    """Call main(params, input, output) as the rule's job; main(…, workspace) where the job is resumable.

    What the job prints goes to the rule's log, its progress to Snakemake's output too. An InputError, a full disk or a
    folder that cannot be written ends the job with its message alone, any other error with a traceback: in the log,
    whose end the run's own end shows; without Snakemake it is printed. A finished job leaves
    `<first output>.provenance.json` beside its first output. A resumable job keeps what it has when it is stopped, and
    resumes from there when it is run again with the same settings, inputs and versions. Where its settings ask for
    several `processes`, main runs in each of them; only the first may write outputs (see `semalign.runtime.launcher`).

    gate: is called first, with the config, of which it reads thresholds on which no result depends, and the inputs; it
    raises InputError where the job must not begin.
    """
    gc.freeze()  # what was imported is not looked through from now on, least of all when the job ends
    if launcher.is_rank():
        exit_on_signals()
        _take_part(main, snakemake)
        return
    if "SEMALIGN_PROCESS" in os.environ:
        follow(int(os.environ["SEMALIGN_PROCESS"]))
    path = str(snakemake.log[0])
    failure, status = None, 1
    with _output_to(path) as terminal, heard(job_name(snakemake), terminal):
        exit_on_signals()
        _log_to_stderr()
        try:
            if gate:
                gate(snakemake.config, snakemake.input)
            _work(main, snakemake, resumable, terminal)
        except (InputError, ProcessError) as error:
            failure = str(error)
            log.error("error: %s", error)
        except Stopped:
            failure, status = "stopped; the same command resumes from here", 128 + signal.SIGTERM
            log.info(failure)
        except Exception as error:
            failure = _unexpected(error, path)
            log.error("error: %s", failure)
    if failure:
        if "SEMALIGN_END_TELLS" not in os.environ:  # else the end of the run tells it, from the log
            print(f"{snakemake.rule}: {failure}", file=sys.stderr)
        sys.exit(status)


def job_name(snakemake: Any) -> str:
    """As lines of progress have it: train_grpo mt/rl/0."""
    return " ".join([snakemake.rule, "/".join(map(str, snakemake.wildcards))]).strip()


def _work(main: Callable[..., None], snakemake: Any, resumable: bool, terminal: int) -> None:
    started = time.time()
    processes = snakemake.params.settings.get("processes", 1)
    gpus.take(int(snakemake.resources.get("gpu", 0)))
    inputs = {str(path): sha256(path) for path in snakemake.input}
    arguments = (snakemake.params.settings, snakemake.input, snakemake.output)
    if resumable:
        first = str(snakemake.output[0])
        name = identity(
            settings=snakemake.params.settings,
            inputs={path: digest for path, digest in inputs.items() if path not in _of_gates(snakemake.input)},
            versions=provenance.versions(),
        )
        with stop_on_signals(), opened(first, name, **_without_effect(snakemake)) as workspace:
            resumed = any(workspace.folder.iterdir())
            if processes > 1:
                launcher.launch(processes, snakemake.threads, workspace, terminal)
            else:
                main(*arguments, workspace)
            provenance.write(snakemake, inputs, time.time() - started, resumed)
    else:
        main(*arguments)
        provenance.write(snakemake, inputs, time.time() - started)


def _of_gates(input: Any) -> set[str]:
    """The inputs that only say whether the job may begin: its result does not depend on them."""
    named = [getattr(input, name, []) for name in ("checked", "exams")]  # which most rules do not have
    return {str(path) for paths in named for path in ([paths] if isinstance(paths, str) else paths)}


def _take_part(main: Callable[..., None], snakemake: Any) -> None:
    """Be one of a training's processes; the job's own process tells what goes wrong, in the words given here."""
    _log_to_stderr()
    settings = snakemake.params.settings
    try:
        with launcher.taking_part(settings["policy"]["device"]), launcher.heard_of_first(job_name(snakemake)):
            workspace = launcher.workspace_of_rank(**_without_effect(snakemake))
            main(settings, snakemake.input, snakemake.output, workspace)
    except InputError as error:
        launcher.fail(str(error))
    except Exception as error:
        launcher.fail(_unexpected(error, str(snakemake.log[0])))


def _without_effect(snakemake: Any) -> dict[str, Any]:
    """The config's values that a job takes and no result depends on."""
    names = ("checkpoint_seconds", "gradient_checkpointing")
    values = {name: snakemake.config[name] for name in names} | {"audit": snakemake.config.get("audit")}
    return values | {"tracking": _tracking(snakemake)}


def _tracking(snakemake: Any) -> dict[str, str] | None:
    """The experiment tracker that the config names, and this job's run as results have it: mt/rl/0."""
    kind = snakemake.config.get("tracking", "none")
    if kind == "none":
        return None
    run = Path(str(snakemake.output[0])).relative_to("results").parent.as_posix()
    return {"kind": kind, "project": snakemake.config["tracking_project"], "run": run}


def _log_to_stderr() -> None:
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO, stream=sys.stderr)


def _unexpected(error: Exception, path: str) -> str:
    """What to tell of an error that is not the user's; the traceback goes to the log."""
    problem = _disk_problem(error)
    if problem is None:
        log.exception("unexpected error")
    return problem or f"unexpected {type(error).__name__}: {error} (traceback in {path})"


def _disk_problem(error: BaseException | None) -> str | None:
    """What to say of a disk that is full or a place that cannot be written; None where it is another matter."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in REMEDIES:
            place = f"{error.filename}: " if error.filename else ""
            return f"{place}{error.strerror}; {REMEDIES[error.errno]}"
        if any(words in str(error) for words in FULL):
            return f"the disk may be full ({error}); {REMEDIES[errno.ENOSPC]}"
        error = error.__cause__ or error.__context__
    return None
