"""GRPO as `rl`, but for what a method changes."""

from typing import Any

from semalign.config.training import Grpo
from semalign.methods.base import History, TrainingInputs
from semalign.policy.grpo import train_grpo
from semalign.runtime.files import Row


def train_as_rl(
    given: TrainingInputs, pairs: list[Row], reference_is_base: bool = False, **changes: Any
) -> tuple[Any, dict[str, Any], History]:
    """Train with RL's settings but for `changes`, on the rewards that are given; see `train_grpo`."""
    settings = Grpo.model_validate(given.recipes["rl"] | changes | {"rewards": given.weights})
    model, tokenizer = given.model()
    report, history = train_grpo(
        model,
        tokenizer,
        pairs,
        given.prompt,
        given.rewards,
        settings,
        **given.where,
        reference_is_base=reference_is_base,
        stops=given.stops,
    )
    return model, report, history
