"""GRPO as `rl`, with a KL to the cold start or to the base in its loss; the strength is the weight of that KL.

Shao et al. 2024, "DeepSeekMath", arXiv 2402.03300, whose estimator of the KL it is; as a means against forgetting:
Ziegler et al. 2019, "Fine-Tuning Language Models from Human Preferences", arXiv 1909.08593.
"""

from collections.abc import Collection
from typing import Any, ClassVar, Literal

from pydantic import Field

from semalign.config.training import Grpo
from semalign.methods.base import WHICH, FromColdStart, History, Need, TrainingInputs


class Settings(FromColdStart):
    method: Literal["grpo_kl"] = WHICH
    reference: Literal["cold_start", "base"] = Field(description="what the KL is to")

    unit: ClassVar[str] = "beta"
    descending: ClassVar[bool] = True
    needs: ClassVar[frozenset[Need]] = frozenset({"rl_pairs", "reward"})
    recipes: ClassVar[frozenset[str]] = frozenset({"rl"})

    @property
    def strength_of_start(self) -> None:
        """An infinite weight lets nothing be learnt."""
        return None

    @property
    def limit_model(self) -> str:
        return "rl"

    @property
    def strength_of_limit(self) -> float:
        return 0

    def problem(self, rl: Grpo, languages: Collection[str]) -> str | None:
        if rl.beta == 0:
            return None
        return (
            f"method: grpo_kl walks towards rl as a training without a KL, and rl.beta is {rl.beta}; set that "
            "to 0, or the entry to null"
        )

    def passes(self, strength: float) -> None:
        return None


def train(settings: Settings, strength: float, given: TrainingInputs) -> tuple[Any, dict[str, Any], History]:
    from semalign.methods.grpo_variant import train_as_rl

    to_base = settings.reference == "base"
    return train_as_rl(given, list(given.pairs), reference_is_base=to_base, beta=strength)
