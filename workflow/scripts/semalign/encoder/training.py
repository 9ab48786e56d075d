"""Contrastive training of sentence encoders on parallel pairs.

A sentence encoder made here is a transformer, the mean of its last layer over the tokens, and a scaling to length 1, so
that the cosine of two texts is a dot product. A pretrained one has the modules that its folder names.
"""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.sentence_transformer.modules import Normalize
from transformers import (
    AutoModel,
    BertConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    PrinterCallback,
    XLMRobertaConfig,
    set_seed,
)

from semalign.config.models import Encoder, EncoderShape
from semalign.encoder.model import described, prompt_of, read_encoder, truncation_rate, with_mean
from semalign.model_files.encoder_modules import MODULES
from semalign.resume import checkpoints
from semalign.runtime.device import checked_device
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.runtime.step_progress import StepProgress
from semalign.runtime.workspace import Workspace
from semalign.text.tokenizer import build_encoder_tokenizer

log = logging.getLogger(__name__)

COLUMNS = ("anchor", "positive", "negative")
LOGGED_POINTS = 50


class _Trainer(SentenceTransformerTrainer):
    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """No model card: it would tokenise and re-read the training data to describe them."""


def train_encoder(
    settings: Encoder,
    rows: Sequence[Row],
    output: Path,
    workspace: Workspace,
    device: str = "cpu",
) -> dict[str, Any]:
    """Tune a sentence encoder so that translations are near one another, and save it in the folder `output`.

    `rows` have the columns anchor, positive and, all or none of them, negative. The loss is InfoNCE over in-batch
    negatives, with the hard negatives among the candidates, averaged over both directions (symmetric); no batch holds
    a text twice.
    float32 throughout; on one machine and number of threads the same settings and rows give the same weights on a
    CPU.

    Without epochs nothing is tuned: the encoder is saved with its random weights, or as it was pretrained.
    Resumes from the workspace's last checkpoint. `output` is not written atomically.

    Returns a report: rows, hard_negatives (whether they have negatives), texts (distinct), truncated (share of these
    texts cut), modules, added (those missing from a pretrained encoder's folder), max_tokens (where a text is
    cut), prompt (what stands before each text), parameters, tuned (whether there were epochs), steps, loss ([{step,
    loss}]: mean over the steps since the entry before).
    Raises InputError where a row lacks a column, there is no such device, or the pretrained encoder cannot be used.
    """
    columns = _columns(rows)
    texts = sorted({text for values in columns.values() for text in values})
    set_seed(settings.seed)
    encoder, added = pretrained(settings.path, settings.max_tokens) if settings.path else (_random(settings, texts), [])
    encoder.to(checked_device(device))
    tuned = settings.epochs > 0
    steps, history = _tune(settings, encoder, columns, workspace, device) if tuned else (0, [])
    encoder.save_pretrained(str(output), create_model_card=False)
    return {
        "rows": len(rows),
        "hard_negatives": "negative" in columns,
        "texts": len(texts),
        "truncated": truncation_rate(encoder, texts),
        "modules": described(encoder),
        "added": added,
        "max_tokens": encoder.max_seq_length,
        "prompt": prompt_of(encoder),
        "parameters": sum(p.numel() for p in encoder.parameters()),
        "tuned": tuned,
        "steps": steps,
        "loss": [{"step": e["step"], "loss": e["loss"]} for e in history if "loss" in e],
    }


def _tune(
    settings: Encoder, encoder: SentenceTransformer, columns: dict[str, list[str]], workspace: Workspace, device: str
) -> tuple[int, list[dict[str, Any]]]:
    """Train the encoder in place; returns its steps and what was logged along them."""
    arguments = _arguments(settings, len(columns["anchor"]), device, workspace.folder)
    arguments.prompts = prompt_of(encoder) or None
    trainer = _Trainer(
        model=encoder,
        args=arguments,
        train_dataset=Dataset.from_dict(columns),
        loss=_loss(settings, encoder, distributed=arguments.world_size > 1),
        callbacks=[StepProgress({"loss": "loss"})],
    )
    trainer.remove_callback(PrinterCallback)
    history = checkpoints.train(trainer, workspace)
    return trainer.state.global_step, history


def _columns(rows: Sequence[Row]) -> dict[str, list[str]]:
    if len(rows) < 2:
        raise InputError(
            f"encoders: {len(rows)} training rows; in-batch negatives need at least 2: see encoders.*.train"
        )
    names = COLUMNS if any("negative" in row for row in rows) else COLUMNS[:2]
    for number, row in enumerate(rows, start=1):
        for name in names:
            if not isinstance(row.get(name), str):
                raise InputError(
                    f"encoders: training row {number} has no text in {name!r}; every row needs anchor and positive, "
                    "and either all rows or none have a negative: map the columns in encoders.*.train"
                )
    return {name: [row[name] for row in rows] for name in names}


def _random(settings: Encoder, texts: list[str]) -> SentenceTransformer:
    # the config model demands both where there is no path
    assert settings.shape is not None
    assert settings.tokenizer is not None
    tokenizer = build_encoder_tokenizer(settings.tokenizer, texts, settings.max_tokens)
    config = shape_config(settings.shape, tokenizer, settings.max_tokens)
    with tempfile.TemporaryDirectory() as folder:  # Transformer reads only from a folder
        AutoModel.from_config(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        options = {"use_safetensors": True, "dtype": torch.float32}
        encoder = with_mean(folder, options, max_seq_length=settings.max_tokens)
    encoder.append(Normalize())
    return encoder


def shape_config(shape: EncoderShape, tokenizer: PreTrainedTokenizerFast, max_tokens: int) -> PreTrainedConfig:
    common: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "initializer_range": shape.initializer_range,
        "pad_token_id": tokenizer.pad_token_id,
        "type_vocab_size": 1,
        "hidden_dropout_prob": shape.dropout,
        "attention_probs_dropout_prob": shape.dropout,
    }
    if shape.architecture == "bert":
        return BertConfig(max_position_embeddings=max_tokens, **common)
    # XLM-R counts positions from the padding id on
    return XLMRobertaConfig(max_position_embeddings=max_tokens + tokenizer.pad_token_id + 1, **common)


def pretrained(folder: Path, max_tokens: int) -> tuple[SentenceTransformer, list[str]]:
    """The encoder of a folder as the folder says, and which modules were added: the mean where there is no
    pooling, the scaling to length 1 where it does not end with one.

    Texts are cut at `max_tokens`, or earlier where the folder says so. Raises InputError where it cannot be used.
    """
    encoder = read_encoder(folder)
    limit = _position_limit(encoder[0].auto_model)
    if limit is not None and max_tokens > limit:
        raise InputError(f"encoders.*.max_tokens: {max_tokens} is more than the {limit} positions of {folder}")
    encoder.max_seq_length = min(max_tokens, encoder.max_seq_length or max_tokens)
    added = [] if (folder / MODULES).is_file() else ["mean"]
    if not isinstance(encoder[-1], Normalize):
        encoder.append(Normalize())
        added.append("Normalize")
    log.info("%s: %s; added: %s", folder, ", ".join(described(encoder)), ", ".join(added) or "nothing")
    log.info("cut at %d tokens; before each text: %r", encoder.max_seq_length, prompt_of(encoder))
    unused = sorted(name for name, text in encoder.prompts.items() if text and name != encoder.default_prompt_name)
    if unused:
        log.info("prompts that are not the default, and not used: %s", ", ".join(unused))
    return encoder, added


def _position_limit(model: Any) -> int | None:
    """How many tokens a transformer can read; None where nothing limits them."""
    limit = getattr(model.config, "max_position_embeddings", None)
    for module in model.modules():
        table = getattr(module, "position_embeddings", None)
        if isinstance(table, torch.nn.Embedding):
            # RoBERTa and its like count positions from the padding id on
            offset = module.padding_idx + 1 if isinstance(getattr(module, "padding_idx", None), int) else 0
            limit = table.num_embeddings - offset
    return limit if limit and limit > 0 else None


def _loss(settings: Encoder, encoder: SentenceTransformer, distributed: bool) -> torch.nn.Module:
    common: dict[str, Any] = {
        "scale": settings.scale,
        "gather_across_devices": distributed,
        "directions": ("query_to_doc", "doc_to_query"),
        "partition_mode": "per_direction",
    }
    if settings.mini_batch_size >= settings.batch_size:  # the same loss in one pass instead of the cached form's two
        return MultipleNegativesRankingLoss(encoder, **common)
    return CachedMultipleNegativesRankingLoss(encoder, mini_batch_size=settings.mini_batch_size, **common)


def _arguments(settings: Encoder, rows: int, device: str, folder: Path) -> SentenceTransformerTrainingArguments:
    steps = max(1, round(settings.epochs * rows / settings.batch_size))
    return SentenceTransformerTrainingArguments(
        output_dir=str(folder / "checkpoints"),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        warmup_steps=settings.warmup_ratio,
        lr_scheduler_type="linear",
        batch_sampler=BatchSamplers.NO_DUPLICATES,
        seed=settings.seed,
        fp16=False,
        bf16=False,
        use_cpu=device == "cpu",
        dataloader_pin_memory=device != "cpu",
        logging_steps=max(1, steps // LOGGED_POINTS),
        logging_nan_inf_filter=False,  # `Divergence` looks at what is logged
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
