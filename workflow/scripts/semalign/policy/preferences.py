"""Direct preference optimisation of a LoRA adapter on pairs of a better and a worse answer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from datasets import Dataset
from peft import PeftModel
from transformers import PreTrainedTokenizerBase, PrinterCallback
from trl import DPOConfig, DPOTrainer

from semalign.config.training import Optimisation
from semalign.policy.arguments import arguments, checkpointing
from semalign.policy.dense_lora import dense_lora
from semalign.policy.micro_batch import chosen
from semalign.policy.models import TrainingProof, own_precision
from semalign.resume import checkpoints
from semalign.resume.parts import TokensSeen
from semalign.runtime import distributed
from semalign.runtime.files import Row
from semalign.runtime.step_progress import StepProgress
from semalign.runtime.workspace import Workspace
from semalign.text.prompts import TOKENIZED, assistant_turn, conversation_ids, fill, holds_control, user_turn

SIDES = ("chosen", "rejected")


def train_dpo(
    model: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[Row],
    prompt: str,
    settings: Optimisation,
    beta: float,
    *,
    dtype: str,
    device: str,
    seed: int,
    workspace: Workspace,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Train the model's trainable adapter in place on rows of `source`, `chosen` and `rejected`.

    The reference is a frozen copy of the adapter as given. Resumes from the workspace's last checkpoint.

    Returns a report and the log of every step. Raises RuntimeError when the adapter did not move or the base did.
    """
    proof = TrainingProof(model)
    texts = [fill(prompt, source=row["source"]) for row in rows for _ in SIDES]
    lengths = [len(ids) for ids in conversation_ids(tokenizer, texts, [row[side] for row in rows for side in SIDES])]
    micro = chosen(
        settings,
        model,
        len(SIDES) * max(lengths),  # both answers pass together
        dtype=dtype,
        checkpointing=checkpointing(workspace, device),
        workspace=workspace,
    )
    with own_precision(model):
        trainer = DPOTrainer(
            model=model,
            args=DPOConfig(
                **arguments(settings, micro, dtype, device, seed, workspace),
                beta=beta,
                # With dropout on, the policy would differ from its reference before it has learnt anything.
                disable_dropout=True,
                max_length=None,
            ),
            train_dataset=_conversations(rows, prompt, tokenizer),
            processing_class=tokenizer,
            callbacks=[StepProgress({"loss": "loss", "rewards/accuracies": "preferred"})],
        )
    trainer.remove_callback(PrinterCallback)
    with dense_lora(model):
        history = checkpoints.train(trainer, workspace, [TokensSeen(trainer)])
    report = {
        "examples": len(rows),
        "tokens": sum(lengths),
        "steps": trainer.state.global_step,
        "processes": distributed.processes(),
        "micro_batch_size": micro,
        "mean_loss": float(np.mean([row["loss"] for row in history])),
        **proof.check(),
    }
    return report, history


def _conversations(rows: Sequence[Row], prompt: str, tokenizer: PreTrainedTokenizerBase) -> Dataset:
    """Rows as trl's DPO takes them; only what holds a control token is sanitised, as in SFT."""
    found = []
    for row in rows:
        text = fill(prompt, source=row["source"])
        how = TOKENIZED | {"sanitize_control_tokens": holds_control(tokenizer, text, *(row[side] for side in SIDES))}
        turns = {"prompt": user_turn(text)} | {side: assistant_turn(row[side]) for side in SIDES}
        found.append({**turns, "chat_template_kwargs": how})
    return Dataset.from_list(found)
