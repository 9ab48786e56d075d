"""What the trainers' own checkpoints lack: the order of an epoch, the tokens seen, the epochs before, growing files.

`semalign.resume.checkpoints` saves and restores them.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_pt_utils import LengthGroupedSampler

from semalign.resume.private_parts import TOKENS_SEEN, EpochsResumed
from semalign.runtime import distributed
from semalign.runtime.files import read_json, write_json


class Part:
    """What a trainer does not save by itself, though what follows depends on it."""

    def save(self, checkpoint: Path) -> None:
        """Write it into a checkpoint's folder; called in every process, and the first one writes."""

    def problem(self, checkpoint: Path) -> str | None:
        """Why it cannot be restored from there; None where it can."""
        return None

    def load(self, checkpoint: Path | None) -> None:
        """Restore it from there; None: the training starts anew."""


class OrderByLength(LengthGroupedSampler, Part):
    """Pretraining: rows of like length side by side, in an order drawn from torch's generator as each epoch begins.

    A checkpoint keeps the generator as it was then, so that a resumed epoch has the order that it began with.
    """

    NAME = "epoch.pt"
    begun: torch.Tensor | None = None
    resumed: torch.Tensor | None = None

    def __iter__(self) -> Iterator[int]:
        if self.resumed is None:
            self.begun = torch.get_rng_state()
            return super().__iter__()
        self.begun, self.resumed = self.resumed, None
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self.begun)
            return super().__iter__()

    def save(self, checkpoint: Path) -> None:
        torch.save(self.begun, checkpoint / self.NAME)

    def load(self, checkpoint: Path | None) -> None:
        if checkpoint:
            self.resumed = torch.load(checkpoint / self.NAME, weights_only=True)


class TokensSeen(Part):
    """SFT and DPO: the number of tokens read so far, which trl logs at every step."""

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def save(self, checkpoint: Path) -> None:
        if distributed.is_first() and hasattr(self.trainer, TOKENS_SEEN):
            write_json(checkpoint / "tokens_seen.json", getattr(self.trainer, TOKENS_SEEN))

    def load(self, checkpoint: Path | None) -> None:
        if checkpoint and (checkpoint / "tokens_seen.json").is_file():
            setattr(self.trainer, TOKENS_SEEN, read_json(checkpoint / "tokens_seen.json"))


class EpochsBefore(Part):
    """GRPO: how many epochs had ended, which says in what order the prompts of a resumed epoch come."""

    def __init__(self, trainer: EpochsResumed) -> None:
        self.trainer = trainer

    def load(self, checkpoint: Path | None) -> None:
        self.trainer.epochs_before = int(read_json(checkpoint / TRAINER_STATE_NAME)["epoch"]) if checkpoint else 0


class GrowingFile(Part):
    """GRPO: a file that grows with the training, as its rollouts do. Of several processes the first writes it.

    A checkpoint holds the length and the hash of the file so far, not its content; what was written after the
    checkpoint is cut off. `flush` is called before a checkpoint is written.
    """

    def __init__(self, path: Path, flush: Callable[[], None]) -> None:
        self.path, self.flush = path, flush
        self.written, self.size = hashlib.sha256(), 0

    def append(self, content: bytes) -> None:
        """Write at the end of the file."""
        with open(self.path, "ab") as file:
            file.write(content)
        self.written.update(content)
        self.size += len(content)

    def save(self, checkpoint: Path) -> None:
        self.flush()
        if distributed.is_first():
            write_json(self._note(checkpoint), {"size": self.size, "sha256": self.written.hexdigest()})

    def problem(self, checkpoint: Path) -> str | None:
        noted = read_json(self._note(checkpoint))
        written = self._digest(noted["size"])
        return None if written.hexdigest() == noted["sha256"] else f"{self.path} has lost {self.path.stem} since"

    def load(self, checkpoint: Path | None) -> None:
        if not distributed.is_first():
            return
        self.size = read_json(self._note(checkpoint))["size"] if checkpoint else 0
        self.written = self._digest(self.size)
        self.path.touch()
        os.truncate(self.path, self.size)

    def _note(self, checkpoint: Path) -> Path:
        return checkpoint / f"{self.path.stem}.json"

    def _digest(self, size: int) -> "hashlib._Hash":
        digest = hashlib.sha256()
        if self.path.is_file():
            with open(self.path, "rb") as file:
                while chunk := file.read(min(size, 1 << 20)):
                    digest.update(chunk)
                    size -= len(chunk)
        return digest
