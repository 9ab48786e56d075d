"""Reading a verdict from a language model's answer."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from semalign.judging.replies import completion_of, parsed_json, read_reply, readable, words_of

_THOUGHT = re.compile(r"<think(?:ing)?\b[^>]*>", re.IGNORECASE)
_END_OF_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_OPEN_THOUGHT = re.compile(r"<think(?:ing)?\b", re.IGNORECASE)
_VERDICT = re.compile(r"\[\[\s*([0-9]+)\s*\]\]")
_WIDE = str.maketrans("【】", "[]")


CUT = {"length", "max_tokens", "content_filter", "tool_calls", "function_call", "error"}
"""Ends of an answer that may have been about to say otherwise; servers have many names for a proper end."""


UNREADABLE = 0
"""The status under which a success is kept that is no chat completion."""

_MOST_TOKENS = 10**9  # of one call; a larger count is no count


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
    """The text without `<think>…</think>`: nested, never opened (a chat template did) or never closed ones too.

    A space stands in place of a thought: what stood on both sides must not grow together to a verdict. Takes time in
    proportion to the text's length.
    """
    pieces, at, last = [], 0, text.rfind(">") + 1
    while (start := _THOUGHT.search(text, at, last)) and (end := _END_OF_THOUGHT.search(text, start.end())):
        pieces += [text[at : start.start()], " "]
        at = end.end()
    text = "".join(pieces) + text[at:]
    for end in _END_OF_THOUGHT.finditer(text):
        at = end.end()
    if _END_OF_THOUGHT.search(text):
        text = " " + text[at:]
    if opened := _OPEN_THOUGHT.search(text):
        text = text[: opened.start()]
    return text.strip()


def read_answer(status: int, body: str) -> Answer:
    """Read the stored body of an answer. Never raises: what cannot be read has no value and a problem.

    `status`: UNREADABLE or 200 of an answer, else that of a refusal, whose words are the reason.
    """
    parsed = parsed_json(body)
    tokens = _tokens(parsed)
    if status not in (200, UNREADABLE):
        return Answer(None, read_reply(status, body).words, "refused by the server", *tokens)
    choice = completion_of(parsed)
    if not choice:
        problem = "broken JSON" if parsed is None else "no choices"
        return Answer(None, words_of(parsed, body), problem, *tokens)
    message, finish = choice["message"], choice.get("finish_reason")
    content, refusal = _text(message.get("content")), message.get("refusal") or _refusal(message.get("content"))
    cut = isinstance(finish, str) and finish.partition(":")[0] in CUT  # Gemini: content_filter: SAFETY
    if not content.strip():
        said = readable(refusal) if isinstance(refusal, str) else ""
        problem = "refused" if refusal else f"ended by {finish}" if cut else "no text"
        return Answer(None, said, problem, *tokens)
    reason = readable(without_thought(content))
    if cut:
        return Answer(None, reason, f"ended by {finish}", *tokens)
    value = parse_verdict(content)
    return Answer(value, reason, None if value is not None else "no single verdict", *tokens)


def _text(content: Any) -> str:
    """The text of an answer's content: a string, or parts of which those that are not text (thoughts) are left out."""
    if isinstance(content, str):
        return content
    texts = []
    for part in _parts(content):
        text = part.get("text") if part.get("type", "text") in ("text", "output_text") else None
        text = text.get("value") if isinstance(text, dict) else text
        texts.append(text if isinstance(text, str) else " ")  # what stood on both sides must not grow together
    return "".join(texts)


def _refusal(content: Any) -> str | None:
    return next((part["refusal"] for part in _parts(content) if isinstance(part.get("refusal"), str)), None)


def _parts(content: Any) -> Iterator[dict[str, Any]]:
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str | dict):
            yield {"text": part} if isinstance(part, str) else part


def _tokens(parsed: Any) -> tuple[int | None, int | None]:
    """Tokens of the prompt and of the answer, as the server counted them; None for what is no possible count."""
    usage = parsed.get("usage") if isinstance(parsed, dict) else None
    usage = usage if isinstance(usage, dict) else {}
    counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    one, two = (
        count if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= _MOST_TOKENS else None
        for count in counts
    )
    return one, two
