"""GRPO from the cold-start adapter with rewards in embedding space (paper: GRPO)."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from peft import PeftModel
from transformers import PreTrainedTokenizerBase, PrinterCallback, TrainerCallback, TrainerControl, TrainerState
from trl import GRPOConfig

from semalign.config.audit import Audit
from semalign.config.training import Grpo
from semalign.policy.arguments import arguments, checkpointing
from semalign.policy.dense_lora import dense_lora
from semalign.policy.micro_batch import accumulation, chosen
from semalign.policy.models import TrainingProof, full_precision, own_precision, save_adapter
from semalign.policy.rollout_audit import RolloutAudit, tenths
from semalign.policy.rollouts import ROLLOUTS, Rollouts, zero_variance_share
from semalign.policy.trl_private import RolloutTrainer
from semalign.resume import checkpoints
from semalign.resume.parts import EpochsBefore, Part
from semalign.rewards.builtin import Reward
from semalign.runtime import distributed
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, read_jsonl, replacing_folder
from semalign.runtime.step_progress import StepProgress
from semalign.runtime.workspace import Workspace
from semalign.text.prompts import TOKENIZED, fill, holds_control, prompt_ids, user_turn

log = logging.getLogger(__name__)

SNAPSHOTS = "snapshots"


def prompts(
    rows: list[Row], prompt: str, tokenizer: PreTrainedTokenizerBase, max_prompt_tokens: int
) -> tuple[Dataset, int, int]:
    """The data set of trl's GRPO (prompt, source, reference, id), tokens of its longest prompt, and how many prompts
    were too long and left out."""
    kept, longest = [], 0
    texts = [fill(prompt, source=row["source"]) for row in rows]
    for row, text, ids in zip(rows, texts, prompt_ids(tokenizer, texts), strict=True):
        if len(ids) <= max_prompt_tokens:
            longest = max(longest, len(ids))
            columns = {"source": row["source"], "reference": row["target"], "id": row["id"]}
            kept.append({"prompt": user_turn(text), **columns})
    if not kept:
        raise InputError(f"rl.max_prompt_tokens = {max_prompt_tokens}: all {len(rows)} prompts are longer; raise it")
    return Dataset.from_list(kept), longest, len(rows) - len(kept)


def config(
    settings: Grpo,
    micro_batch: int,
    ends: list[int],
    dtype: str,
    device: str,
    seed: int,
    workspace: Workspace,
    stops: Sequence[str] = (),
    *,
    sanitised: bool = True,
    steps: int | None = None,
) -> GRPOConfig:
    """trl's configuration. Batches count completions; `micro_batch` of them a forward pass of each process. `ends`: the
    tokens that end a completion, and `stops` the texts, which vLLM is not told by the model. `sanitised`: a prompt
    holds a control token, which is to be text; with Gemma 3 that takes 20 ms a prompt."""
    return GRPOConfig(
        **arguments(settings, micro_batch, dtype, device, seed, workspace),
        **(_vllm(settings, ends, stops) if settings.generation == "vllm" else {}),
        max_steps=steps or -1,
        num_generations=settings.num_generations,
        steps_per_generation=settings.steps_per_generation or accumulation(settings.batch_size, micro_batch),
        temperature=settings.temperature,
        top_p=settings.top_p,
        beta=settings.beta,
        epsilon=settings.epsilon,
        loss_type=settings.loss,
        max_completion_length=settings.max_new_tokens,
        reward_weights=list(settings.rewards.values()),
        # With dropout on, sampling and scoring disagree: noise would pass for a policy ratio and for KL.
        disable_dropout=True,
        chat_template_kwargs=TOKENIZED | {"sanitize_control_tokens": sanitised},
    )


def _vllm(settings: Grpo, ends: list[int], stops: Sequence[str]) -> dict[str, Any]:
    """vLLM in this process, on this GPU. Without importance sampling: with top_p below 1 trl's correction takes the
    truncated distribution for another policy and silences the gradient (trl issue 6789). `stops`: never run."""
    return {
        "use_vllm": True,
        "vllm_mode": "colocate",
        "vllm_gpu_memory_utilization": settings.vllm_memory,
        "vllm_max_model_length": settings.max_prompt_tokens + settings.max_new_tokens,
        "vllm_importance_sampling_correction": False,
        "generation_kwargs": {"stop_token_ids": ends} | ({"stop": list(stops)} if stops else {}),
    }


def steps_of_a_generation(settings: Grpo, micro_batch: int) -> int:
    """After how many updates, at the least, no rollout waits that a checkpoint would lose."""
    passes = accumulation(settings.batch_size, micro_batch)
    micro_steps = settings.steps_per_generation or passes
    return lcm(micro_steps, passes) // passes


class Snapshots(TrainerCallback):
    """Keeps the adapter every so many updates before the last. `base`: the base's digest."""

    def __init__(self, every: int | None, folder: Path, base: str) -> None:
        self.every, self.folder, self.base = every, folder, base

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        step = state.global_step
        if self.every and step % self.every == 0 and step < state.max_steps and distributed.is_first():
            with replacing_folder(self.folder / str(step)) as folder:
                save_adapter(kwargs["model"], folder, self.base)


def train_grpo(
    model: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: list[Row],
    prompt: str,
    rewards: dict[str, Reward],
    settings: Grpo,
    *,
    dtype: str,
    device: str,
    seed: int,
    workspace: Workspace,
    reference_is_base: bool = False,
    stops: Sequence[str] = (),
    steps: int | None = None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Train the model's trainable adapter in place against rewards by name, weighted by `settings.rewards`.

    Resumes from the workspace's last checkpoint. Rows hold `id`, `source` and `target`. Every rollout is written to its
    `rollouts.jsonl`, and the adapter is kept at `snapshots/<step>` every `settings.snapshot_steps` updates before the
    last. The rollouts are audited on the way (`RolloutAudit`).

    A completion ends before the first of the `stops`, as an answer to the test set does: the rewards see it so far, and
    the policy is trained on its tokens until one is complete.

    `steps`: updates in place of as many as `settings.epochs` make; the rate's schedule spans them.

    With beta > 0 the KL reference is a frozen copy of the adapter as given (the cold start), or with
    `reference_is_base` the base. Returns a report and the log of every step. Raises RuntimeError when the adapter did
    not move or the base did.
    """
    proof = TrainingProof(model)
    dataset, longest, too_long = prompts(rows, prompt, tokenizer, settings.max_prompt_tokens)
    rollouts = Rollouts(workspace.folder / ROLLOUTS, stops)
    snapshots = workspace.folder / SNAPSHOTS
    snapshots.mkdir(exist_ok=True)
    ends = model.generation_config.eos_token_id
    micro = chosen(
        settings,
        model,
        longest + settings.max_new_tokens,
        dtype=dtype,
        checkpointing=checkpointing(workspace, device),
        workspace=workspace,
    )
    # vLLM is given merged weights at every step: below float32 the base would drift with each merge.
    with full_precision(model) if settings.generation == "vllm" else nullcontext():
        with own_precision(model):
            trainer = RolloutTrainer(
                model=model,
                args=config(
                    settings,
                    micro,
                    ends,
                    dtype,
                    device,
                    seed,
                    workspace,
                    stops,
                    sanitised=any(
                        holds_control(tokenizer, row["content"]) for turns in dataset["prompt"] for row in turns
                    ),
                    steps=steps,
                ),
                reward_funcs=[rollouts.record(name, rewards[name]) for name in settings.rewards],
                train_dataset=dataset,
                processing_class=tokenizer,
                callbacks=[
                    StepProgress(
                        {
                            "reward": "reward",
                            "completions/mean_length": "length",
                            "frac_reward_zero_std": "zero_variance",
                        }
                    ),
                    Snapshots(settings.snapshot_steps, snapshots, proof.base),
                    RolloutAudit(Audit.model_validate(workspace.audit or {}), rollouts, rows),
                ],
            )
        trainer.stops = stops
        trainer.remove_callback(PrinterCallback)
        if reference_is_base and settings.beta:
            model.delete_adapter("ref")  # trl's copy: without one it takes the policy with no adapter
        parts: list[Part] = [rollouts.file, EpochsBefore(trainer)]
        with dense_lora(model):
            history = checkpoints.train(
                trainer, workspace, parts, every=steps_of_a_generation(settings, micro), sampling=True
            )
    rollouts.flush()
    completions, zero_variance = distributed.from_first(
        lambda: zero_variance_share(read_jsonl(rollouts.path), settings)
    )
    items = {row["id"]: row for row in rows}
    looks = distributed.from_first(lambda: tenths(rollouts.path, items, history, trainer.state.global_step))
    logged = [entry for entry in history if "frac_reward_zero_std" in entry]
    tenth = max(1, len(logged) // 10)
    report = {
        "prompts": len(dataset),
        "prompts_too_long": too_long,
        "steps": trainer.state.global_step,
        "processes": distributed.processes(),
        "micro_batch_size": micro,
        "completions": completions,
        "mean_reward_first_tenth": float(np.mean([entry["reward"] for entry in logged[:tenth]])),
        "mean_reward_last_tenth": float(np.mean([entry["reward"] for entry in logged[-tenth:]])),
        "zero_variance_group_share": zero_variance,
        "rollouts": looks,
        **proof.check(),
    }
    return report, history
