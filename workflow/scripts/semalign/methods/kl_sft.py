"""SFT with a term that holds it to the base: a weight times the KL from the policy to the base on the answers' tokens.

After Li and Hoiem 2016, "Learning without Forgetting", arXiv 1606.09282, who keep a model's old outputs on the new
task's examples by distillation; here as the exact KL over the vocabulary, in the direction in which GRPO's is taken.
All else is as in `strong_sft`.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field

from semalign.config.base import Positive
from semalign.methods.base import WHICH, Counts, History, Need, Trained, TrainingInputs, strong_sft


class Settings(Trained):
    method: Literal["kl_sft"] = WHICH
    strengths: Counts
    weight: Positive = Field(description="of the KL, beside the cross-entropy")

    unit: ClassVar[str] = "pairs"
    needs: ClassVar[frozenset[Need]] = frozenset({"pairs"})
    recipes: ClassVar[frozenset[str]] = frozenset({"lora", "strong_sft"})

    @property
    def start_model(self) -> str:
        return "base"

    def passes(self, strength: float) -> float:
        """The base reads what the policy learns."""
        return strength * 4 / 3


def train(settings: Settings, strength: float, given: TrainingInputs) -> tuple[Any, dict[str, Any], History]:
    from semalign.policy.sft import train_sft

    model, tokenizer = given.model()
    rows = given.first(strength)
    recipe = strong_sft(given)
    return model, *train_sft(model, tokenizer, rows, given.prompt, recipe, **given.where, kl_weight=settings.weight)
