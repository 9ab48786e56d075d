"""From a task's fields to the chat turns that the policy sees, the same in training and evaluation."""

import re
from typing import Any

# Qwen3's thinking switch, set the same way in SFT, GRPO and evaluation; templates without it ignore it.
TEMPLATE_KWARGS = {"enable_thinking": False}


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
