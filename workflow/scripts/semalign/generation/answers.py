"""Batched generation: greedy answers, or several that are sampled."""

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from peft import PeftModel
from transformers import GenerationConfig, PreTrainedTokenizerBase, StoppingCriteriaList

from semalign.policy.models import merged_adapter
from semalign.policy.stops import StopsAt, ended
from semalign.resume.journal import Journal
from semalign.runtime.clock import model_work
from semalign.runtime.progress import Progress
from semalign.runtime.workspace import Workspace
from semalign.text.prompts import prompt_ids

log = logging.getLogger(__name__)

BATCHES_A_SEED = 1_000_003  # more than a run has prompts, and a prime: no two batches of two seeds draw alike


@dataclass(frozen=True)
class Completion:
    """One answer: its text, its length in tokens without the end token, and whether the limit cut it off.

    Where a stop string ended it, the text stands before that, and the tokens are those that were made until it was
    complete.
    """

    text: str
    tokens: int
    truncated: bool


class Asked(NamedTuple):
    """A test set: its user turns, the most new tokens of an answer, and the texts before which one ends."""

    texts: list[str]
    max_new_tokens: int
    stops: Sequence[str] = ()


@dataclass(frozen=True)
class Sampling:
    """How several answers are drawn to each prompt; every batch has a seed of its own, made from `seed`."""

    samples: int
    temperature: float
    top_p: float
    seed: int


def greedy(model: Any, tokenizer: PreTrainedTokenizerBase, max_new_tokens: int) -> GenerationConfig:
    """Greedy decoding of a model that `load_policy` has loaded."""
    return GenerationConfig(
        do_sample=False,
        max_new_tokens=max_new_tokens,
        eos_token_id=model.generation_config.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def read_answer(
    answer: list[int], tokenizer: PreTrainedTokenizerBase, ends: set[int], stops: Sequence[str] = ()
) -> Completion:
    """An answer from its tokens, with its end token and padding or without."""
    length = next((i for i, token in enumerate(answer) if token in ends), None)
    if stopped := ended(tokenizer, answer[:length], stops):
        return Completion(*stopped, truncated=False)
    text = str(tokenizer.decode(answer[:length], skip_special_tokens=True))
    return Completion(text, len(answer) if length is None else length, truncated=length is None)


def answer_batch(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    ids: list[list[int]],
    max_new_tokens: int,
    stops: Sequence[str] = (),
) -> list[Completion]:
    """Answer prompts, given as their tokens, greedily and all at once; the model is in evaluation mode."""
    return _decoded(model, tokenizer, ids, greedy(model, tokenizer, max_new_tokens), stops)


@torch.inference_mode()
def _decoded(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    ids: list[list[int]],
    decoding: GenerationConfig,
    stops: Sequence[str] = (),
) -> list[Completion]:
    """The answers to each prompt side by side, as many as `decoding` asks for."""
    padded = tokenizer.pad({"input_ids": ids}, padding_side="left", return_tensors="pt")
    start = padded["input_ids"].shape[1]
    criteria: Any = {"stopping_criteria": StoppingCriteriaList([StopsAt(tokenizer, stops, start)])} if stops else {}
    merged = merged_adapter(model) if isinstance(model, PeftModel) else nullcontext()  # fewer operations a token
    with model_work(), merged:
        output = model.generate(**padded.to(model.device), generation_config=decoding, **criteria)
    answers = output[:, start:].tolist()
    return [read_answer(answer, tokenizer, set(decoding.eos_token_id), stops) for answer in answers]


def generate(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    texts: list[str],
    *,
    max_new_tokens: int,
    batch_size: int,
    workspace: Workspace,
    name: str,
    stops: Sequence[str] = (),
) -> list[Completion]:
    """Answer each user turn greedily with a policy, adapted or not; results in the order of `texts`.

    An answer ends before the first of the `stops`, too.

    Each batch is written down in the workspace under `name`; those that an earlier run left are not made again.

    Batches hold prompts of like length, longest first (ties by position), so their composition is a function of the
    texts and `batch_size` alone.
    """

    def answer(ids: list[list[int]], start: int) -> list[list[Completion]]:
        return [[answer] for answer in answer_batch(model, tokenizer, ids, max_new_tokens, stops)]

    return [one for (one,) in _in_batches(model, tokenizer, texts, answer, 1, batch_size, workspace, name)]


def sample(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    texts: list[str],
    sampling: Sampling,
    *,
    max_new_tokens: int,
    batch_size: int,
    workspace: Workspace,
    name: str,
    stops: Sequence[str] = (),
) -> list[list[Completion]]:
    """So many answers to each user turn, in the order of `texts`; `batch_size` counts answers. Otherwise as `generate`.

    A run that was killed ends with the answers that it would have had.
    """
    greedily = greedy(model, tokenizer, max_new_tokens).to_diff_dict()
    how = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
    decoding = GenerationConfig(**greedily | how | {"do_sample": True, "num_return_sequences": sampling.samples})

    def answer(ids: list[list[int]], start: int) -> list[list[Completion]]:
        torch.manual_seed(sampling.seed * BATCHES_A_SEED + start)
        answers = _decoded(model, tokenizer, ids, decoding, stops)
        return [answers[i : i + sampling.samples] for i in range(0, len(answers), sampling.samples)]

    prompts = max(1, batch_size // sampling.samples)
    return _in_batches(model, tokenizer, texts, answer, sampling.samples, prompts, workspace, name)


def _in_batches(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    texts: list[str],
    answer: Callable[[list[list[int]], int], list[list[Completion]]],
    each: int,
    prompts: int,
    workspace: Workspace,
    name: str,
) -> list[list[Completion]]:
    """What `answer` gives to each text, `each` of them, so many prompts at a time: called with their tokens and the
    first one's place in the order of their lengths."""
    model.eval()
    ids = prompt_ids(tokenizer, texts)
    order = sorted(range(len(ids)), key=lambda i: (-len(ids[i]), i))
    journal = Journal(workspace.folder / f"{name}.jsonl")
    found: dict[int, list[Completion]] = {}
    for row in journal.rows:
        found.setdefault(row["index"], []).append(Completion(row["text"], row["tokens"], row["truncated"]))
    found = {index: answers[-each:] for index, answers in found.items() if len(answers) >= each}
    if found:
        log.info("%s: %d of %d answers are there already", name, len(found) * each, len(texts) * each)
    tokens = 0
    progress = Progress(f"{name}: answer", len(texts) * each, len(found) * each, tokens)
    for start in range(0, len(order), prompts):
        batch = order[start : start + prompts]
        if found.keys() >= set(batch):
            continue
        workspace.check()
        answers = answer([ids[i] for i in batch], start)
        found |= dict(zip(batch, answers, strict=True))
        tokens += sum(one.tokens for own in answers for one in own)
        journal.append({"index": i, **asdict(one)} for i in batch for one in found[i])
        progress.update(len(found) * each, tokens)
    return [found[i] for i in range(len(texts))]
