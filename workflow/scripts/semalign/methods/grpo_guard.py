"""GRPO as `rl`, with further rewards that guard it against answers that grow or repeat themselves.

A penalty on length against over-optimisation: Singhal et al. 2023, "A Long Way to Go: Investigating Length Correlations
in RLHF", arXiv 2310.03716; on repetition: Li et al. 2016, "Deep Reinforcement Learning for Dialogue Generation", arXiv
1606.01541.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

from semalign.config.training import Rewards
from semalign.methods.base import WHICH, Counts, FromColdStart, History, Need, TrainingInputs


class Settings(FromColdStart):
    method: Literal["grpo_guard"] = WHICH
    strengths: Counts
    guard: Rewards = Field(description="rewards and weights beside those of rl.rewards: length, repetition or others")

    unit: ClassVar[str] = "prompts"
    needs: ClassVar[frozenset[Need]] = frozenset({"rl_pairs", "reward"})
    recipes: ClassVar[frozenset[str]] = frozenset({"rl"})

    @property
    def own_rewards(self) -> dict[str, dict[str, float]]:
        return {"guard": self.guard}


def train(settings: Settings, strength: float, given: TrainingInputs) -> tuple[Any, dict[str, Any], History]:
    from semalign.methods.grpo_variant import train_as_rl

    return train_as_rl(given, given.first(strength))
