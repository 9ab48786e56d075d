"""Supervised fine-tuning of a LoRA adapter on prompt and completion (cold start, strong SFT)."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from peft import PeftModel
from transformers import PreTrainedTokenizerBase, PrinterCallback
from trl import SFTConfig, SFTTrainer

from semalign import checkpoints, distributed
from semalign.config.training import Sft
from semalign.errors import InputError
from semalign.files import Row, read_json, write_json
from semalign.micro_batch import chosen
from semalign.models import TrainingProof
from semalign.prompts import TEMPLATE_KWARGS, assistant_turn, conversation_text, fill, user_turn
from semalign.step_progress import StepProgress
from semalign.training import arguments, checkpointing
from semalign.workspace import Workspace

log = logging.getLogger(__name__)


def first(rows: list[Row], pairs: int | None, key: str | None) -> list[Row]:
    """The first so many rows, or all. Raises InputError naming the config key where there are fewer."""
    if pairs is not None and pairs > len(rows):
        raise InputError(f"config key {key}: {pairs} pairs are asked for, cold start and RL hold {len(rows)}")
    return rows[:pairs]


def conversations(rows: list[Row], prompt: str) -> Dataset:
    """Rows of source and target as trl's prompt-completion format: the loss is on the completion only."""
    return Dataset.from_list(
        [
            {
                "prompt": user_turn(fill(prompt, source=row["source"])),
                "completion": assistant_turn(row["target"]),
                "chat_template_kwargs": TEMPLATE_KWARGS,
            }
            for row in rows
        ]
    )


def token_lengths(dataset: Dataset, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Length of each whole conversation in tokens, template included."""
    texts = [
        conversation_text(tokenizer, row["prompt"][0]["content"], row["completion"][0]["content"]) for row in dataset
    ]
    return [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]


class _TokensSeen:
    """trl's count of tokens so far, which its checkpoints lack."""

    def __init__(self, trainer: SFTTrainer) -> None:
        self.trainer = trainer

    def save(self, checkpoint: Path) -> None:
        if distributed.is_first():
            write_json(checkpoint / "tokens_seen.json", self.trainer._total_train_tokens)

    def problem(self, checkpoint: Path) -> str | None:
        return None

    def load(self, checkpoint: Path | None) -> None:
        if checkpoint:
            self.trainer._total_train_tokens = read_json(checkpoint / "tokens_seen.json")


def train_sft(
    model: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: list[Row],
    prompt: str,
    settings: Sft,
    *,
    dtype: str,
    device: str,
    seed: int,
    workspace: Workspace,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Train the model's active adapter in place (paper: SFT, Appendix A).

    Goes on from the workspace's last checkpoint. Where processes do not share out an epoch evenly, its last batch is
    filled up with examples from its first, which the report counts.

    Returns a report and the log of every step. Raises InputError when the trainer would cut an example, and
    RuntimeError when the adapter did not move or the base did.
    """
    proof = TrainingProof(model)
    dataset = conversations(rows, prompt)
    lengths = token_lengths(dataset, tokenizer)
    cut = sum(length > settings.max_tokens for length in lengths)
    if cut:
        raise InputError(
            f"max_tokens = {settings.max_tokens} of this SFT would cut {cut} of {len(rows)} examples (the longest has "
            f"{max(lengths)} tokens); raise it, or lower the task's max_tokens"
        )
    micro = chosen(
        settings,
        model,
        max(lengths),
        dtype=dtype,
        checkpointing=checkpointing(workspace, device),
        workspace=workspace,
    )
    shared = arguments(settings, micro, dtype, device, seed, workspace)
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**shared, max_length=settings.max_tokens),
        train_dataset=dataset,
        processing_class=tokenizer,
        callbacks=[StepProgress({"loss": "loss", "mean_token_accuracy": "token accuracy"})],
    )
    trainer.remove_callback(PrinterCallback)
    history = checkpoints.train(trainer, workspace, [_TokensSeen(trainer)])
    report = {
        "examples": len(rows),
        "tokens": sum(lengths),
        "steps": trainer.state.global_step,
        "processes": distributed.processes(),
        "micro_batch_size": micro,
        "repeated_examples_an_epoch": -len(rows) % (micro * distributed.processes())
        if distributed.processes() > 1
        else 0,
        "mean_loss": float(np.mean([row["loss"] for row in history])),
        **proof.check(),
    }
    return report, history
