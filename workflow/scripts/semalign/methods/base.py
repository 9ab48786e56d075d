"""What the files of this folder have in common: their settings, and what a training is given."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from semalign.config.base import Count, Distinct, PositiveShare, Rate, Strict
from semalign.config.training import Grpo, Lora, Sft, Temperature
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.runtime.workspace import Workspace

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase


Model = Literal["cold_sft", "strong_sft", "rl"]
Need = Literal["pairs", "rl_pairs", "candidates", "replay", "reward"]
History = list[dict[str, Any]]

WHICH = Field(description="which it is: the name of its file in workflow/scripts/semalign/methods")
_Strengths = Field(min_length=1, description="a model is made at each; from weak to strong, in the method's own unit")
Strengths = Annotated[tuple[Rate, ...], Distinct, _Strengths]
Counts = Annotated[tuple[Count, ...], Distinct, _Strengths]


class Method(Strict):
    """An entry of `frontier.methods`: a curve, with a model at each strength."""

    method: str = WHICH
    strengths: Strengths

    unit: ClassVar[str]
    """What a strength counts. Of `pairs` no more than cold start and RL have are allowed, of `prompts` no more than RL
    has."""
    needs: ClassVar[frozenset[Need]] = frozenset()
    """What of `TrainingInputs` is there: the task's pairs (cold start, then RL), RL's alone, the cold start's sampled
    answers, texts to be replayed, rewards."""
    descending: ClassVar[bool] = False
    """Whether a smaller number is a stronger method."""

    @property
    def start_model(self) -> str:
        """The model at the weak end of the curve, made without this method."""
        raise NotImplementedError

    @property
    def limit_model(self) -> str | None:
        """The model at the strong end, where it is known without this method."""
        return None

    @property
    def strength_of_start(self) -> float | None:
        """The strength of the weakest; None: infinite."""
        return 0

    @property
    def strength_of_limit(self) -> float | None:
        """The strength of the strongest."""
        return None

    @property
    def adapter(self) -> Model | None:
        """The model whose adapter it begins with; None: a fresh one."""
        return None

    @property
    def own_rewards(self) -> dict[str, dict[str, float]]:
        """Mappings of rewards to weights among its keys; they stand beside those of `rl.rewards`."""
        return {}

    def problem(self, rl: Grpo, languages: Collection[str]) -> str | None:
        """A key of its own and what is wrong with it beside these parts of the config; None where nothing is."""
        return None

    def further_examples(self, pairs: int) -> int:
        """Training examples beside so many pairs."""
        return 0

    @model_validator(mode="after")
    def _check_strengths(self) -> "Method":
        ordered = tuple(sorted(set(self.strengths), reverse=self.descending))
        if self.strengths != ordered or min(ordered) <= 0:
            way = "fall, down to above 0" if self.descending else "rise, from above 0 on"
            raise ValueError(f"strengths: {list(self.strengths)} must {way}: the weakest comes first")
        return self


class Trained(Method):
    """A method whose file has `train(settings, strength, given)`, which returns the adapted model, a report and the log
    of every step."""

    recipes: ClassVar[frozenset[str]] = frozenset()
    """Sections of the config that it reads."""

    def passes(self, strength: float) -> float | None:
        """About how many conversations of SFT an epoch costs, for the plan; None: all prompts of RL by GRPO."""
        return strength


class FromColdStart(Trained):
    """A training that starts from the cold start, which is its curve's weak end."""

    @property
    def start_model(self) -> str:
        return "cold_sft"

    @property
    def adapter(self) -> Model:
        return "cold_sft"


class Decoded(Method):
    """A method that trains nothing and whose file has `choose(samples, embed)`: which of each prompt's sampled answers
    is taken."""

    of: Model = Field(description="the model that is sampled from")
    temperature: Temperature = Field(0.8, description="of sampling")
    top_p: PositiveShare = Field(
        0.95, description="the likeliest tokens that reach this probability together are sampled"
    )

    unit: ClassVar[str] = "samples"

    @property
    def start_model(self) -> str:
        return self.of

    @property
    def adapter(self) -> Model:
        return self.of


@dataclass(frozen=True)
class TrainingInputs:
    """What a training is given; what its settings do not need is empty."""

    name: str  # of the entry in the config
    base: Path
    policy: dict[str, Any]  # dtype, device, and how the base is loaded: see load_policy
    adapter: Path | None  # to begin with
    pairs: Sequence[Row]
    candidates: Sequence[Row]
    replay: Sequence[Row]  # {"text"}, or {"prompt", "completion"}
    prompt: str
    rewards: dict[str, Callable[..., list[float]]]
    weights: dict[str, float]
    recipes: dict[str, Any]
    seed: int
    workspace: Workspace
    stops: Sequence[str] = ()  # texts that end what is sampled, too

    @property
    def key(self) -> str:
        """Where its strengths stand in the config."""
        return f"frontier.methods.{self.name}.strengths"

    @property
    def where(self) -> dict[str, Any]:
        """How and where any training runs."""
        place = {name: self.policy[name] for name in ("dtype", "device")}
        return {**place, "seed": self.seed, "workspace": self.workspace}

    def model(self, trainable: bool = True) -> "tuple[PeftModel, PreTrainedTokenizerBase]":
        """The base with the adapter to begin with, which is fresh where there is none."""
        from semalign.policy.models import load_adapter, load_policy, new_adapter

        base, tokenizer = load_policy(self.base, **self.policy)
        if self.adapter is None:
            return new_adapter(base, Lora.model_validate(self.recipes["lora"]), self.seed), tokenizer
        return load_adapter(base, self.adapter, trainable=trainable), tokenizer

    def first(self, strength: float) -> list[Row]:
        """The first so many pairs. Raises InputError where there are fewer."""
        if strength > len(self.pairs):
            raise InputError(f"config key {self.key}: {strength} pairs are asked for, and there are {len(self.pairs)}")
        return list(self.pairs[: int(strength)])


def strong_sft(given: TrainingInputs) -> Sft:
    """Strong SFT's settings."""
    return Sft.model_validate(given.recipes["strong_sft"])
