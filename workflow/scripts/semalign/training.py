"""What SFT and GRPO share: trainer arguments from the config, progress in the log, the training record."""

import logging
import time
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from semalign.config.training import Optimisation
from semalign.micro_batch import accumulation
from semalign.workspace import Workspace

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10


def checkpointing(workspace: Workspace, device: str) -> bool:
    """Are activations computed twice instead of kept? Where the config does not say: on a GPU."""
    return device != "cpu" if workspace.gradient_checkpointing is None else workspace.gradient_checkpointing


def arguments(
    settings: Optimisation, micro_batch: int, dtype: str, device: str, seed: int, workspace: Workspace
) -> dict[str, Any]:
    """Keyword arguments that SFTConfig and GRPOConfig have in common; `micro_batch` examples a forward pass of each
    process."""
    return {
        "output_dir": str(workspace.folder / "checkpoints"),
        "learning_rate": settings.learning_rate,
        "num_train_epochs": settings.epochs,
        "per_device_train_batch_size": micro_batch,
        "gradient_accumulation_steps": accumulation(settings.batch_size, micro_batch),
        "warmup_steps": settings.warmup_ratio,  # a fraction below 1 is a share of the run
        "lr_scheduler_type": settings.schedule,
        "max_grad_norm": settings.max_grad_norm,
        "seed": seed,
        "data_seed": seed,
        "bf16": dtype == "bfloat16",
        "use_cpu": device == "cpu",
        "activation_checkpointing": checkpointing(workspace, device),
        "ddp_find_unused_parameters": False,  # every trainable weight is used in every pass
        "dataloader_pin_memory": device != "cpu",
        "save_strategy": "no",
        "logging_strategy": "steps",
        "logging_steps": 1,
        "report_to": "none",
        "disable_tqdm": True,
    }


class Progress(TrainerCallback):
    """A plain line in the log every few seconds: step, rate, time left, the figures that matter."""

    def __init__(self, figures: list[str]) -> None:
        self.figures = figures
        self.started = self.last = time.monotonic()
        self.first = 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.first = state.global_step  # above 0 where a checkpoint is taken up

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        now = time.monotonic()
        if now - self.last < SECONDS_BETWEEN_LINES and state.global_step < state.max_steps:
            return
        self.last = now
        rate = (state.global_step - self.first) / (now - self.started)
        left = (state.max_steps - state.global_step) / max(rate, 1e-9)
        shown = " ".join(f"{name}={float(logs[name]):.4g}" for name in self.figures if logs and name in logs)
        log.info("step %d/%d  %.2f steps/s  %.0f s left  %s", state.global_step, state.max_steps, rate, left, shown)
