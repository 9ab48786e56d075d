"""Reading a verdict from a language model's answer."""

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

_THOUGHT = re.compile(r"<think(?:ing)?\b[^>]*>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_END_OF_THOUGHT = re.compile(r".*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_OPEN_THOUGHT = re.compile(r"<think(?:ing)?\b.*", re.DOTALL | re.IGNORECASE)
_VERDICT = re.compile(r"\[\[\s*([0-9]+)\s*\]\]")
_WIDE = str.maketrans("【】", "[]")


CUT = {"length", "max_tokens", "content_filter", "tool_calls", "function_call", "error"}
"""Ends of an answer that may have been about to say otherwise; servers have many names for a proper end."""


@dataclass(frozen=True)
class Answer:
    """One answer of a server, as far as it could be read.

    value: 1, 2 or 0, None where there is no single verdict. reason: the text shown, without hidden thought; else what
    was wrong. problem: why there is no value. Tokens are None where the server did not count them.
    """

    value: int | None
    reason: str
    problem: str | None
    input_tokens: int | None
    output_tokens: int | None


def parse_verdict(text: str) -> int | None:
    """The one value among 0, 1 and 2 that an answer holds in double square brackets; None for none and for several.

    After NFKC and without `<think>` blocks, closed or not. Any other number in double brackets spoils the answer.
    """
    shown = re.sub(r"\\([\[\]])", r"\1", without_thought(unicodedata.normalize("NFKC", text))).translate(_WIDE)
    found = set(_VERDICT.findall(shown))
    return int(found.pop()) if len(found) == 1 and found <= {"0", "1", "2"} else None


def without_thought(text: str) -> str:
    """The text without `<think>…</think>`: nested, never opened (a chat template did) or never closed ones too."""
    for block in (_THOUGHT, _END_OF_THOUGHT, _OPEN_THOUGHT):
        text = block.sub(" ", text)  # a space: what stood on both sides must not grow together to a verdict
    return text.strip()


def read_answer(status: int, body: str) -> Answer:
    """Read the raw body of a chat completion. Never raises: what cannot be read has no value and a problem."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return Answer(None, body, "broken JSON", None, None)
    tokens = _tokens(parsed)
    if status != 200:
        return Answer(None, body, "refused by the server", *tokens)
    choices = parsed.get("choices") if isinstance(parsed, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return Answer(None, body, "no choices", *tokens)
    content, finish = message.get("content"), choice.get("finish_reason")
    if not isinstance(content, str) or not content.strip():
        refusal = message.get("refusal")
        said = refusal if isinstance(refusal, str) else ""
        return Answer(None, said, "refused" if refusal else "no text", *tokens)
    reason = without_thought(content)
    if finish in CUT:
        return Answer(None, reason, f"ended by {finish}", *tokens)
    value = parse_verdict(content)
    return Answer(value, reason, None if value is not None else "no single verdict", *tokens)


def _tokens(parsed: Any) -> tuple[int | None, int | None]:
    """Tokens of the prompt and of the answer, as the server counted them."""
    usage = parsed.get("usage") if isinstance(parsed, dict) else None
    usage = usage if isinstance(usage, dict) else {}
    counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    one, two = (
        count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None for count in counts
    )
    return one, two
