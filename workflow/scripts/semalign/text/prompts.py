"""From a task's fields to the chat turns that the policy sees, the same in training and evaluation."""

import re
from collections.abc import Sequence
from typing import Any
from unicodedata import category
from weakref import WeakKeyDictionary

from semalign.runtime.errors import InputError

# Qwen3's thinking switch, set the same way in SFT, GRPO and evaluation; templates without it ignore it.
TEMPLATE_KWARGS = {"enable_thinking": False}
# Where a template's output is tokenised: `<|im_end|>` and the like in the user's own text stay text.
TOKENIZED = TEMPLATE_KWARGS | {"sanitize_control_tokens": True}

# Of the tokenizers that are loaded: how their control tokens begin, and all of them.
_CONTROL: WeakKeyDictionary[Any, tuple[frozenset[str], list[str]]] = WeakKeyDictionary()


def fill(prompt: str, **fields: str) -> str:
    """Replace {name} by each field's text; other braces stay as they are."""
    return re.sub(r"\{(\w+)\}", lambda match: fields.get(match[1], match[0]), prompt)


def user_turn(text: str) -> list[dict[str, str]]:
    """A conversation that waits for the assistant."""
    return [{"role": "user", "content": text}]


def assistant_turn(text: str) -> list[dict[str, str]]:
    """The assistant's answer, as a conversation to be appended."""
    return [{"role": "assistant", "content": text}]


def conversation_text(tokenizer: Any, text: str, answer: str) -> str:
    """A whole conversation of one prompt and one answer as one string, special tokens included."""
    turns = user_turn(text) + assistant_turn(answer)
    return str(tokenizer.apply_chat_template(turns, tokenize=False, **TEMPLATE_KWARGS))


def prompt_text(tokenizer: Any, text: str) -> str:
    """The prompt as one string, special tokens and generation prefix included."""
    rendered = tokenizer.apply_chat_template(
        user_turn(text), tokenize=False, add_generation_prompt=True, **TEMPLATE_KWARGS
    )
    return str(rendered)


def prompt_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of each user turn as the policy is asked it, chat template included; trl makes the same.

    Raises InputError where a text holds a control token that the tokenizer cannot write as text.
    """
    return _tokenized(tokenizer, [user_turn(text) for text in texts], add_generation_prompt=True)


def conversation_ids(tokenizer: Any, texts: Sequence[str], answers: Sequence[str]) -> list[list[int]]:
    """The tokens of whole conversations of one prompt and one answer each; raises as `prompt_ids`."""
    turns = [user_turn(text) + assistant_turn(answer) for text, answer in zip(texts, answers, strict=True)]
    return _tokenized(tokenizer, turns)


def _tokenized(tokenizer: Any, conversations: list[list[dict[str, str]]], **how: bool) -> list[list[int]]:
    """Only what holds a control token is sanitised: transformers lists all of them anew for each conversation, which
    takes 20 ms with the 6,250 of Gemma 3."""
    marked = [holds_control(tokenizer, *(turn["content"] for turn in turns)) for turns in conversations]
    found: list[list[int]] = [[]] * len(conversations)
    for sanitised, settings in ((False, TEMPLATE_KWARGS), (True, TOKENIZED)):
        places = [place for place, one in enumerate(marked) if one == sanitised]
        if not places:
            continue
        chosen = [conversations[place] for place in places]
        try:
            ids = tokenizer.apply_chat_template(chosen, **how, **settings)["input_ids"]
        except ValueError as error:  # "Can't sanitize …"
            raise InputError(f"a text holds a control token of the policy: {error}; take it out of the text") from error
        for place, own in zip(places, ids, strict=True):
            found[place] = own
    return found


def holds_control(tokenizer: Any, *texts: str) -> bool:
    """Whether one of the texts holds a control token, or a character for private use, with which transformers marks
    them. White space is none, though Gemma has line breaks among its added tokens: they are written as text."""
    if tokenizer not in _CONTROL:
        added = tokenizer.added_tokens_decoder.values()
        control = [token.content for token in added if token.special or not token.content.isspace()]
        _CONTROL[tokenizer] = frozenset(token[0] for token in control), control
    first, control = _CONTROL[tokenizer]
    return any(_private(text) or (not first.isdisjoint(text) and any(one in text for one in control)) for text in texts)


def _private(text: str) -> bool:
    return not text.isascii() and any(category(character) == "Co" for character in text)
