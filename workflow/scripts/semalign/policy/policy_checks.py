"""Can a given policy be taught, asked and measured? A table of checks, made before anything is trained on it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from semalign.config.training import Lora
from semalign.model_files.weights import check_policy_weights, check_vocabulary
from semalign.policy.chat_template import start_ids, turn_end
from semalign.policy.lora_targets import lora_targets
from semalign.policy.models import new_adapter
from semalign.policy.policy_tokenizer import end_tokens, opened, set_aside
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.text.prompts import conversation_ids, fill, prompt_ids, prompt_text

_MANY = "西藏 བོད་ཡིག ÀÉß " * 400
_TEXT = f"Ab <b>&amp;\"q\" 's' {{{{ x }}}} {{% y %}}  two spaces\n\nTwo lines. {_MANY}End"
_READ_PADDING = ("ctrl", "rwkv")  # tried with padding on the left: other logits
_ANSWERS = ("It is.", "老师看书。", "དགེ་རྒན།", "7", "(a)", '"x"', "- a")


@dataclass(frozen=True)
class Use:
    """What the config does with a policy.

    prompts: user turns with their fields in braces, by config key. lengths: tokens that must fit into its context, by
    the config keys that ask for them. dtype: what the weights are loaded in. attention: who computes it. chat_template:
    in place of the folder's. trained: else it is measured alone, and need not bear LoRA or GRPO.
    """

    prompts: dict[str, str]
    lengths: dict[str, int]
    target_modules: list[str] | None
    dtype: str = "float32"
    attention: str = "sdpa"
    chat_template: str | None = None
    trained: bool = True


def policy_checks(folder: Path, use: Use) -> list[Row]:
    """{"check", "found", "problem"} of each check of a policy's folder; `problem` is null where nothing is wrong."""
    rows: list[Row] = []

    def noted(check: str, look: Callable[[], Any], say: Callable[[Any], str] = str) -> Any:
        try:
            found = look()
            rows.append({"check": check, "found": say(found), "problem": None})
        except InputError as error:
            found = None
            rows.append({"check": check, "found": None, "problem": str(error).removeprefix(f"{folder}: ")})
        return found

    loaded = noted("tokenizer and chat template", lambda: opened(folder, use.chat_template), _about_tokenizer)
    model = noted("architecture", lambda: skeleton(folder), lambda model: type(model).__name__)
    if loaded:
        tokenizer = loaded[0]
        noted("end of a turn", lambda: tokenizer.convert_ids_to_tokens(turn_end(tokenizer)))
        noted("end tokens", lambda: tokenizer.convert_ids_to_tokens(end_tokens(folder, tokenizer)), ", ".join)
        noted("pad token", lambda: tokenizer.pad_token)
        noted("beginning of a text", lambda: _beginning(tokenizer))
        for key, prompt in use.prompts.items():
            noted(f"text of {key}", partial(_verbatim, tokenizer, key, prompt))
            if use.trained:
                noted(f"answer to {key}", partial(_answered, tokenizer, prompt))
        noted(
            "settings for decoding", lambda: set_aside(folder, tokenizer), lambda aside: f"set aside: {aside or 'none'}"
        )
    if model is not None:
        noted("context", lambda: _context(model, use.lengths))
        noted("attention", lambda: _attention(model, use.attention))
        if use.trained:
            noted("positions", lambda: _positions(model))
            noted("LoRA", lambda: _adapted(model, use.target_modules), ", ".join)
        noted("weights", lambda: check_policy_weights(folder, use.dtype), lambda _: "complete and finite")
    if loaded and model is not None:
        noted("vocabulary", lambda: _vocabulary(loaded[0], model))
    return rows


def skeleton(folder: Path) -> Any:
    """The model of a folder's config.json without its weights. Raises InputError where there is no such model."""
    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(folder, **options)
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    except Exception as error:  # each architecture refuses a bad config in its own way
        raise InputError(
            f"{folder}: no model can be built as config.json says ({str(error).strip()[:300]}); download it again, or "
            "take an architecture that transformers knows"
        ) from error


def _about_tokenizer(loaded: tuple[Any, list[str]]) -> str:
    tokenizer, notes = loaded
    return "; ".join([f"{len(tokenizer)} tokens", *(notes or ["nothing had to be changed"])])


def _beginning(tokenizer: Any) -> str:
    """The token with which raw text and the prompt begin."""
    start = start_ids(tokenizer)
    ids = tokenizer(prompt_text(tokenizer, "a"), add_special_tokens=False)["input_ids"]
    if start and ids[len(start) : 2 * len(start)] == start:
        raise InputError(f"the chat template writes {tokenizer.decode(start)} twice at its beginning; take one out")
    return str(tokenizer.decode(start)) or "none"


def _filled(prompt: str) -> str:
    return fill(prompt, source=_TEXT, context=_TEXT, question=_TEXT)


def _verbatim(tokenizer: Any, key: str, prompt: str) -> str:
    """A user's text must come out of the template once, as it went in."""
    text = _filled(prompt)
    shown = prompt_text(tokenizer, text)
    if shown.count(text) == 1:
        return "stands in the template's output once, as it is"
    if shown.count(text.strip()) == 1:
        raise InputError(f"the chat template takes away white space at the ends of {key}; take it out of the prompt")
    if shown.count(text) > 1:
        raise InputError("the chat template writes the user's text more than once")
    kept = next((n for n in range(len(text), 0, -1) if text[:n] in shown), 0)
    raise InputError(
        "the chat template changes, cuts or drops the user's text: of the text "
        f"{text[max(0, kept - 20) : kept + 20]!r} stands in it as far as {text[max(0, kept - 20) : kept]!r}; give it a "
        "template that writes a user's turn as it is, without a system message too"
    )


def _answered(tokenizer: Any, prompt: str) -> str:
    """Prompt and answer must begin with the prompt's tokens and have the turn's end after the answer."""
    text, end = _filled(prompt), turn_end(tokenizer)
    (asked,) = prompt_ids(tokenizer, [text])
    controls = {i for i, token in tokenizer.added_tokens_decoder.items() if token.content.strip()}
    for answer in _ANSWERS:
        (whole,) = conversation_ids(tokenizer, [text], [answer])
        if whole[: len(asked)] != asked:
            raise InputError(
                f"the prompt's last tokens are others once the answer {answer!r} follows, so that training and "
                "answering would differ; end the template's generation prompt in a control token or a line break"
            )
        found = next((i for i in whole[len(asked) :] if i in controls - {tokenizer.unk_token_id}), None)
        if found != end:
            raise InputError(f"the answer {answer!r} does not end in {tokenizer.convert_ids_to_tokens(end)}")
    return f"follows the prompt's tokens and ends in {tokenizer.convert_ids_to_tokens(end)}"


def _adapted(model: Any, own: list[str] | None) -> list[str]:
    """The names of what is adapted; peft is asked too, with a copy that has no weights."""
    names = lora_targets(model, own)
    new_adapter(copy.deepcopy(model), Lora(rank=1, target_modules=own), 0)
    return names


def _attention(model: Any, wanted: str) -> str:
    """Who computes it. (Whether its package is there is looked at before anything runs.)"""
    if wanted == "flash_attention_2" and not model._supports_flash_attn:
        raise InputError(f"{type(model).__name__} has no {wanted}; set policy.attention: sdpa")
    return str(model.config._attn_implementation if wanted == "sdpa" else wanted)


def _context(model: Any, lengths: dict[str, int]) -> str:
    most = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if most is None:
        return "no limit"
    over = [f"{keys} = {length}" for keys, length in lengths.items() if length > most]
    if over:
        raise InputError(f"it reads {most} tokens (max_position_embeddings), and {', '.join(over)}; lower these")
    return f"{most} tokens"


def _positions(model: Any) -> str:
    """trl does not tell a model where a prompt begins behind its padding: learned positions would be shifted."""
    most = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    tables = [
        name for name, part in model.named_modules() if type(part) is nn.Embedding and part.num_embeddings == most
    ]
    tables = [name for name in tables if model.get_submodule(name) is not model.get_input_embeddings()]
    if model.config.model_type != "opt":  # whose positions count what is no padding
        tables += [name for name, part in model.named_modules() if type(part).__name__.endswith("PositionalEmbedding")]
    if tables:
        raise InputError(
            f"{type(model).__name__} has a table of positions ({', '.join(tables)}), which GRPO would read shifted by "
            "a prompt's padding; take a model with rotary or relative positions"
        )
    if model.config.model_type in _READ_PADDING:
        raise InputError(f"{type(model).__name__} reads a prompt's padding as text; take another model")
    return "relative"


def _vocabulary(tokenizer: Any, model: Any) -> str:
    tokens, rows = check_vocabulary(tokenizer, model)
    return f"{tokens} tokens, {rows} embeddings"
