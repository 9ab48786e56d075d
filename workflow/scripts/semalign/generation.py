"""Batched greedy generation."""

import logging
from dataclasses import asdict, dataclass
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedTokenizerBase

from semalign.clock import model_work
from semalign.files import Journal
from semalign.progress import Progress
from semalign.prompts import prompt_text
from semalign.workspace import Workspace

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Completion:
    """One answer: its text, its length in tokens without the end token, and whether the limit cut it off."""

    text: str
    tokens: int
    truncated: bool


def greedy(model: Any, tokenizer: PreTrainedTokenizerBase, max_new_tokens: int) -> GenerationConfig:
    """Greedy decoding, whatever sampling defaults the model's own folder brings."""
    ends = model.generation_config.eos_token_id
    ends = [] if ends is None else [ends] if isinstance(ends, int) else list(ends)
    return GenerationConfig(
        do_sample=False,
        max_new_tokens=max_new_tokens,
        eos_token_id=sorted({*ends, tokenizer.eos_token_id}),
        pad_token_id=tokenizer.pad_token_id,
    )


def prompt_ids(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    """The tokens of each user turn as the policy is asked it, chat template included."""
    ids: list[list[int]] = tokenizer([prompt_text(tokenizer, text) for text in texts], add_special_tokens=False)[
        "input_ids"
    ]
    return ids


def _read(answer: list[int], tokenizer: PreTrainedTokenizerBase, ends: set[int]) -> Completion:
    length = next((i for i, token in enumerate(answer) if token in ends), None)
    text = str(tokenizer.decode(answer[:length], skip_special_tokens=True))
    return Completion(text, len(answer) if length is None else length, truncated=length is None)


@torch.inference_mode()
def answer_batch(
    model: Any, tokenizer: PreTrainedTokenizerBase, ids: list[list[int]], max_new_tokens: int
) -> list[Completion]:
    """Answer prompts, given as their tokens, greedily and all at once; the model is in evaluation mode."""
    decoding = greedy(model, tokenizer, max_new_tokens)
    padded = tokenizer.pad({"input_ids": ids}, padding_side="left", return_tensors="pt")
    with model_work():
        output = model.generate(**padded.to(model.device), generation_config=decoding)
    answers = output[:, padded["input_ids"].shape[1] :].tolist()
    return [_read(answer, tokenizer, set(decoding.eos_token_id)) for answer in answers]


def generate(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    texts: list[str],
    *,
    max_new_tokens: int,
    batch_size: int,
    workspace: Workspace,
    name: str,
) -> list[Completion]:
    """Answer each user turn greedily with a policy, adapted or not; results in the order of `texts`.

    Each batch is written down in the workspace under `name`; those that an earlier run left are not made again.

    Batches hold prompts of like length, longest first (ties by position), so their composition is a function of the
    texts and `batch_size` alone.
    """
    model.eval()
    ids = prompt_ids(tokenizer, texts)
    order = sorted(range(len(ids)), key=lambda i: (-len(ids[i]), i))
    journal = Journal(workspace.folder / f"{name}.jsonl")
    completions = {row["index"]: Completion(row["text"], row["tokens"], row["truncated"]) for row in journal.rows}
    if completions:
        log.info("%s: %d of %d answers are there already", name, len(completions), len(texts))
    tokens = 0
    progress = Progress(f"{name}: answer", len(texts), len(completions), tokens)
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        if completions.keys() >= set(batch):
            continue
        workspace.check()
        answers = answer_batch(model, tokenizer, [ids[i] for i in batch], max_new_tokens)
        completions |= dict(zip(batch, answers, strict=True))
        tokens += sum(answer.tokens for answer in answers)
        journal.append({"index": i, **asdict(completions[i])} for i in batch)
        progress.update(len(completions), tokens)
    return [completions[i] for i in range(len(texts))]
