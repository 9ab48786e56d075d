"""Config of the training of adapters: LoRA, SFT and GRPO."""

from math import gcd, lcm
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from semalign.config.base import (
    Count,
    CountFromTwo,
    Distinct,
    Epochs,
    PartialShare,
    Positive,
    PositiveShare,
    Rate,
    Share,
    Strict,
    number,
    without_null,
)
from semalign.config.metrics import FUNCTION

REWARDS = ("similarity", "language", "bleu", "length", "repetition")


Temperature = Annotated[
    float, BeforeValidator(number), Field(ge=0.01, strict=True, allow_inf_nan=False)
]  # logits divided by less overflow; greedy decoding is no sampling


class Lora(Strict):
    """The adapter, the same in every run (paper: Appendix A)."""

    rank: Count = Field(64, description="of the update matrices on the projections")
    alpha: Count = Field(128, description="the update is scaled by alpha / rank")
    dropout: PartialShare = Field(0.05, description="on the adapter's input in SFT; GRPO switches it off")
    target_modules: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1), Distinct] | None = Field(
        None, description="names of the layers' modules that are adapted; null: every linear projection of every layer"
    )


def _check_micro_batch(value: Any) -> Any:
    if value != "auto" and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise ValueError(f"a whole number from 1 on, or auto, is needed, found {value!r}")
    return value


MicroBatch = Annotated[int | Literal["auto"], BeforeValidator(_check_micro_batch)]


class Optimisation(Strict):
    """What SFT and GRPO share."""

    learning_rate: Positive = Field(description="peak rate of AdamW")
    epochs: Epochs = Field(description="passes over the data")
    batch_size: Count = Field(description="global batch of one update: examples in SFT, completions in GRPO")
    micro_batch_size: MicroBatch = Field(
        description="examples a forward pass in each process; auto: the largest divisor of batch_size / processes that "
        "fits into memory"
    )
    warmup_ratio: PartialShare = Field(0.1, description="share of the updates over which the rate rises")
    schedule: Literal["cosine", "linear", "constant"] = Field("cosine", description="of the rate after the warm-up")
    max_grad_norm: Positive = Field(
        1.0, description="longer gradients are scaled to this norm; a large one (1.0e+9) switches that off"
    )

    @model_validator(mode="after")
    def _check_batch(self) -> "Optimisation":
        if self.micro_batch_size != "auto" and self.batch_size % self.micro_batch_size:
            raise ValueError("micro_batch_size must divide batch_size")
        return self

    def batch_problem(self, key: str, processes: int) -> str | None:
        """Why so many processes cannot make up the global batch of the config's `key`, and what could; None: they
        can."""
        micro = 1 if self.micro_batch_size == "auto" else self.micro_batch_size
        together = micro * processes
        if self.batch_size % together == 0:
            return None
        unit = lcm(together, getattr(self, "num_generations", 1))
        ways = [f"{key}.batch_size: {-(-self.batch_size // unit) * unit}"]
        share, rest = divmod(self.batch_size, processes)
        if rest == 0:
            ways.append(f"{key}.micro_batch_size: {gcd(share, micro)}")
        return (
            f"{key}: batch_size {self.batch_size} is no multiple of micro_batch_size × processes = {micro} × "
            f"{processes}; {' or '.join(ways)} would do"
        )


class Sft(Optimisation):
    max_tokens: CountFromTwo = Field(2048, description="sequence length; longer examples are an error after the filter")
    padding_free: bool = Field(
        False,
        description="the conversations of a forward pass in one row without padding; batch_size and micro_batch_size "
        "count conversations all the same, so updates are as many and hold the same ones. Needs policy.attention: "
        "flash_attention_2, which alone keeps them apart without a mask of all tokens by all",
    )


def _check_rewards(weights: dict[str, float]) -> dict[str, float]:
    for name in weights:
        if name not in REWARDS and not FUNCTION.fullmatch(name):
            raise ValueError(f"{name!r} is neither one of {', '.join(REWARDS)} nor module:function")
    if not any(weights.values()):
        raise ValueError("no reward has a weight: nothing would be learnt")
    return weights


Weight = Annotated[float, BeforeValidator(number), Field(strict=True, allow_inf_nan=False)]
Rewards = Annotated[dict[str, Weight], BeforeValidator(without_null), AfterValidator(_check_rewards)]


class Grpo(Optimisation):
    num_generations: CountFromTwo = Field(8, description="completions a prompt")
    steps_per_generation: Count | None = Field(
        None, description="micro-steps served by one generation; null: one update"
    )
    temperature: Temperature = Field(0.8, description="of sampling")
    top_p: PositiveShare = Field(
        0.9, description="sampling takes the likeliest tokens that reach this probability together"
    )
    beta: Rate = Field(0.0, description="weight of the KL to the cold start")
    epsilon: Positive = Field(0.2, description="clip range")
    loss: Literal["grpo", "dapo", "dr_grpo", "bnpo"] = Field(
        "dapo", description="how token losses are averaged; docs/method.md has the formulas"
    )
    max_prompt_tokens: Count = Field(256, description="longer prompts are dropped; counted")
    max_new_tokens: Count = Field(256, description="a completion is cut here")
    threshold_quantile: Share = Field(0.5, description="τ is this quantile of the cold start's dev similarity")
    generation: Literal["hf", "vllm"] = Field(
        "hf", description="what samples the rollouts; vllm needs envs/requirements-vllm.txt, cuda and a bfloat16 policy"
    )
    vllm_memory: PositiveShare = Field(0.3, description="share of the GPU's memory that vLLM may take")
    rewards: Rewards = Field(
        default={"similarity": 1.5, "language": 1.0},
        description="name or module:function, and weight; 0: recorded only; null in an overlay: not computed",
    )
    snapshot_steps: Count | None = Field(None, description="keep the adapter every so many steps; null: only the last")
    max_zero_variance_share: Share = Field(0.95, description="stop if more groups than this have equal rewards")

    @model_validator(mode="after")
    def _check_groups(self) -> "Grpo":
        if self.batch_size % self.num_generations:
            raise ValueError("num_generations must divide batch_size, which counts completions")
        if self.micro_batch_size == "auto":
            if self.loss == "bnpo":
                raise ValueError(
                    "micro_batch_size: auto would change the result under loss: bnpo, which averages over the tokens "
                    "of each micro-batch; give a number, or another loss"
                )
            if self.steps_per_generation is not None:
                raise ValueError(
                    "micro_batch_size: auto would change how many rollouts steps_per_generation gives, which counts "
                    "micro-batches; give a number, or steps_per_generation: null"
                )
        return self

    def generation_problem(self, key: str, processes: int) -> str | None:
        """Why a generation would not hold whole groups; None where it does."""
        if self.steps_per_generation is None or self.micro_batch_size == "auto":
            return None  # one update, which holds whole groups
        together = self.micro_batch_size * processes
        if together * self.steps_per_generation % self.num_generations == 0:
            return None
        unit = self.num_generations // gcd(together, self.num_generations)
        steps = -(-self.steps_per_generation // unit) * unit
        return (
            f"{key}: a generation of micro_batch_size × processes × steps_per_generation = {self.micro_batch_size} × "
            f"{processes} × {self.steps_per_generation} completions does not hold whole groups of num_generations "
            f"{self.num_generations}; {key}.steps_per_generation: {steps} would do"
        )
