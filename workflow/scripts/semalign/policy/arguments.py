"""What SFT and GRPO share: trainer arguments from the config."""

from typing import Any

from semalign.config.training import Optimisation
from semalign.policy.micro_batch import accumulation
from semalign.runtime.workspace import Workspace


def checkpointing(workspace: Workspace, device: str) -> bool:
    """Whether to use gradient checkpointing; where the config does not say: on a GPU."""
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
        "logging_nan_inf_filter": False,  # `Divergence` looks at what is logged
        "report_to": "none",
        "disable_tqdm": True,
    }
