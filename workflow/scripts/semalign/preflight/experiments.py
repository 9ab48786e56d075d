"""Config of what is asked of the trained models: ablations, transfer, frontier, forgetting, statistics, audit."""

import re
from collections.abc import Collection, Iterable
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from semalign.config.base import Count, CountFromTwo, CountFromZero, Distinct, Seed, Strict, without_null
from semalign.config.models import Encoder
from semalign.config.names import TaskName
from semalign.config.training import Rewards, Sft
from semalign.preflight.methods import AnyMethod


def _check_names(key: str, names: Iterable[str], taken: Collection[str] = ()) -> None:
    for name in names:
        if not re.fullmatch("[a-z0-9_]+", name):
            raise ValueError(f"{key}: {name!r} must be made of small letters, digits and _")
        if name in taken:
            raise ValueError(f"{key}: {name} is the name of one that is there always; give this one another")


class Variant(Strict):
    """What a reward variant changes of `rl`."""

    rewards: Rewards = Field(description="in place of rl.rewards: name or module:function, and weight")


class Ablation(Strict):
    """Table 5: RL with other rewards, all else equal."""

    task: TaskName = Field(description="the task whose RL is trained with other rewards")
    variants: Annotated[dict[str, Variant], BeforeValidator(without_null)] = Field(
        description="name (small letters, digits, _) and rewards, trained as rl-<name>; null in an overlay: not trained"
    )

    @model_validator(mode="after")
    def _check(self) -> "Ablation":
        _check_names("variants", self.variants)
        return self


class EncoderAblation(Strict):
    """RL with other reward encoders, all else equal: what each reaches by the independent measures."""

    task: TaskName = Field(description="the task whose RL is trained with other reward encoders")
    encoders: Annotated[dict[str, Encoder], BeforeValidator(without_null)] = Field(
        description="name (small letters, digits, _) and what it changes of encoders.reward, as a config laid over it; "
        "RL with it is rl-encoder-<name>; null in an overlay: not trained"
    )

    @model_validator(mode="after")
    def _check(self) -> "EncoderAblation":
        _check_names("encoders", self.encoders, taken=("reward", "independent"))
        return self


class FewShot(Strict):
    """Table 4: a few pairs of one task, learnt from the base or from models of another task."""

    task: TaskName = Field(description="the task that is learnt")
    source_task: TaskName = Field(description="the task of the models to start from")
    starts: Annotated[list[Literal["base", "cold_sft", "strong_sft", "rl"]], Distinct] = Field(
        min_length=1, description="the models to start from, trained as fewshot-<start>"
    )
    pairs: Count = Field(description="the first of the task's cold-start pairs, then RL's: seeded order")
    sft: Sft = Field(description="the same for every start")

    @model_validator(mode="after")
    def _check(self) -> "FewShot":
        if self.task == self.source_task:
            raise ValueError("task and source_task must differ")
        return self


class Frontier(Strict):
    """Methods along their strength: what each costs at equal adequacy."""

    sft_pairs: Annotated[list[Count], Distinct] = Field(
        description="sizes of shorter strong SFTs, trained as sft-<pairs>"
    )
    rl_steps: Annotated[list[Count], Distinct] = Field(
        description="snapshots of RL that are measured too, as rl@<step>"
    )
    methods: Annotated[dict[str, AnyMethod], BeforeValidator(without_null)] | None = Field(
        None,
        description="rivals and remedies: name (small letters, digits, _) and settings, of which `method` says which "
        "it is; made as <name>@<strength>; null: none, or not this one",
    )

    @model_validator(mode="after")
    def _check(self) -> "Frontier":
        _check_names("methods", self.methods or {}, taken=("sft", "rl"))
        return self


class Forgetting(Strict):
    """Table 6: token NLL and KL to the base on text out of the domain."""

    passages: Count = Field(description="reading-comprehension passages, chosen by the hash of their text")
    sha256: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="of the chosen passages; another choice stops the run; null: recorded",
    )
    max_tokens: CountFromTwo = Field(1024, description="a longer passage is cut; counted. The first token is given")
    batch_size: Count = Field(16, description="passages a forward pass")
    chunk_tokens: Count = Field(1024, description="tokens that pass the LM head at once: bounds memory")


class Report(Strict):
    """How much of a run `results/report.html` shows."""

    examples: CountFromZero = Field(100, description="test items a task, drawn by `seed`, that are shown side by side")
    contrasts: CountFromZero = Field(
        20, description="further items a task: those on which rl and strong_sft differ most"
    )
    seed: Seed = Field(0, description="of the draw")
