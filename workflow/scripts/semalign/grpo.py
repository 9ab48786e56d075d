"""GRPO from the cold-start adapter with rewards in embedding space (paper: GRPO)."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from peft import PeftModel
from transformers import PreTrainedTokenizerBase, PrinterCallback
from trl import GRPOConfig, GRPOTrainer

from semalign.clock import model_work
from semalign.config.training import Grpo
from semalign.errors import InputError
from semalign.files import Row
from semalign.models import TrainingProof
from semalign.prompts import TEMPLATE_KWARGS, fill, prompt_text, user_turn
from semalign.rewards import Conversation, Reward
from semalign.training import Progress, arguments

log = logging.getLogger(__name__)


def prompts(
    rows: list[Row], prompt: str, tokenizer: PreTrainedTokenizerBase, max_prompt_tokens: int
) -> tuple[Dataset, int]:
    """The data set of trl's GRPO (prompt, reference, id) and how many prompts were too long and left out."""
    kept = []
    for row in rows:
        text = fill(prompt, source=row["source"])
        length = len(tokenizer(prompt_text(tokenizer, text), add_special_tokens=False)["input_ids"])
        if length <= max_prompt_tokens:
            kept.append({"prompt": user_turn(text), "reference": row["target"], "id": row["id"]})
    if not kept:
        raise InputError(f"rl.max_prompt_tokens = {max_prompt_tokens}: all {len(rows)} prompts are longer; raise it")
    return Dataset.from_list(kept), len(rows) - len(kept)


class Rollouts:
    """Wraps rewards so that every completion is kept with what it earned."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def record(self, reward: Reward) -> Reward:
        """The same reward, whose figures are also noted; completions are noted with the first reward called."""
        name = reward.__name__

        def recorded(completions: list[Conversation], **columns: Any) -> list[float]:
            values = reward(completions, **columns)
            step = columns["trainer_state"].global_step
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


def train_grpo(
    model: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: list[Row],
    prompt: str,
    rewards: dict[Reward, float],
    settings: Grpo,
    *,
    dtype: str,
    device: str,
    seed: int,
    folder: Path,
) -> tuple[dict[str, Any], list[dict[str, Any]], list[Row]]:
    """Train the model's trainable adapter in place against weighted rewards.

    With beta > 0 the KL reference is a frozen copy of the adapter as given (the cold start), not the base. Returns a
    report, the log of every step and every rollout. Raises RuntimeError when the adapter did not move, the base did,
    or more than `max_spreadless_share` of the groups had equal rewards and so no gradient.
    """
    proof = TrainingProof(model)
    dataset, too_long = prompts(rows, prompt, tokenizer, settings.max_prompt_tokens)
    rollouts = Rollouts()
    functions: list[Any] = [rollouts.record(reward) for reward in rewards]
    trainer = GRPOTrainer(
        model=model,
        args=config(settings, dtype, device, seed, folder, list(rewards.values())),
        reward_funcs=functions,
        train_dataset=dataset,
        processing_class=tokenizer,
        callbacks=[Progress(["reward", "completions/mean_length", "frac_reward_zero_std"])],
    )
    trainer.remove_callback(PrinterCallback)
    with model_work():
        trainer.train()
    history = trainer.state.log_history
    steps = [entry for entry in history if "frac_reward_zero_std" in entry]
    spreadless = float(np.mean([entry["frac_reward_zero_std"] for entry in steps]))
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
