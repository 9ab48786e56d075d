"""Checkpoints of a transformers trainer: a killed training resumes from them and ends with identical bits."""

import json
import logging
import shutil
import time
from collections.abc import Sequence
from math import lcm
from pathlib import Path
from typing import Any

from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from semalign.model_files.weight_files import some
from semalign.model_files.weights import non_finite, stored
from semalign.resume.divergence import Divergence, check_state
from semalign.resume.parts import Part
from semalign.resume.private_parts import check_versions
from semalign.resume.tracking import tracked
from semalign.runtime import distributed
from semalign.runtime.clock import model_work
from semalign.runtime.files import sha256, write_json
from semalign.runtime.signals import Stopped, stopping
from semalign.runtime.workspace import Workspace

log = logging.getLogger(__name__)

SEAL = "complete.json"


def train(
    trainer: Trainer, workspace: Workspace, parts: Sequence[Part] = (), every: int = 1, sampling: bool = False
) -> list[dict[str, Any]]:
    """Train from the last whole checkpoint in the trainer's output_dir, or from the start; returns the log.

    A checkpoint is written when `workspace.checkpoint_seconds` have passed since the one before, and when the job is
    asked to stop, at the first step that is a multiple of `every` and of the logging steps: a mean that is logged, or a
    generation that serves several steps, does not survive a checkpoint in its midst. Two are kept. Of several
    processes the first decides, and all save and stop at the same step. The log is without times, which differ from run
    to run. `sampling`: does the training sample from its model? Raises Stopped after the checkpoint of a job that was
    asked to stop, and InputError where the training diverged.
    """
    check_versions()
    folder = Path(str(trainer.args.output_dir))
    last = distributed.from_first(lambda: latest(folder, parts))
    for part in parts:
        part.load(last)
    if last is not None:
        log.info("%s: resuming from here", last)
    every = lcm(every, int(trainer.args.logging_steps))
    with tracked(trainer, workspace, _step(last) if last else 0):
        trainer.add_callback(Divergence(sampling=sampling))
        trainer.add_callback(_Saver(folder, workspace.checkpoint_seconds, every, parts))
        with model_work():
            trainer.train(resume_from_checkpoint=str(last) if last else None)
    if trainer.state.global_step < trainer.state.max_steps and distributed.from_first(stopping):
        raise Stopped
    check_state(trainer.args, trainer.state, trainer.model, trainer.optimizer)
    return _figures(trainer.state)


def latest(folder: Path, parts: Sequence[Part] = ()) -> Path | None:
    """The last checkpoint that is whole; what is later, half-written or damaged, is named in the log and removed."""
    for path in sorted(folder.glob("checkpoint-*"), key=_step, reverse=True):
        problem = _problem(path) or next(filter(None, (part.problem(path) for part in parts)), None)
        if problem is None:
            return path
        log.warning("%s: %s; passed over for the checkpoint before it", path, problem)
        shutil.rmtree(path)
    return None


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _problem(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint; None where it is as it was written."""
    seal = checkpoint / SEAL
    if not seal.is_file():
        return "half-written"
    try:
        written = json.loads(seal.read_text(encoding="utf-8"))
    except ValueError:
        return f"{SEAL} is damaged"
    if not isinstance(written, dict) or not written:
        return f"{SEAL} is damaged"
    for name, digest in written.items():
        if not (checkpoint / name).is_file():
            return f"{name} is missing"
        if sha256(checkpoint / name) != digest:
            return f"{name} is damaged"
        if name.endswith(".safetensors") and (broken := non_finite(stored(checkpoint / name))):
            return f"{name} holds NaN, infinite or huge numbers in {some(broken)}"
    return None


class _Saver(TrainerCallback):
    def __init__(self, folder: Path, seconds: float, every: int, parts: Sequence[Part]) -> None:
        self.folder, self.seconds, self.every, self.parts = folder, seconds, every, parts
        self.saved = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if state.global_step % self.every or state.global_step >= state.max_steps:
            return
        stop, due = distributed.from_first(lambda: (stopping(), time.monotonic() - self.saved >= self.seconds))
        if stop:
            control.should_training_stop = True
        control.should_save = stop or due
        if control.should_save:
            check_state(args, state, kwargs["model"], kwargs["optimizer"])

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        checkpoint = self.folder / f"checkpoint-{state.global_step}"
        for part in self.parts:
            part.save(checkpoint)
        distributed.gathered(None)  # each process has written its random state
        if distributed.is_first():
            self._seal(checkpoint)
        self.saved = time.monotonic()

    def _seal(self, checkpoint: Path) -> None:
        """Note the hash of each of its files, and remove all but the last two."""
        files = sorted(path for path in checkpoint.rglob("*") if path.is_file())
        write_json(checkpoint / SEAL, {path.relative_to(checkpoint).as_posix(): sha256(path) for path in files})
        whole = sorted(self.folder.glob("checkpoint-*"), key=_step)
        for old in whole[:-2]:
            shutil.rmtree(old)


def _figures(state: TrainerState) -> list[dict[str, Any]]:
    """The log without its times, and without the closing summary, which counts from the last start alone.

    In the order of the names: transformers sorts them in its checkpoints.
    """
    rows = [row for row in state.log_history if "train_runtime" not in row]
    return [{name: row[name] for name in sorted(row) if name != "step_time"} for row in rows]
