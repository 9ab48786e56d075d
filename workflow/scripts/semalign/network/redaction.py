"""Secrets taken out of what a server sends, before it is stored or shown: whole, in part, and in other spellings."""

import base64
import re
from array import array
from collections.abc import Iterable, Iterator

from semalign.config.secrets import SHORTEST

MARK = "[key]"
_RUN = 12  # so many characters of a secret in a row give it away,
_SHORTER_RUN = 8  # or so many where letters and digits are among them, which no word has

_ESCAPE = re.compile(
    r"(?:\\+(?:[nrt]|u00ad|u200[b-d]|u2060|ufeff)|[\s\u00ad\u200b-\u200d\u2060\ufeff])+|\\+(?=[/\"'])"
    r"|\\+(?:u00|U000000)(?P<json>[0-9a-fA-F]{2})|\\+u\{0*(?P<braced>[0-9a-fA-F]{2})\}|\\+x(?P<hex>[0-9a-fA-F]{2})"
    r"|\\+(?P<octal>[01][0-7]{2})|%(?:25)*(?P<percent>[0-9a-fA-F]{2})"
    r"|&(?:amp;)*#(?:[xX]0*(?P<entity>[0-9a-fA-F]{2})|0*(?P<decimal>\d{2,3}));"
)

Span = tuple[int, int]


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text with `[key]` in place of secrets: as they are, in small letters or capitals, escaped, percent-encoded,
    in base64 or as hexadecimal digits, with white space between, and any twelve characters of them in a row (eight
    with a digit).

    A secret of fewer than eight characters is a placeholder and stays.
    """
    spellings = sorted({spelling for secret in secrets if len(secret) >= SHORTEST for spelling in _spellings(secret)})
    spans = [span for spelling in spellings for span in _found(text, spelling)]
    plain = _ESCAPE.sub(_character, text)
    if plain != text and any(True for spelling in spellings for _ in _found(plain, spelling)):
        starts, ends = _origin(text)
        for spelling in spellings:
            spans += [(starts[start], ends[end - 1]) for start, end in _found(plain, spelling)]
    pieces, at = [], 0
    for start, end in _merged(spans):
        pieces += [text[at:start], MARK]
        at = end
    return "".join(pieces) + text[at:]


def _spellings(secret: str) -> Iterator[str]:
    raw = secret.encode()
    yield from (secret, secret.lower(), secret.upper())
    yield from (raw.hex(), raw.hex().upper())
    for before in range(3):  # base64 of a longer text that holds it, wherever it begins there
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            code = encode(bytes(before) + raw).decode().rstrip("=")
            yield code[(0, 2, 3)[before] : len(code) - ((before + len(raw)) % 3 != 0)]


def _found(text: str, secret: str) -> Iterator[Span]:
    """Where the text holds so much of the secret in a row that it is given away. Each such run holds a whole block."""
    least = min(_SHORTER_RUN, len(secret))
    size = (least + 1) // 2
    for first in range(0, len(secret) - size + 1, size):
        at = text.find(secret[first : first + size])
        while at >= 0:
            start, end, left, right = at, at + size, first, first + size
            while start and left and text[start - 1] == secret[left - 1]:
                start, left = start - 1, left - 1
            while end < len(text) and right < len(secret) and text[end] == secret[right]:
                end, right = end + 1, right + 1
            run = text[start:end]
            mixed = any(map(str.isdigit, run)) and any(map(str.isalpha, run))
            if len(run) >= min(_RUN, len(secret)) or (mixed and len(run) >= least):
                yield start, end
            at = text.find(secret[first : first + size], at + 1)


def _character(match: re.Match[str]) -> str:
    """What an escape stands for; white space for nothing."""
    if match["decimal"]:
        return chr(int(match["decimal"]))
    if match["octal"]:
        return chr(int(match["octal"], 8))
    digits = match["json"] or match["braced"] or match["hex"] or match["percent"] or match["entity"]
    return chr(int(digits, 16)) if digits else ""


def _origin(text: str) -> "tuple[array[int], array[int]]":
    """For each character of the text without escapes, where what stands for it begins and ends in the text."""
    starts, ends, at = array("q"), array("q"), 0
    for match in _ESCAPE.finditer(text):
        starts.extend(range(at, match.start()))
        ends.extend(range(at + 1, match.start() + 1))
        if _character(match):
            starts.append(match.start())
            ends.append(match.end())
        at = match.end()
    starts.extend(range(at, len(text)))
    ends.extend(range(at + 1, len(text) + 1))
    return starts, ends


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
