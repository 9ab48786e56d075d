"""The private parts of trl that training relies on, all of them, and the versions that they were tested with.

With another version a warning says what may differ. Nothing breaks where a part is gone: a count is left out of
checkpoints, or sampling takes longer.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
import trl
from trl import GRPOTrainer

from semalign.policy.models import merged_adapter
from semalign.policy.stops import ended
from semalign.runtime import distributed
from semalign.runtime.files import read_json, write_json

log = logging.getLogger(__name__)

TESTED = ("1.16",)
COUNT = "_total_train_tokens"
CUT = "completions/clipped_ratio"


def check_version(version: str = trl.__version__) -> None:
    """Warn where trl is of a version that these parts were not tested with."""
    if ".".join(version.split(".")[:2]) not in TESTED:
        log.warning(
            "trl %s was not tested with this project (tested: %s): a training that is resumed may differ from one "
            "that was not interrupted",
            version,
            ", ".join(TESTED),
        )


class RolloutTrainer(GRPOTrainer):
    """trl's trainer, which samples from merged weights where merging is exact to rounding: fewer operations a token.

    `epochs_before`: how many epochs had ended before a resumed training. `stops`: texts that end a completion, too.
    """

    epochs_before = 0
    stops: Sequence[str] = ()

    def _get_train_sampler(self, dataset: Any = None) -> Any:
        """trl's, whose generator draws an order for each epoch: a later epoch must not begin with the first one's."""
        sampler: Any = super()._get_train_sampler(dataset)
        for _ in range(self.epochs_before):
            torch.randperm(sampler.num_samples, generator=sampler.generator)
        return sampler

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
        if self.use_vllm:  # has weights of its own
            made = super()._generate_single_turn(*args, **kwargs)
        else:
            with merged_adapter(self.accelerator.unwrap_model(self.model)):
                made = super()._generate_single_turn(*args, **kwargs)
        if not self.stops:
            return made
        completions, logprobs = made
        lengths = [self._length(ids) for ids in completions]
        cut = [ids[:length] for ids, length in zip(completions, lengths, strict=True)]
        if logprobs is not None:
            logprobs = [own[:length] for own, length in zip(logprobs, lengths, strict=True)]
        return cut, logprobs

    def _length(self, ids: list[int]) -> int:
        """How many tokens of a completion the policy is trained on: those until a stop string is complete, else all."""
        tokenizer: Any = self.processing_class
        found = ended(tokenizer, ids, self.stops)
        return found[1] if found else len(ids)

    def _generate(self, prompts: list[Any]) -> Any:
        """trl's, which takes for cut what a stop string has ended: its share of cut completions is corrected."""
        made = super()._generate(prompts)
        model, tokenizer = cast(Any, self.model), cast(Any, self.processing_class)
        shares = getattr(self, "_metrics", {}).get("train" if model.training else "eval", {}).get(CUT)
        if self.stops and shares:
            ends = {*self.eos_token_ids, tokenizer.pad_token_id}
            cut = [ids[-1] not in ends and ended(tokenizer, ids, self.stops) is None for ids in made[1]]
            everywhere = self.accelerator.gather(torch.tensor(cut, device=self.accelerator.device))
            shares[-1] = everywhere.float().mean().item()
        return made


class TokensSeen:
    """A part of checkpoints: trl's count of the tokens that SFT has read, which trl's own checkpoints lack."""

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def save(self, checkpoint: Path) -> None:
        if distributed.is_first() and hasattr(self.trainer, COUNT):
            write_json(checkpoint / "tokens_seen.json", getattr(self.trainer, COUNT))

    def problem(self, checkpoint: Path) -> str | None:
        return None

    def load(self, checkpoint: Path | None) -> None:
        if checkpoint and (checkpoint / "tokens_seen.json").is_file():
            setattr(self.trainer, COUNT, read_json(checkpoint / "tokens_seen.json"))
