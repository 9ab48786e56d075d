"""How many examples a forward pass takes: as the config says, or as many as memory holds."""

import gc
import logging
from collections.abc import Callable
from typing import Any

import torch

from semalign.config.training import Optimisation
from semalign.runtime import distributed
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json, write_json
from semalign.runtime.workspace import Workspace

log = logging.getLogger(__name__)

FOUND = "micro_batch.json"
CPU_TOKENS = 16384  # of a forward pass on the CPU, padding included, whatever memory there is
GPU_SHARE = 0.9  # of the memory; the rest is for what a trial does not have: LM head, rollouts, rewards
STATES = 3  # copies of the adapter that a trial does not have: two of AdamW, one of what processes exchange


def accumulation(batch_size: int, micro_batch_size: int) -> int:
    """Forward passes of each process that make one update, so that the global batch is what the config says.

    Raises InputError where they cannot.
    """
    together = micro_batch_size * distributed.processes()
    if batch_size % together:
        raise InputError(
            f"batch_size {batch_size} is no multiple of micro_batch_size × processes = {micro_batch_size} × "
            f"{distributed.processes()}"
        )
    return batch_size // together


def chosen(
    settings: Optimisation, model: Any, longest: int, *, dtype: str, checkpointing: bool, workspace: Workspace
) -> int:
    """Examples a forward pass in each process: the config's, or with `auto` the most that fit.

    `longest`: tokens of the longest example. A number that was found is kept in the workspace, and a training that is
    resumed uses it. Neither the weights nor any random state differ afterwards.
    """
    if settings.micro_batch_size != "auto":
        return settings.micro_batch_size
    path = workspace.folder / FOUND
    earlier = distributed.from_first(lambda: read_json(path)["micro_batch_size"] if path.is_file() else None)
    if earlier is not None:
        return int(earlier)
    share = settings.batch_size // distributed.processes()
    if next(model.parameters()).device.type == "cuda":
        found = largest(share, lambda rows: _fits_gpu(model, rows, longest, dtype, checkpointing))
    else:
        found = largest(share, lambda rows: rows * longest <= CPU_TOKENS)
    log.info("micro_batch_size: auto: %d of %d examples a process, %d tokens the longest", found, share, longest)
    if distributed.is_first():
        write_json(path, {"micro_batch_size": found, "longest": longest})
    return found


def largest(share: int, fits: Callable[[int], bool]) -> int:
    """The largest divisor of `share` for which `fits` says so in every process; 1 where none does.

    A trial that runs out of GPU memory does not fit. (One example is tried by the training itself, which tells of it.)
    """
    for rows in (number for number in range(share, 1, -1) if share % number == 0):
        if all(distributed.gathered(_tried(fits, rows))):
            return rows
    return 1


def _tried(fits: Callable[[int], bool], rows: int) -> bool:
    try:
        return fits(rows)
    except torch.OutOfMemoryError:
        return False
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _fits_gpu(model: Any, rows: int, tokens: int, dtype: str, checkpointing: bool) -> bool:
    """One forward and backward pass of `rows` examples of `tokens` tokens, as the training makes them."""
    base: Any = model.get_base_model()
    device = next(model.parameters()).device
    training, checkpointed = model.training, base.is_activation_checkpointing
    torch.cuda.reset_peak_memory_stats(device)
    with torch.random.fork_rng(devices=[device]):
        try:
            model.train()
            if checkpointing:
                base.activation_checkpointing_enable()
            ids = torch.ones((rows, tokens), dtype=torch.long, device=device)
            with torch.autocast("cuda", torch.bfloat16, enabled=dtype == "bfloat16"):
                hidden = base.base_model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)[0]
            hidden.float().square().mean().backward()
        finally:
            model.zero_grad(set_to_none=True)
            model.train(training)
            if checkpointing and not checkpointed:
                base.activation_checkpointing_disable()
    adapter = sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)
    used = torch.cuda.max_memory_allocated(device) + STATES * adapter
    return used <= GPU_SHARE * torch.cuda.get_device_properties(device).total_memory
