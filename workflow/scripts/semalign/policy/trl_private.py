"""The private part of trl on which sampling in GRPO relies; with a version that lacks it sampling takes longer.

What resuming relies on is in `semalign.resume.private_parts`, whose check of versions covers this part too.
"""

from typing import Any

from trl import GRPOTrainer

from semalign.policy.models import merged_adapter
from semalign.resume.private_parts import EpochsResumed


class RolloutTrainer(EpochsResumed, GRPOTrainer):
    """trl's trainer, which samples from merged weights where merging is exact to rounding: fewer operations a token."""

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
        if self.use_vllm:  # has weights of its own
            return super()._generate_single_turn(*args, **kwargs)
        with merged_adapter(self.accelerator.unwrap_model(self.model)):
            return super()._generate_single_turn(*args, **kwargs)
