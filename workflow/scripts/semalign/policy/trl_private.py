"""The private part of trl on which sampling in GRPO relies; with a version that lacks it sampling takes longer.

What resuming relies on is in `semalign.resume.private_parts`, whose check of versions covers this part too.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from trl import GRPOTrainer

from semalign.policy.models import merged_adapter
from semalign.policy.stops import ended
from semalign.resume.private_parts import EpochsResumed

CUT = "completions/clipped_ratio"


class RolloutTrainer(EpochsResumed, GRPOTrainer):
    """trl's trainer, which samples from merged weights where merging is exact to rounding: fewer operations a token.

    `stops`: texts that end a completion, too.
    """

    stops: Sequence[str] = ()

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
