"""Config of the training of adapters: LoRA, SFT and GRPO."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from semalign.config.base import Count, Rate, Share, Strict, without_null

REWARDS = ("similarity", "language", "bleu", "length")
USER_REWARD = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


class Lora(Strict):
    """The adapter, the same in every run (paper: Appendix A)."""

    rank: Count = 64
    alpha: Count = 128
    dropout: Share = 0.05


class Optimisation(Strict):
    """What SFT and GRPO share."""

    learning_rate: Rate
    epochs: Rate = Field(gt=0)
    batch_size: Count = Field(description="global batch of one update: examples in SFT, completions in GRPO")
    micro_batch_size: Count = Field(description="examples a forward pass; must divide batch_size")
    warmup_ratio: Share = 0.1
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    max_grad_norm: Rate = 1.0

    @model_validator(mode="after")
    def _check_batch(self) -> "Optimisation":
        if self.batch_size % self.micro_batch_size:
            raise ValueError("micro_batch_size must divide batch_size")
        return self


class Sft(Optimisation):
    max_tokens: Count = Field(2048, description="sequence length; longer examples are an error after the filter")


def _check_rewards(weights: dict[str, float]) -> dict[str, float]:
    for name in weights:
        if name not in REWARDS and not USER_REWARD.fullmatch(name):
            raise ValueError(f"{name!r} is neither one of {', '.join(REWARDS)} nor module:function")
    if not any(weights.values()):
        raise ValueError("no reward has a weight: nothing would be learnt")
    return weights


Weight = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Rewards = Annotated[dict[str, Weight], BeforeValidator(without_null), AfterValidator(_check_rewards)]


class Grpo(Optimisation):
    num_generations: int = Field(8, ge=2, description="completions a prompt")
    steps_per_generation: Count | None = Field(
        None, description="micro-steps served by one generation; null: one update"
    )
    temperature: Rate = 0.8
    top_p: Share = 0.9
    beta: Rate = Field(0.0, description="weight of the KL to the cold start")
    epsilon: Rate = Field(0.2, description="clip range")
    loss: Literal["grpo", "dapo", "dr_grpo", "bnpo"] = "dapo"
    max_prompt_tokens: Count = Field(256, description="longer prompts are dropped; counted")
    max_new_tokens: Count = Field(256)
    threshold_quantile: Share = Field(0.5, description="τ is this quantile of the cold start's dev similarity")
    rewards: Rewards = Field(
        default={"similarity": 1.5, "language": 1.0},
        description="name or module:function, and weight; 0: recorded only; null in an overlay: not computed",
    )
    snapshot_steps: Count | None = Field(None, description="keep the adapter every so many steps; null: only the last")
    max_spreadless_share: Share = Field(0.95, description="stop if more groups than this have equal rewards")

    @model_validator(mode="after")
    def _check_groups(self) -> "Grpo":
        if self.batch_size % self.num_generations:
            raise ValueError("num_generations must divide batch_size, which counts completions")
        return self
