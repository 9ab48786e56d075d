"""Log-likelihood of a text that follows another: a choice after its prompt, a whole text after nothing.

A text begins with the token with which the model begins every text (`chat_template.start_ids`), without which some
models are confused. Where prompt and continuation are one text, the boundary is taken from their joint tokens: each
token that ends beyond the prompt is the continuation's, so that none is made that the model would not read.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from semalign.policy.chat_template import start_ids
from semalign.policy.likelihood import batches, hidden_states
from semalign.policy.models import logits
from semalign.resume.journal import Journal
from semalign.runtime.clock import model_work
from semalign.runtime.progress import Progress
from semalign.runtime.workspace import Workspace
from semalign.text.prompts import prompt_ids

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Continuation:
    """Tokens of a text, the place of the first that is to be scored, and whether tokens were cut off to fit."""

    ids: list[int]
    first: int
    cut: bool = False

    @property
    def tokens(self) -> int:
        """How many are scored; the first token of all has no prediction."""
        return len(self.ids) - max(1, self.first)


def of_text(tokenizer: PreTrainedTokenizerBase, prompt: str, continuation: str, max_tokens: int) -> Continuation:
    """A continuation of plain text. What does not fit is taken from the prompt's beginning, the start token kept.

    What looks like a control token in a text is text.
    """
    given: Any = {"add_special_tokens": False, "split_special_tokens": True, "return_offsets_mapping": True}
    found = tokenizer(prompt + continuation, **given)
    ends = [end for _, end in found["offset_mapping"]]
    first = next((place for place, end in enumerate(ends) if end > len(prompt)), len(ends))
    return _fitted(start_ids(tokenizer), found["input_ids"], first, max_tokens)


def of_answer(tokenizer: PreTrainedTokenizerBase, prompt: str, continuation: str, max_tokens: int) -> Continuation:
    """A continuation as the assistant's answer to the user's turn `prompt`, by the chat template."""
    (asked,) = prompt_ids(tokenizer, [prompt])
    given: Any = {"add_special_tokens": False, "split_special_tokens": True}
    ids = tokenizer(continuation, **given)["input_ids"]
    return _fitted([], asked + ids, len(asked), max_tokens)


def whole_text(tokenizer: PreTrainedTokenizerBase, text: str, max_tokens: int) -> tuple[Continuation, int]:
    """A text after nothing but the start token, cut at `max_tokens`, and the bytes in UTF-8 of what was kept."""
    given: Any = {"add_special_tokens": False, "split_special_tokens": True, "return_offsets_mapping": True}
    found, start = tokenizer(text, **given), start_ids(tokenizer)
    kept = max_tokens - len(start)
    cut = len(found["input_ids"]) > kept
    end = found["offset_mapping"][kept - 1][1] if cut else len(text)
    return Continuation(start + found["input_ids"][:kept], len(start), cut), len(text[:end].encode())


def _fitted(start: list[int], ids: list[int], first: int, max_tokens: int) -> Continuation:
    over = len(start) + len(ids) - max_tokens
    if over <= 0:
        return Continuation(start + ids, len(start) + first)
    return Continuation(start + ids[over:], len(start) + max(0, first - over), cut=True)


@torch.inference_mode()
def loglikelihoods(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    sequences: Sequence[Continuation],
    *,
    batch_size: int,
    chunk_tokens: int,
    workspace: Workspace,
    name: str,
) -> list[float]:
    """The sum of log p, in nats, of each continuation's own tokens, in the order of `sequences`.

    Batches hold sequences of like length, longest first (ties by position). Each is written down in the workspace under
    `name`; those that an earlier run left are not made again. A sequence of fewer than two tokens has 0.
    """
    model.eval()
    journal = Journal(workspace.folder / f"{name}.jsonl")
    found: dict[int, float] = {row["index"]: row["sum"] for row in journal.rows}
    if found:
        log.info("%s: %d of %d sequences are there already", name, len(found), len(sequences))
    progress = Progress(f"{name}: sequence", len(sequences), len(found))
    for batch in batches([one.ids for one in sequences], batch_size, tokenizer.pad_token_id or 0):
        if found.keys() >= set(batch.places):
            continue
        workspace.check()
        with model_work():
            states = hidden_states(model, batch)
            targets = batch.ids[:, 1:][batch.mask[:, 1:].bool()].to(states.device)
            scored: list[int] = []
            owners: list[int] = []
            start = 0
            for place in batch.places:
                one = sequences[place]
                end = start + len(one.ids) - 1
                scored += range(end - one.tokens, end)
                owners += [place] * one.tokens
                start = end
            values = _log_probabilities(model, states[scored], targets[scored], chunk_tokens)
        sums = dict.fromkeys(batch.places, 0.0)
        for place, value in zip(owners, values, strict=True):
            sums[place] += value
        found |= sums
        journal.append({"index": place, "sum": value} for place, value in sums.items())
        progress.update(len(found))
    return [found.get(place, 0.0) for place in range(len(sequences))]


def _log_probabilities(model: Any, states: torch.Tensor, targets: torch.Tensor, chunk_tokens: int) -> list[float]:
    """log p of each target, softmax in float64, so many tokens at once."""
    found: list[float] = []
    for begin in range(0, len(targets), chunk_tokens):
        chunk = slice(begin, begin + chunk_tokens)
        log_p = torch.log_softmax(logits(model, states[chunk]).double(), dim=-1)
        found += log_p.gather(-1, targets[chunk].unsqueeze(-1)).squeeze(-1).tolist()
    return found
