"""A training's curves in an experiment tracker: trackio, TensorBoard or Weights & Biases, on this machine.

The tracker is told the log that the training writes anyway, by the callbacks of transformers. No result depends on it.
"""

import logging
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from transformers import Trainer, TrainerCallback
from transformers.integrations import TensorBoardCallback, TrackioCallback, WandbCallback
from transformers.integrations.integration_utils import rewrite_logs

from semalign.runtime import distributed
from semalign.runtime.files import read_json, write_json
from semalign.runtime.workspace import Workspace

log = logging.getLogger(__name__)

FOLDER = Path("results/tracking")
NOTE = "tracking.json"  # in the workspace: which run this training is, as long as it can be resumed

Run = dict[str, str]  # kind, project, name, id
Begun = tuple[Run, TrainerCallback, Callable[[bool], None]]  # the last is told whether the training failed


@contextmanager
def tracked(trainer: Trainer, workspace: Workspace, step: int) -> Iterator[None]:
    """Within the block the trainer's log goes to the tracker of `workspace.tracking`, too; None: to none.

    `step` is the last update that the training had done before. A training that is resumed continues its run; one that
    begins anew is another run, whose name ends with -2, -3 … where the name is taken. Of several processes the first
    logs.
    """
    if workspace.tracking is None or not distributed.is_first():
        yield
        return
    begin = {"tensorboard": _tensorboard, "trackio": _trackio, "wandb": _wandb}[workspace.tracking["kind"]]
    run, callback, finish = begin(workspace.folder / NOTE, dict(workspace.tracking), step)
    trainer.args.run_name, trainer.args.project = run["name"], run["project"]
    trainer.add_callback(callback)
    log.info("tracking: run %s of project %s (%s)", run["name"], run["project"], run["kind"])
    failed = True
    try:
        yield
        failed = False
    finally:
        finish(failed)


def _run_of(note: Path, wanted: dict[str, str], taken: Callable[[str], bool]) -> Run:
    """The run that this training is: the one that it began, or a new one by the first name that is not taken."""
    if note.is_file():
        run: Run = read_json(note)
        if (run["kind"], run["project"]) == (wanted["kind"], wanted["project"]):
            return run
    names = (wanted["run"] if number == 1 else f"{wanted['run']}-{number}" for number in count(1))
    name = next(name for name in names if not taken(name))
    run = {"kind": wanted["kind"], "project": wanted["project"], "name": name, "id": uuid.uuid4().hex}
    write_json(note, run)
    return run


def _tensorboard(note: Path, wanted: dict[str, str], step: int) -> Begun:
    from torch.utils.tensorboard import SummaryWriter

    folder = FOLDER / "tensorboard"
    run = _run_of(note, wanted, lambda name: (folder / name).exists())
    # what a killed training wrote after its last checkpoint is hidden; it is written again
    writer = SummaryWriter(str(folder / run["name"]), purge_step=step + 1)
    return run, TensorBoardCallback(writer), lambda failed: writer.close()


class _Trackio(TrackioCallback):
    def on_log(self, args: Any, state: Any, control: Any, model: Any = None, logs: Any = None, **kwargs: Any) -> None:
        """At the trainer's step. transformers lets trackio count the calls, and a resumed training repeats some."""
        scalars = {name: value for name, value in logs.items() if isinstance(value, int | float)}
        self._trackio.log(rewrite_logs(scalars), step=state.global_step)


def _trackio(note: Path, wanted: dict[str, str], step: int) -> Begun:
    if space := os.environ.pop("TRACKIO_SPACE_ID", None):
        log.warning("TRACKIO_SPACE_ID=%s: jobs use no hub; send the runs there afterwards with trackio sync", space)
    import trackio

    try:
        names = {run.name for run in trackio.Api().runs(wanted["project"])}
    except ValueError:  # no such project yet
        names = set()

    def finish(failed: bool) -> None:
        if trackio.context_vars.current_run.get() is not None:
            trackio.finish()

    return _run_of(note, wanted, names.__contains__), _Trackio(), finish


def _wandb(note: Path, wanted: dict[str, str], step: int) -> Begun:
    folder = FOLDER / "wandb"
    folder.mkdir(parents=True, exist_ok=True)
    run = _run_of(note, wanted, lambda name: False)  # wandb tells runs apart by their ids
    os.environ.setdefault("WANDB_MODE", "offline")
    os.environ.setdefault("WANDB_DIR", str(folder.resolve()))
    os.environ.setdefault("WANDB_CONSOLE", "off")  # the job's log is a file already
    os.environ |= {"WANDB_PROJECT": run["project"], "WANDB_RUN_ID": run["id"], "WANDB_RESUME": "allow"}
    import wandb

    return run, WandbCallback(), lambda failed: wandb.finish(exit_code=int(failed))
