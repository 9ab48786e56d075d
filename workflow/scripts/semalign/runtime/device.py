"""The device on which models run."""

import torch

from semalign.runtime.errors import InputError


def checked_device(device: str) -> str:
    """The device. Raises InputError where it is a GPU and there is none."""
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("device: cuda is configured and there is no GPU here; set device: cpu")
    return device
