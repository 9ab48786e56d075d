"""Token-by-token generation on a CPU, with the tokens that transformers' own loop makes.

Small models spend more time around a decoding step than in it, so the loop does little else: a prompt that several
answers share is read once, answers that have ended leave the batch, and logits are asked for the last token alone.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from transformers import (
    DynamicCache,
    GenerationConfig,
    LogitsProcessor,
    PreTrainedModel,
    StoppingCriteriaList,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

GIVEN = {"input_ids", "attention_mask", "generation_config", "stopping_criteria"}
READ = {
    "do_sample",
    "max_new_tokens",
    "num_return_sequences",
    "temperature",
    "top_p",
    "top_k",
    "eos_token_id",
    "pad_token_id",
}
# The other settings of a GenerationConfig, and its values with which they change no token.
NEUTRAL: dict[str, tuple[Any, ...]] = {
    "repetition_penalty": (1.0,),
    "use_cache": (True,),
    "output_attentions": (False,),
    "output_hidden_states": (False,),
}
WITHOUT_EFFECT = {"bos_token_id", "disable_compile", "transformers_version", "_from_model_config"}
MOVING = {"dynamic", "longrope"}  # rotary embeddings whose angles change once a text is long: so do a token's keys
DROPPED = 8  # answers leave the batch once an eighth of it has ended, since leaving copies the cache


def decode_on_cpu(model: PreTrainedModel) -> None:
    """From now on `model.generate` decodes by the loop below what that can decode, and by transformers' all else.

    trl, peft and this project all generate through that method of the base model, adapted or not.
    """
    vars(model)["generate"] = partial(_generate, model)


def grows_plainly(model: Any) -> bool:
    """Whether the model's cache holds keys and values of tokens, which later tokens leave as they are, and nothing
    else: no state of recurrent layers."""
    config = model.config.get_text_config(decoder=True)
    rotary: dict[str, Any] = getattr(config, "rope_parameters", None) or {}  # of all layers, or by kind of layer
    types = {one.get("rope_type") for one in (rotary, *rotary.values()) if isinstance(one, dict)}
    layers = DynamicCache(config=config).layers
    plain = all(type(layer) in (DynamicLayer, DynamicSlidingWindowLayer) for layer in layers)
    return bool(layers) and plain and not types & MOVING


def distinct_rows(*tensors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of tensors of shape (rows, …), read side by side: the places of the first of equal rows, (distinct,), and for
    each row which of these it equals, (rows,)."""
    _, owner = torch.unique(torch.cat(tensors, dim=1), dim=0, return_inverse=True)
    places = torch.arange(len(owner), device=owner.device)
    first = torch.full((int(owner.max()) + 1,), len(owner), device=owner.device)
    return first.scatter_reduce_(0, owner, places, "amin"), owner


class ReservedLayer(DynamicLayer):
    """A cache layer that writes each token into room reserved for all of them, where transformers' copies them all.

    The room, of so many tokens, is made when rows are chosen: the prompts' own keys and values need none.
    """

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states, value_states
        else:
            begin = self.get_seq_length()
            end = begin + key_states.shape[-2]
            self.reserved[0][:, :, begin:end] = key_states
            self.reserved[1][:, :, begin:end] = value_states
            self.keys, self.values = (whole[:, :, :end] for whole in self.reserved)
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        length = self.get_seq_length()
        self.reserved = []
        states: Any
        for states in (self.keys, self.values):
            whole = states.new_empty((len(indices), states.shape[1], self.room, states.shape[-1]))
            whole[:, :, :length] = states[indices]
            self.reserved.append(whole)
        self.keys, self.values = (whole[:, :, :length] for whole in self.reserved)


@dataclass(frozen=True)
class Decoding:
    """What is read of a GenerationConfig. `warpers`: None where answers are greedy."""

    length: int
    copies: int
    ends: torch.Tensor
    padding: int
    warpers: list[LogitsProcessor] | None


def _generate(model: Any, *args: Any, **kwargs: Any) -> Any:
    found = None if args else _decoding(model, kwargs)
    if found is None:
        return type(model).generate(model, *args, **kwargs)
    criteria = kwargs.get("stopping_criteria") or StoppingCriteriaList()
    return _decode(model, kwargs["input_ids"], kwargs["attention_mask"], found, criteria)


def _decoding(model: Any, kwargs: dict[str, Any]) -> Decoding | None:
    """What the loop needs to know, or None where it cannot give the tokens that transformers would."""
    given, own = kwargs.get("generation_config"), model.generation_config
    parameters = inspect.signature(model.forward).parameters
    if (
        not {"input_ids", "attention_mask"} <= kwargs.keys() <= GIVEN
        or not isinstance(given, GenerationConfig)
        or not {"position_ids", "past_key_values", "logits_to_keep"} <= parameters.keys()
        or model.config.is_encoder_decoder
        or not grows_plainly(model)
    ):
        return None
    settings = own.to_diff_dict() | {name: value for name, value in given.to_diff_dict().items() if value is not None}
    others = settings.keys() - READ - WITHOUT_EFFECT
    if any(settings[name] not in (None, *NEUTRAL.get(name, ())) for name in others):
        return None
    drawn, ends = settings.get("do_sample"), settings.get("eos_token_id")
    length, padding = settings.get("max_new_tokens"), settings.get("pad_token_id")
    if not length or ends is None or padding is None or (drawn and settings.get("top_k") != 0):
        return None  # transformers' defaults are no part of this project
    temperature, top_p = settings.get("temperature"), settings.get("top_p")
    warpers: list[LogitsProcessor] = []
    if temperature not in (None, 1.0):
        warpers.append(TemperatureLogitsWarper(temperature))
    if top_p is not None and top_p < 1.0:
        warpers.append(TopPLogitsWarper(top_p))
    tokens = torch.tensor(ends, device=model.device).reshape(-1)
    return Decoding(length, settings.get("num_return_sequences") or 1, tokens, padding, warpers if drawn else None)


@torch.no_grad()
def _decode(model: Any, ids: torch.Tensor, mask: torch.Tensor, decoding: Decoding, criteria: Any) -> torch.Tensor:
    """Prompts and answers as `generate` returns them, (prompts × copies, tokens), answers padded behind their end."""
    first, owner = distinct_rows(ids, mask)
    if len(first) == len(ids):  # as they stand
        first = owner = torch.arange(len(ids), device=ids.device)
    ids, mask, owner = (one.repeat_interleave(decoding.copies, dim=0) for one in (ids, mask, owner))
    rows, prompt = ids.shape
    cache = DynamicCache(config=model.config.get_text_config(decoder=True))
    room = prompt + decoding.length
    cache.layers = [ReservedLayer(room) if type(layer) is DynamicLayer else layer for layer in cache.layers]
    step = partial(model, past_key_values=cache, use_cache=True, logits_to_keep=1)
    starts = first * decoding.copies
    positions = (mask[starts].cumsum(-1) - 1).clamp(min=0)
    logits = step(input_ids=ids[starts], attention_mask=mask[starts], position_ids=positions).logits[:, -1].float()
    if cache.get_seq_length() != prompt:
        raise RuntimeError(f"{type(model).__name__} does not keep what it has read in the cache that it is given")
    cache.batch_select_indices(owner)
    logits = logits[owner]

    made = torch.cat([ids, ids.new_full((rows, decoding.length), decoding.padding)], dim=1)
    seen = torch.cat([mask, mask.new_ones((rows, decoding.length))], dim=1)
    lengths = mask.sum(-1)
    ended = torch.zeros(rows, dtype=torch.bool, device=ids.device)
    batch = torch.arange(rows, device=ids.device)  # the answers that `cache` and `logits` hold
    choose = _chooser(decoding, rows)
    for end in range(prompt + 1, prompt + decoding.length + 1):
        tokens = choose(logits, batch).masked_fill(ended[batch], decoding.padding)
        made[batch, end - 1] = tokens
        ended[batch] |= torch.isin(tokens, decoding.ends)
        if criteria:
            ended |= criteria(made[:, :end], None)  # as transformers calls them: scores are not kept
        going = ~ended[batch]
        count = int(going.sum())
        if not count or end == prompt + decoding.length:
            return made[:, :end]
        if count <= len(batch) - max(1, len(batch) // DROPPED):
            kept = going.nonzero()[:, 0]
            cache.batch_select_indices(kept)
            batch, tokens = batch[kept], tokens[kept]
        places = (lengths[batch] + (end - 1 - prompt)).unsqueeze(1)
        output = step(input_ids=tokens.unsqueeze(1), attention_mask=seen[batch, :end], position_ids=places)
        logits = output.logits[:, -1].float()
    raise AssertionError("an answer has at least one token")


def _chooser(decoding: Decoding, rows: int) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """From logits (answers, vocabulary) and the answers' places among all `rows`, the next tokens."""
    warpers = decoding.warpers
    if warpers is None:
        return lambda logits, batch: logits.argmax(-1)

    def draw(logits: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        """As `torch.multinomial` draws from all rows, so that no answer depends on which others have ended."""
        for warper in warpers:
            logits = warper(batch, logits)  # neither reads the tokens, which are asked for
        noise = logits.new_empty((rows, logits.shape[-1])).exponential_()
        return (logits.softmax(-1) / noise[batch]).argmax(-1)

    return draw
