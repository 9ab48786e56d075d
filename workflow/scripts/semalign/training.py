"""What SFT and GRPO share: trainer arguments from the config, progress in the log, the training record."""

import logging
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from semalign.config.training import Optimisation

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10


def arguments(settings: Optimisation, dtype: str, device: str, seed: int, folder: Path) -> dict[str, Any]:
    """Keyword arguments that SFTConfig and GRPOConfig have in common; one process."""
    return {
        "output_dir": str(folder / "checkpoints"),
        "learning_rate": settings.learning_rate,
        "num_train_epochs": settings.epochs,
        "per_device_train_batch_size": settings.micro_batch_size,
        "gradient_accumulation_steps": settings.batch_size // settings.micro_batch_size,
        "warmup_steps": settings.warmup_ratio,  # a fraction below 1 is a share of the run
        "lr_scheduler_type": settings.schedule,
        "max_grad_norm": settings.max_grad_norm,
        "seed": seed,
        "data_seed": seed,
        "bf16": dtype == "bfloat16",
        "use_cpu": device == "cpu",
        "activation_checkpointing": device != "cpu",
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
