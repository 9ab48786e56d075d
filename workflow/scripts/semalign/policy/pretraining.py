"""Trains a small policy from scratch, so that the whole workflow runs without a download."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Qwen3Config,
    Qwen3ForCausalLM,
    TrainingArguments,
    set_seed,
)

from semalign.config.models import Pretraining, Shape
from semalign.policy.chat_template import start_ids
from semalign.resume import checkpoints
from semalign.resume.parts import OrderByLength
from semalign.resume.private_parts import OrderedTrainer
from semalign.runtime.device import checked_device
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.runtime.step_progress import StepProgress
from semalign.runtime.workspace import Workspace
from semalign.text.prompts import conversation_ids, prompt_ids
from semalign.text.tokenizer import unknown_id

log = logging.getLogger(__name__)

Encoded = dict[str, list[int]]

IGNORED = -100
_LOSS_POINTS = 50


def encoded(tokenizer: Any, documents: Sequence[Row], max_tokens: int) -> tuple[list[Encoded], int]:
    """Tokens and labels of each document, cut at max_tokens, and how many were cut.

    Of {"prompt", "completion"} the chat turn is given and the answer learnt; of {"text"} all is learnt, from the
    tokenizer's `<bos>`, where it writes one, to its end token. Raises InputError where a conversation does not begin
    with its prompt.
    """
    turns = [document for document in documents if "text" not in document]
    asked = [document["prompt"] for document in turns]
    whole = conversation_ids(tokenizer, asked, [document["completion"] for document in turns])
    conversations = iter(zip(prompt_ids(tokenizer, asked), whole, strict=True))
    texts = [document["text"] for document in documents if "text" in document]
    raw = iter(tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"] if texts else [])
    start, end = start_ids(tokenizer), tokenizer.eos_token_id
    rows, cut = [], 0
    for document in documents:
        given, ids = (start, [*start, *next(raw), end]) if "text" in document else next(conversations)
        if ids[: len(given)] != given:
            raise InputError(
                f"the prompt {document['prompt'][:60]!r} has other tokens once {document['completion'][:9]!r} follows; "
                "take the white space from the beginning of that answer"
            )
        cut += len(ids) > max_tokens
        labels = [IGNORED] * len(given) + ids[len(given) :]
        rows.append({"input_ids": ids[:max_tokens], "labels": labels[:max_tokens]})
    return rows, cut


def new_policy(shape: Shape, tokenizer: PreTrainedTokenizerFast, max_tokens: int) -> Qwen3ForCausalLM:
    """A Qwen3 of the given shape with random weights; embeddings are tied."""
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=shape.hidden_size,
            intermediate_size=shape.intermediate_size,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.heads,
            head_dim=shape.hidden_size // shape.heads,
            max_position_embeddings=max(2048, 2 * max_tokens),
            initializer_range=shape.initializer_range,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=False
    )
    return model


def _collate(rows: list[Encoded], pad: int) -> dict[str, torch.Tensor]:
    """One document a row, padded on the right; packing would keep a small model from learning to copy."""
    longest = max(len(row["input_ids"]) for row in rows)

    def padded(name: str, filler: int) -> torch.Tensor:
        return torch.tensor([row[name] + [filler] * (longest - len(row[name])) for row in rows])

    ids = padded("input_ids", pad)
    mask = torch.tensor([[1] * len(row["input_ids"]) + [0] * (longest - len(row["input_ids"])) for row in rows])
    return {"input_ids": ids, "attention_mask": mask, "labels": padded("labels", IGNORED)}


def _arguments(settings: Pretraining, device: str, folder: Path) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder / "checkpoints"),
        max_steps=settings.steps,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup_ratio,  # below 1: a share of the run
        lr_scheduler_type="linear",
        seed=settings.seed,
        data_seed=settings.seed,
        use_cpu=device == "cpu",
        bf16=False,
        dataloader_pin_memory=device != "cpu",
        dataloader_drop_last=True,
        logging_steps=max(1, settings.steps // _LOSS_POINTS),
        logging_nan_inf_filter=False,  # `Divergence` looks at what is logged
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


def train_base(
    settings: Pretraining,
    documents: Sequence[Row],
    tokenizer: PreTrainedTokenizerFast,
    output: Path,
    workspace: Workspace,
    device: str = "cpu",
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Train a policy of `settings.shape` on the documents and save it, its tokenizer and its generation config.

    A document is {"text"} or {"prompt", "completion"}, one a row; those over max_tokens are cut at the end, and
    dropped where that leaves nothing of the answer. Resumes from the workspace's last checkpoint. The result depends on
    the settings, the documents and the number of threads alone.

    Returns the report (counts of parameters, documents, cut and dropped documents, tokens and unknown tokens, final
    loss) and the trainer's log, a row a point. Raises InputError on too few documents or without such a device.
    """
    checked_device(device)
    set_seed(settings.seed)
    learnt, cut = encoded(tokenizer, documents, settings.max_tokens)
    rows = [row for row in learnt if any(label != IGNORED for label in row["labels"])]
    if len(rows) < settings.batch_size:
        raise InputError(
            f"policy.pretraining.corpus: {len(rows)} documents do not fill a batch of {settings.batch_size}; "
            "give more text or a smaller policy.pretraining.batch_size"
        )
    model = new_policy(settings.shape, tokenizer, settings.max_tokens)
    seen = 0

    def collate(batch: list[Encoded]) -> dict[str, torch.Tensor]:
        nonlocal seen
        seen += sum(len(row["input_ids"]) for row in batch)
        return _collate(batch, tokenizer.pad_token_id)

    trainer = OrderedTrainer(
        model=model,
        args=_arguments(settings, device, workspace.folder),
        train_dataset=rows,
        data_collator=collate,
        processing_class=tokenizer,
        callbacks=[StepProgress({"loss": "loss"}, lambda: seen)],
    )
    trainer.remove_callback(PrinterCallback)
    # short rows beside short ones: little padding
    trainer.sampler = OrderByLength(settings.batch_size, lengths=[len(row["input_ids"]) for row in rows])
    log_rows = checkpoints.train(trainer, workspace, [trainer.sampler])
    model.save_pretrained(output, safe_serialization=True)
    tokenizer.save_pretrained(output)
    unknown = unknown_id(tokenizer)
    history = [entry for entry in log_rows if "loss" in entry]
    report = {
        "parameters": model.num_parameters(),
        "documents": len(rows),
        "cut_documents": cut,
        "dropped_documents": len(learnt) - len(rows),
        "tokens": sum(len(row["input_ids"]) for row in rows),
        "unknown_tokens": 0 if unknown is None else sum(row["input_ids"].count(unknown) for row in rows),
        "final_loss": history[-1]["loss"],
    }
    return report, history
