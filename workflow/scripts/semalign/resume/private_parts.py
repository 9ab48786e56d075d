"""The private parts of transformers and trl on which resuming relies, and the versions that they were tested with.

With another version a warning says what may differ. A part that is gone breaks nothing: a count is left out of
checkpoints, or a resumed training sees its rows in another order.
"""

import logging
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import torch
from transformers import Trainer

log = logging.getLogger(__name__)

TESTED = {"transformers": "5.23", "trl": "1.16"}
TOKENS_SEEN = "_total_train_tokens"
"""What trl's trainers call the number of tokens that they have read."""


def check_versions(installed: Mapping[str, str] | None = None) -> None:
    """Warn where a library is of a version that these parts were not tested with; None: of those that are installed."""
    for name, tested in TESTED.items():
        found = (installed or {name: version(name)})[name]
        if ".".join(found.split(".")[:2]) != tested:
            log.warning(
                "%s %s was not tested with this project (tested: %s): a training that is resumed may differ from one "
                "that was not interrupted",
                name,
                found,
                tested,
            )


class OrderedTrainer(Trainer):
    """A trainer that sees its rows in the order of `sampler`."""

    sampler: Any

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return self.sampler


class EpochsResumed:
    """Beside a trl trainer: a resumed epoch has its own order of prompts, not the first one's.

    `epochs_before`: how many epochs had ended before the training was resumed.
    """

    epochs_before = 0

    def _get_train_sampler(self, dataset: Any = None) -> Any:
        """trl's sampler, whose generator draws an order for each epoch."""
        sampler: Any = super()._get_train_sampler(dataset)  # type: ignore[misc]
        for _ in range(self.epochs_before):
            torch.randperm(sampler.num_samples, generator=sampler.generator)
        return sampler
