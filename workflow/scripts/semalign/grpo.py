"""GRPO from the cold-start adapter with rewards in embedding space (paper: GRPO)."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from peft import PeftModel
from transformers import PreTrainedTokenizerBase, PrinterCallback, TrainerCallback, TrainerControl, TrainerState
from trl import GRPOConfig, GRPOTrainer

from semalign.clock import model_work
from semalign.config.training import Grpo
from semalign.errors import InputError
from semalign.files import Row
from semalign.models import TrainingProof, merged_adapter, save_adapter
from semalign.prompts import TEMPLATE_KWARGS, fill, prompt_text, user_turn
from semalign.rewards import Reward, for_trl
from semalign.training import Progress, arguments

log = logging.getLogger(__name__)


def prompts(
    rows: list[Row], prompt: str, tokenizer: PreTrainedTokenizerBase, max_prompt_tokens: int
) -> tuple[Dataset, int]:
    """The data set of trl's GRPO (prompt, source, reference, id) and how many prompts were too long and left out."""
    kept = []
    for row in rows:
        text = fill(prompt, source=row["source"])
        length = len(tokenizer(prompt_text(tokenizer, text), add_special_tokens=False)["input_ids"])
        if length <= max_prompt_tokens:
            columns = {"source": row["source"], "reference": row["target"], "id": row["id"]}
            kept.append({"prompt": user_turn(text), **columns})
    if not kept:
        raise InputError(f"rl.max_prompt_tokens = {max_prompt_tokens}: all {len(rows)} prompts are longer; raise it")
    return Dataset.from_list(kept), len(rows) - len(kept)


class Rollouts:
    """Wraps rewards so that every completion is kept with what it earned."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def record(self, name: str, reward: Reward) -> Any:
        """The reward for trl, its figures also noted; completions are noted with the first reward called."""
        call = for_trl(name, reward)

        def recorded(completions: list[Any], **columns: Any) -> list[float]:
            values: list[float] = call(completions, **columns)
            step = columns["trainer_state"].global_step + 1  # as the trainer logs it
            batch = self.rows[-len(completions) :]
            if not batch or name in batch[0]:
                batch = [
                    {"step": step, "id": id_, "completion": completion[0]["content"]}
                    for id_, completion in zip(columns["id"], completions, strict=True)
                ]
                self.rows.extend(batch)
            for row, value in zip(batch, values, strict=True):
                row[name] = value
            return values

        recorded.__name__ = name
        return recorded


def spreadless_share(rollouts: list[Row], settings: Grpo) -> float:
    """Share of groups whose completions all earned the same. (trl's own figure misses those whose float32 standard
    deviation is rounding noise.)"""
    earned = [sum(weight * row[name] for name, weight in settings.rewards.items()) for row in rollouts]
    size = settings.num_generations
    groups = [set(earned[start : start + size]) for start in range(0, len(earned), size)]
    return float(np.mean([len(group) == 1 for group in groups]))


def config(settings: Grpo, dtype: str, device: str, seed: int, folder: Path, weights: list[float]) -> GRPOConfig:
    """trl's configuration. Batches count completions."""
    accumulation = settings.batch_size // settings.micro_batch_size
    return GRPOConfig(
        **arguments(settings, dtype, device, seed, folder),
        num_generations=settings.num_generations,
        steps_per_generation=settings.steps_per_generation or accumulation,
        temperature=settings.temperature,
        top_p=settings.top_p,
        beta=settings.beta,
        epsilon=settings.epsilon,
        loss_type=settings.loss,
        max_completion_length=settings.max_new_tokens,
        reward_weights=weights,
        # With dropout on, sampling and scoring disagree: noise would pass for a policy ratio and for KL.
        disable_dropout=True,
        chat_template_kwargs=TEMPLATE_KWARGS,
    )


class RolloutTrainer(GRPOTrainer):
    """trl's trainer, which samples from merged weights where merging is exact to rounding: fewer operations a
    token."""

    def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
        with merged_adapter(self.accelerator.unwrap_model(self.model)):
            return super()._generate_single_turn(*args, **kwargs)


class Snapshots(TrainerCallback):
    """Keeps the adapter every so many updates before the last."""

    def __init__(self, every: int | None, folder: Path) -> None:
        self.every, self.folder = every, folder

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        step = state.global_step
        if self.every and step % self.every == 0 and step < state.max_steps:
            save_adapter(kwargs["model"], self.folder / str(step))


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
    folder: Path,
    snapshots: Path,
) -> tuple[dict[str, Any], list[dict[str, Any]], list[Row]]:
    """Train the model's trainable adapter in place against rewards by name, weighted by `settings.rewards`.

    The adapter is kept at `<snapshots>/<step>` every `settings.snapshot_steps` updates before the last.

    With beta > 0 the KL reference is a frozen copy of the adapter as given (the cold start), not the base. Returns a
    report, the log of every step and every rollout. Raises RuntimeError when the adapter did not move, the base did,
    or more than `max_spreadless_share` of the groups had equal rewards and so no gradient.
    """
    proof = TrainingProof(model)
    dataset, too_long = prompts(rows, prompt, tokenizer, settings.max_prompt_tokens)
    rollouts = Rollouts()
    trainer = RolloutTrainer(
        model=model,
        args=config(settings, dtype, device, seed, folder, list(settings.rewards.values())),
        reward_funcs=[rollouts.record(name, rewards[name]) for name in settings.rewards],
        train_dataset=dataset,
        processing_class=tokenizer,
        callbacks=[
            Progress(["reward", "completions/mean_length", "frac_reward_zero_std"]),
            Snapshots(settings.snapshot_steps, snapshots),
        ],
    )
    trainer.remove_callback(PrinterCallback)
    with model_work():
        trainer.train()
    history = trainer.state.log_history
    steps = [entry for entry in history if "frac_reward_zero_std" in entry]
    spreadless = spreadless_share(rollouts.rows, settings)
    if spreadless > settings.max_spreadless_share:
        raise RuntimeError(
            f"{spreadless:.0%} of the groups had equal rewards (rl.max_spreadless_share = "
            f"{settings.max_spreadless_share:.0%}): GRPO learns nothing from them; check τ and the temperature"
        )
    tenth = max(1, len(steps) // 10)
    report = {
        "prompts": len(dataset),
        "prompts_too_long": too_long,
        "steps": trainer.state.global_step,
        "completions": len(rollouts.rows),
        "mean_reward_first_tenth": float(np.mean([entry["reward"] for entry in steps[:tenth]])),
        "mean_reward_last_tenth": float(np.mean([entry["reward"] for entry in steps[-tenth:]])),
        "spreadless_group_share": spreadless,
        **proof.check(),
    }
    return report, history, rollouts.rows
