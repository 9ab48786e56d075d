"""A training that diverged ends at the step where it does: before the update, and before anything of it is written."""

import math
import sys
from collections.abc import Iterator
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from semalign.model_files.weight_files import some
from semalign.model_files.weights import answers_finite, non_finite
from semalign.runtime.errors import InputError

LOGGED = ("loss", "grad_norm", "reward", "kl")


class Divergence(TrainerCallback):
    """Raises InputError at the first gradient, logged figure or, where a checkpoint is due, weight that is not finite.

    A gradient costs one number read from the device a step. `sampling`: the model's answers are looked at before each
    step, since sampling from what is not finite fails in ways of its own.
    """

    def __init__(self, sampling: bool = False) -> None:
        self.sampling = sampling

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self.sampling and not answers_finite(kwargs["model"]):
            raise _diverged(
                args, state, f"after step {state.global_step}", "the model's logits are not finite, or all equal"
            )

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        named = [(name, p.grad) for name, p in kwargs["model"].named_parameters() if p.grad is not None]
        norm = float(torch.nn.utils.get_total_norm([gradient for _, gradient in named]))
        if not math.isfinite(norm):
            names = non_finite(named, sys.float_info.max)
            where = f" in {some(names)}" if names else ""
            raise _diverged(args, state, f"at step {state.global_step + 1}", f"the gradient's norm is {norm}{where}")

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        for name in LOGGED:
            value = (logs or {}).get(name, 0.0)
            if not math.isfinite(value):
                raise _diverged(args, state, f"at step {state.global_step}", f"{name} is {value}")


def check_state(args: TrainingArguments, state: TrainerState, model: Any, optimizer: Any) -> None:
    """Raise InputError where a weight, what the model computes or what the optimiser keeps is not finite.

    The last update has no step after it that would show it.
    """
    names = non_finite(model.state_dict().items()) or non_finite(_kept(optimizer), sys.float_info.max)
    if names:
        raise _diverged(
            args, state, f"after step {state.global_step}", f"NaN, infinite or huge numbers in {some(names)}"
        )
    if not answers_finite(model):
        raise _diverged(
            args, state, f"after step {state.global_step}", "what the model computes is not finite, or all equal"
        )


def _kept(optimizer: Any) -> Iterator[tuple[str, torch.Tensor]]:
    for number, kept in enumerate(optimizer.state.values()):
        for name, value in kept.items():
            if isinstance(value, torch.Tensor):
                yield f"the optimiser's {name} of parameter {number}", value


def _diverged(args: TrainingArguments, state: TrainerState, when: str, what: str) -> InputError:
    remedy = f"lower its learning_rate (now {args.learning_rate}) or raise its warmup_ratio"
    if what.startswith("reward "):
        remedy = "lower the figures that the rewards return, or their weights"
    return InputError(
        f"the training diverged {when} of {state.max_steps}: {what}; {remedy}. What was saved before is kept, and "
        "nothing since"
    )
