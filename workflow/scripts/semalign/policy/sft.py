"""Supervised fine-tuning of a LoRA adapter on prompt and completion (cold start, strong SFT)."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from peft import PeftModel
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedTokenizerBase, PrinterCallback
from trl import SFTConfig, SFTTrainer

from semalign.config.training import Sft
from semalign.policy.arguments import arguments, checkpointing
from semalign.policy.dense_lora import dense_lora
from semalign.policy.micro_batch import chosen
from semalign.policy.models import TrainingProof, logits, own_precision
from semalign.policy.pretraining import IGNORED, encoded
from semalign.resume import checkpoints
from semalign.resume.parts import TokensSeen
from semalign.runtime import distributed
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.runtime.step_progress import StepProgress
from semalign.runtime.workspace import Workspace
from semalign.text.prompts import TOKENIZED, assistant_turn, conversation_ids, fill, holds_control, user_turn

log = logging.getLogger(__name__)


def first(rows: list[Row], pairs: int | None, key: str | None) -> list[Row]:
    """The first so many rows, or all. Raises InputError naming the config key where there are fewer."""
    if pairs is not None and pairs > len(rows):
        raise InputError(f"config key {key}: {pairs} pairs are asked for, cold start and RL hold {len(rows)}")
    return rows[:pairs]


def conversations(rows: list[Row], prompt: str, tokenizer: PreTrainedTokenizerBase) -> Dataset:
    """Rows of source and target as trl's prompt-completion format: the loss is on the completion only.

    Only what holds a control token is sanitised: with the 6,250 of Gemma 3 that takes 20 ms a conversation.
    """
    found = []
    for row in rows:
        text = fill(prompt, source=row["source"])
        how = TOKENIZED | {"sanitize_control_tokens": holds_control(tokenizer, text, row["target"])}
        turns = {"prompt": user_turn(text), "completion": assistant_turn(row["target"])}
        found.append({**turns, "chat_template_kwargs": how})
    return Dataset.from_list(found)


def token_lengths(dataset: Dataset, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Length of each whole conversation in tokens, template included."""
    texts = [row["prompt"][0]["content"] for row in dataset]
    answers = [row["completion"][0]["content"] for row in dataset]
    return [len(ids) for ids in conversation_ids(tokenizer, texts, answers)]


class KlToBase(SFTTrainer):
    """trl's trainer with the KL from the policy to the base in its loss, `kl_weight` times, where a token is learnt.

    The KL is exact, over the whole vocabulary, summed over tokens and divided as the cross-entropy is.
    """

    kl_weight: float

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kl_of_passes: list[float] = []

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        policy: Any = self.accelerator.unwrap_model(model)
        backbone = policy.get_base_model().base_model
        seen: list[torch.Tensor] = []
        hook = backbone.register_forward_hook(lambda module, given, output: seen.append(output.last_hidden_state))
        try:
            loss: torch.Tensor = super().compute_loss(model, inputs, num_items_in_batch=num_items_in_batch)
        finally:
            hook.remove()
        learnt = inputs["labels"][:, 1:] != IGNORED
        given = {name: value for name, value in inputs.items() if name not in ("labels", "use_cache")}
        with torch.no_grad(), policy.disable_adapter():
            reference = backbone(**given, use_cache=False).last_hidden_state
        total = kl_sum(partial(logits, policy), seen[0][:, :-1][learnt], reference[:, :-1][learnt])
        tokens = learnt.sum() if num_items_in_batch is None else num_items_in_batch
        shared = self.accelerator.num_processes if num_items_in_batch is not None else 1  # gradients are averaged
        self.kl_of_passes.append((total.detach() / learnt.sum().clamp(min=1)).item())
        return loss + self.kl_weight * shared * total / tokens

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """With the mean KL of the passes since the last log."""
        if self.kl_of_passes:
            logs = logs | {"kl": sum(self.kl_of_passes) / len(self.kl_of_passes)}
            self.kl_of_passes.clear()
        super().log(logs, *args, **kwargs)


def kl_sum(
    head: Callable[[torch.Tensor], torch.Tensor], hidden: torch.Tensor, reference: torch.Tensor, chunk: int = 1024
) -> torch.Tensor:
    """KL(policy ‖ reference) in nats, summed over tokens, from last hidden states of shape (tokens, width), of which
    `head` makes logits.

    So many tokens at a time pass the LM head, once more for the gradient: that bounds memory.
    """

    def divergence(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
        policy, base = (head(states).float().log_softmax(-1) for states in (ours, theirs))
        return (policy.exp() * (policy - base)).sum()

    parts = zip(hidden.split(chunk), reference.split(chunk), strict=True)
    sums = [checkpoint(divergence, ours, theirs, use_reentrant=False) for ours, theirs in parts]
    return torch.stack(sums).sum() if sums else hidden.sum()


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
    replayed: Sequence[Row] = (),
    kl_weight: float = 0.0,
    steps: int | None = None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Train the model's active adapter in place (paper: SFT, Appendix A).

    Resumes from the workspace's last checkpoint. Where processes do not share out an epoch evenly, its last batch is
    filled up with examples from its first, which the report counts.

    replayed: documents {"text"}, learnt whole, or {"prompt", "completion"}, learnt among the rows; a longer one is cut,
    and counted. kl_weight: of the KL from the policy to the base, in the loss (see `KlToBase`).
    steps: updates in place of as many as `settings.epochs` make; the rate's schedule spans them.

    Returns a report and the log of every step. Raises InputError when the trainer would cut an example, and
    RuntimeError when the adapter did not move or the base did.
    """
    proof = TrainingProof(model)
    dataset = conversations(rows, prompt, tokenizer)
    lengths = token_lengths(dataset, tokenizer)
    cut = sum(length > settings.max_tokens for length in lengths)
    if cut:
        raise InputError(
            f"max_tokens = {settings.max_tokens} of this SFT would cut {cut} of {len(rows)} examples (the longest has "
            f"{max(lengths)} tokens); raise it, or lower the task's max_tokens"
        )
    documents, replayed_cut = encoded(tokenizer, replayed, settings.max_tokens)
    if documents:
        pairs = [{"prompt": fill(prompt, source=row["source"]), "completion": row["target"]} for row in rows]
        dataset = Dataset.from_list(encoded(tokenizer, pairs, settings.max_tokens)[0] + documents)
        lengths += [len(document["input_ids"]) for document in documents]
    micro = chosen(
        settings,
        model,
        max(lengths),
        dtype=dtype,
        checkpointing=checkpointing(workspace, device),
        workspace=workspace,
    )
    shared = arguments(settings, micro, dtype, device, seed, workspace)
    # nothing is left to be cut; trl takes no length where it does not pad
    how = {"padding_free": True, "max_length": None} if settings.padding_free else {"max_length": settings.max_tokens}
    with own_precision(model):
        trainer = (KlToBase if kl_weight else SFTTrainer)(
            model=model,
            args=SFTConfig(**shared, **how, max_steps=steps or -1),
            train_dataset=dataset,
            processing_class=tokenizer,
            callbacks=[StepProgress({"loss": "loss", "mean_token_accuracy": "token accuracy"})],
        )
    trainer.remove_callback(PrinterCallback)
    if isinstance(trainer, KlToBase):
        trainer.kl_weight = kl_weight
    with dense_lora(model):
        history = checkpoints.train(trainer, workspace, [TokensSeen(trainer)])
    report = {
        "examples": len(dataset),
        "tokens": sum(lengths),
        "steps": trainer.state.global_step,
        "processes": distributed.processes(),
        "micro_batch_size": micro,
        "repeated_examples_an_epoch": -len(dataset) % (micro * distributed.processes())
        if distributed.processes() > 1
        else 0,
        "mean_loss": float(np.mean([row["loss"] for row in history])),
        **proof.check(),
    }
    return report | ({"replayed": len(documents), "replayed_cut": replayed_cut} if documents else {}), history
