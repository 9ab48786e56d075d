"""Between the base and an adapted model: the adapter's change of the weights, times a number. Nothing is trained.

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", arXiv 2109.01903.
"""

from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from semalign.methods.base import WHICH, History, Model, Trained, TrainingInputs


class Settings(Trained):
    method: Literal["interpolation"] = WHICH
    of: Model = Field(description="the adapted model")

    unit: ClassVar[str] = "weight of the adapter"

    @model_validator(mode="after")
    def _check_weights(self) -> "Settings":
        if self.strengths[-1] >= 1:
            raise ValueError(f"strengths: {list(self.strengths)} must be below 1, which is {self.of} itself")
        return self

    @property
    def start_model(self) -> str:
        return "base"

    @property
    def limit_model(self) -> str:
        return self.of

    @property
    def strength_of_limit(self) -> float:
        return 1

    @property
    def adapter(self) -> Model:
        return self.of

    def passes(self, strength: float) -> float:
        return 0


def train(settings: Settings, strength: float, given: TrainingInputs) -> tuple[Any, dict[str, Any], History]:
    """A layer changes by B·A·alpha/rank, so that B alone is multiplied."""
    import torch

    from semalign.policy.models import digest

    model, _ = given.model(trainable=False)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.mul_(strength)
    digests = {"adapter_sha256": digest(model, adapter=True), "base_sha256": digest(model, adapter=False)}
    return model, {"steps": 0, "weight": strength} | digests, []
