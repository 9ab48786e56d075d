"""The chat template that a policy's folder brings, made one that depends on its turns alone.

A template may read the clock, draw at random, or leave out the token with which the model begins every text. The first
and the last are settled as the tokenizer is loaded, so that training, evaluation and release render alike.
"""

import json
import re
from datetime import datetime
from itertools import pairwise
from typing import Any

import jinja2

from semalign.runtime.errors import InputError
from semalign.text.prompts import conversation_text, prompt_text

FROZEN = datetime(2024, 7, 26)  # what Llama 3's own template says where it has no clock
_QUESTION, _ANSWER = "What is <this>?", "It is <an> Answer."


def settle(tokenizer: Any) -> list[str]:
    """Give the tokenizer one template that reads no clock and begins as the tokenizer begins a text.

    Returns what was changed, a sentence each. Raises InputError for a template that cannot be used.
    """
    try:
        template = tokenizer.get_chat_template()
    except ValueError as error:
        raise InputError(f"there is no chat template for plain turns: {error}") from error
    notes = []
    try:
        names = _names(template)
        formats = _clock_formats(names)
        if ("name", "strftime_now") in names:
            template = _frozen(formats) + template
            notes.append(f"the chat template reads the clock: it is shown {FROZEN:%Y-%m-%d} on every day")
        tokenizer.chat_template = template
        prompt = prompt_text(tokenizer, _QUESTION)
        if re.search(r" at 0x[0-9a-f]{6,}", prompt):
            raise InputError("the chat template writes an address in memory, another one in every job; take that out")
        conversation_text(tokenizer, _QUESTION, _ANSWER)
    except jinja2.TemplateSyntaxError as error:
        raise InputError(f"the chat template is no valid Jinja: line {error.lineno}: {error.message}") from error
    except (
        jinja2.TemplateError,
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as error:
        raise InputError(
            f"the chat template cannot render one user turn and its answer: {error}; it must, without a system "
            "message, tools or documents"
        ) from error
    start = start_ids(tokenizer)
    ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    if start and ids[: len(start)] != start:
        text = tokenizer.decode(start)
        # a block, since a line that follows one keeps its own white space rules
        tokenizer.chat_template = f"{{% if true %}}{{{{ {json.dumps(text)} }}}}{{% endif %}}\n{template}"
        notes.append(f"the chat template leaves out {text}, with which the tokenizer begins a text: it is put in front")
    return notes


def start_ids(tokenizer: Any) -> list[int]:
    """The tokens with which the model begins every text: those that the tokenizer puts before a raw text, else the
    `<bos>` that the chat template alone writes, else none."""
    bare, whole = (tokenizer("a", add_special_tokens=special)["input_ids"] for special in (False, True))
    place = next((i for i in range(len(whole)) if whole[i : i + len(bare)] == bare), 0)
    start = tokenizer.bos_token_id
    if place or start is None or tokenizer.chat_template is None:
        return list(whole[:place])
    ids = tokenizer(prompt_text(tokenizer, _QUESTION), add_special_tokens=False)["input_ids"]
    # more than one is a role's mark: SmolLM2 names <|im_start|>, which begins each turn
    return [start] if ids[:1] == [start] and ids.count(start) == 1 else []


def turn_end(tokenizer: Any) -> int:
    """The token with which the template ends the assistant's turn. Raises InputError where there is none."""
    prompt, whole = prompt_text(tokenizer, _QUESTION), conversation_text(tokenizer, _QUESTION, _ANSWER)
    if not whole.startswith(prompt):
        raise InputError(
            f"the chat template shows another beginning once there is an answer: the prompt ends in {prompt[-40:]!r}, "
            f"and the conversation has {whole[-60:]!r}; give it a template whose conversation begins with its prompt"
        )
    before, found, tail = whole.removeprefix(prompt).partition(_ANSWER)
    if not found or _ANSWER in tail:
        raise InputError(
            f"the chat template changes, drops or repeats an answer: of {_ANSWER!r} it makes "
            f"{whole.removeprefix(prompt)[:80]!r}; give it a template that writes a turn's text as it is"
        )
    if before.strip():
        raise InputError(
            f"the chat template writes {before[:60]!r} between prompt and answer, which the model would have to "
            "write itself; give it a template whose prompt ends where the answer begins"
        )
    added = tokenizer.added_tokens_decoder
    ends = [i for i in tokenizer(tail, add_special_tokens=False)["input_ids"] if i in added]
    end = next((i for i in ends if added[i].content.strip() and added[i].content in tail), None)
    text = "" if end is None else tail.partition(added[end].content)[0]
    if end is None or text.strip():
        shown = f"{tail[:40]!r}" if tail else "nothing"
        raise InputError(
            f"the chat template writes {shown} after an answer, and no end token of the tokenizer right there: no "
            "answer would ever end; write the model's end token there in the template (as {{ eos_token }}), or take "
            "the tokenizer that the template was written for"
        )
    return int(end)


def _names(template: str) -> list[tuple[str, str]]:
    """The template's code, token by token, white space aside. Raises TemplateSyntaxError."""
    tokens = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).lex(template)
    return [(kind, text) for _, kind, text in tokens if kind not in ("whitespace", "data", "comment")]


def _clock_formats(names: list[tuple[str, str]]) -> set[str]:
    """The formats in which the clock is read. Raises InputError for a template that draws at random."""
    drawn = ("name", "lipsum") in names or any(
        b[1].strip("'\"") == "random" and a[1] in ("|", "(") for a, b in pairwise(names)
    )
    if drawn:
        raise InputError("the chat template draws at random; give it one whose output depends on the turns alone")
    calls = zip(names, names[1:], names[2:], names[3:], strict=False)
    return {
        text[1:-1]
        for name, bracket, (kind, text), end in calls
        if name == ("name", "strftime_now") and bracket[1] == "(" and kind == "string" and end[1] == ")"
    }


def _frozen(formats: set[str]) -> str:
    """The head of a template in which `strftime_now` always says the same."""
    known = json.dumps({form: FROZEN.strftime(form) for form in sorted(formats)})
    refusal = "raise_exception('it reads the clock in a format that is not written out, as in strftime_now(\"%Y\")')"
    return (
        "{% macro strftime_now(format) %}"
        f"{{{{ {known}[format] if format in {known} else {refusal} }}}}"
        "{% endmacro %}\n"
    )
