"""Forgetting, mechanically: token NLL of a model, and token KL of the adapted model to its base (paper: Table 6).

Both come from the full vocabulary. The transformer runs once with the adapter and once without; its hidden states then
pass the LM head a chunk of tokens at a time, so memory does not grow with vocabulary × length.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from semalign.policy.chat_template import start_ids
from semalign.policy.models import logits
from semalign.runtime.clock import model_work
from semalign.runtime.progress import Progress

log = logging.getLogger(__name__)

Arrays = dict[str, np.ndarray]


def nll_and_kl(adapted: torch.Tensor, base: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(−log p_adapted(target), KL(adapted ‖ base)) of each token in nats, (T,) float64, from logits (T, V) and (T,).

    The softmax is taken in float64: float32 loses the KL of nearly equal distributions, about 1e-8, among rounding
    errors of the log-probabilities, about 1e-6. A token impossible under both models adds nothing.
    """
    log_p, log_q = torch.log_softmax(adapted.double(), dim=-1), torch.log_softmax(base.double(), dim=-1)
    nll = -log_p.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    p = log_p.exp()
    kl = torch.where(p > 0, p * (log_p - log_q), 0.0).sum(dim=-1)
    return nll, kl


@dataclass(frozen=True)
class Batch:
    """Passages of like length and at least two tokens, padded on the right; each one's place among the texts."""

    places: list[int]
    ids: torch.Tensor
    mask: torch.Tensor


def batches(ids: list[list[int]], batch_size: int, pad: int) -> Iterator[Batch]:
    order = sorted((i for i in range(len(ids)) if len(ids[i]) > 1), key=lambda i: (-len(ids[i]), i))
    for start in range(0, len(order), batch_size):
        places = order[start : start + batch_size]
        length = len(ids[places[0]])
        rows = [ids[i] + [pad] * (length - len(ids[i])) for i in places]
        mask = [[1] * len(ids[i]) + [0] * (length - len(ids[i])) for i in places]
        yield Batch(places, torch.tensor(rows), torch.tensor(mask))


def _without_adapter(model: Any) -> AbstractContextManager[Any]:
    return model.disable_adapter() if hasattr(model, "disable_adapter") else nullcontext()


def hidden_states(model: Any, batch: Batch) -> torch.Tensor:
    """States (tokens, hidden) that predict the second and later tokens of each passage, passages one after another."""
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    # a prefix that names no part, as Llama 4's, makes base_model the whole
    backbone = causal.model if causal.base_model is causal else causal.base_model
    output = backbone(input_ids=batch.ids.to(model.device), attention_mask=batch.mask.to(model.device), use_cache=False)
    return output.last_hidden_state[:, :-1][batch.mask[:, 1:].bool().to(model.device)]


def beginning(tokenizer: PreTrainedTokenizerBase) -> str:
    """With what a passage begins, for the signature: `<bos>` in the tokenizer's own spelling, or `none`."""
    return str(tokenizer.decode(start_ids(tokenizer))) or "none"


def _encoded(tokenizer: PreTrainedTokenizerBase, texts: list[str], max_tokens: int) -> tuple[list[list[int]], int]:
    """Tokens of each text as the tokenizer begins raw text, cut at `max_tokens`, and how many were cut.

    No end token follows, and what looks like a control token in a text is text.
    """
    start = start_ids(tokenizer)
    ids = tokenizer(texts, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    whole = [start + row for row in ids]
    return [row[:max_tokens] for row in whole], sum(len(row) > max_tokens for row in whole)


@torch.inference_mode()
def token_statistics(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    texts: list[str],
    *,
    max_tokens: int,
    batch_size: int,
    chunk_tokens: int,
    reference: Any = None,
) -> tuple[Arrays, int]:
    """Arrays over the tokens of all texts, in their order, and how many texts were cut to `max_tokens`.

    `nll` and `kl` are float32 in nats, `passage` int32 tells each token's text. A text begins as the tokenizer begins
    one: with `<bos>` where it writes that. The first token, `<bos>` or not, has no prediction and pads have no part; a
    text of fewer than two tokens gives none. `model` is a PeftModel, whose adapter is switched off for the base, or a
    plain model, whose KL is that to `reference`, a model of the same tokens, and 0 without one.
    """
    model.eval()
    ids, cut = _encoded(tokenizer, texts, max_tokens)
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    progress, read = Progress("passage", sum(len(row) > 1 for row in ids), tokens=0), 0
    for batch in batches(ids, batch_size, tokenizer.pad_token_id or 0):
        with model_work():
            nll, kl = _batch_statistics(model, batch, chunk_tokens, reference)
        lengths = [len(ids[i]) - 1 for i in batch.places]
        ends = np.cumsum(lengths)
        for place, end, length in zip(batch.places, ends, lengths, strict=True):
            found[place] = nll[end - length : end], kl[end - length : end]
        read += len(nll)
        progress.update(len(found), read)
    places = sorted(found)
    log.info("%d tokens of %d texts, %d texts cut", sum(len(found[i][0]) for i in places), len(texts), cut)
    return {
        "nll": np.concatenate([found[i][0] for i in places]).astype(np.float32),
        "kl": np.concatenate([found[i][1] for i in places]).astype(np.float32),
        "passage": np.concatenate([np.full(len(found[i][0]), i) for i in places]).astype(np.int32),
    }, cut


def _batch_statistics(
    model: Any, batch: Batch, chunk_tokens: int, reference: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    other = model if reference is None else reference
    adapted = hidden_states(model, batch)
    with _without_adapter(other):
        base = hidden_states(other, batch)
    targets = batch.ids[:, 1:][batch.mask[:, 1:].bool()].to(adapted.device)
    parts = []
    for start in range(0, len(targets), chunk_tokens):
        chunk = slice(start, start + chunk_tokens)
        of_adapted = logits(model, adapted[chunk])
        with _without_adapter(other):
            of_base = logits(other, base[chunk])
        parts.append(torch.stack(nll_and_kl(of_adapted, of_base, targets[chunk])).cpu().numpy())
    nll, kl = np.concatenate(parts, axis=1)
    return nll, kl


@torch.inference_mode()
def noise_floor(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    texts: list[str],
    *,
    max_tokens: int,
    batch_size: int,
    chunk_tokens: int,
) -> np.ndarray:
    """KL of the model to itself, the same texts once in batches of `batch_size` and once one by one: what padding and
    the order of sums alone do, (tokens,) float32."""
    model.eval()
    pad = tokenizer.pad_token_id or 0
    ids, _ = _encoded(tokenizer, texts, max_tokens)
    found: dict[int, np.ndarray] = {}
    progress = Progress("noise floor: passage", sum(len(row) > 1 for row in ids))
    for batch in batches(ids, batch_size, pad):
        with model_work():
            states = hidden_states(model, batch)
            lengths = [len(ids[i]) - 1 for i in batch.places]
            for place, end, length in zip(batch.places, np.cumsum(lengths), lengths, strict=True):
                alone = hidden_states(model, next(batches([ids[place]], 1, pad)))
                found[place] = _divergence(model, states[end - length : end], alone, chunk_tokens)
        progress.update(len(found))
    return np.concatenate([found[i] for i in sorted(found)]).astype(np.float32)


def _divergence(model: Any, one: torch.Tensor, other: torch.Tensor, chunk_tokens: int) -> np.ndarray:
    """KL of the distributions that two sets of states (tokens, hidden) predict."""
    parts = []
    for start in range(0, len(one), chunk_tokens):
        chunk = slice(start, start + chunk_tokens)
        any_target = torch.zeros(len(one[chunk]), dtype=torch.long, device=one.device)
        parts.append(nll_and_kl(logits(model, one[chunk]), logits(model, other[chunk]), any_target)[1])
    return torch.cat(parts).cpu().numpy()


def summary(values: np.ndarray) -> dict[str, float]:
    """Mean, median, and the 10th and 90th percentiles (linear interpolation)."""
    p10, median, p90 = np.percentile(values.astype(np.float64), [10, 50, 90])
    return {
        "mean": float(values.mean(dtype=np.float64)),
        "median": float(median),
        "p10": float(p10),
        "p90": float(p90),
    }
