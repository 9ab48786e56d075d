"""From rows as they were read to rows fit for use; everything left out is counted by its reason.

Every function returns the rows kept and a report: {"read", "kept", "dropped": {reason: count}, "examples": {reason: ids
of the first few}} and what else it counts; read = kept + the sum of dropped.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from tokenizers import Tokenizer

from semalign.config.data import Language
from semalign.errors import InputError
from semalign.files import Row
from semalign.languages import language_consistency
from semalign.prompts import fill

Report = dict[str, Any]

EXAMPLES = 5
BATCH = 1000  # texts given to the tokenizer at once: keeps memory flat


def prepare_pairs(
    rows: Iterable[Row], source_language: Language, target_language: Language, *, origin: str
) -> tuple[list[Row], Report]:
    """Texts in NFC without surrounding white space; drops what cannot be learnt from or scored.

    Reasons, the first that holds: the row's own `left_out` (see `sources.read_pairs`), empty_source, empty_target,
    wrong_script_source, wrong_script_target (language consistency 0), duplicate (source and target both seen before).
    `origin` names the rows in messages: see `sources.origin`. Raises InputError where nothing is left.
    """
    seen: set[tuple[str, str]] = set()
    tally = _Tally()
    for row in rows:
        if "left_out" in row:
            tally.drop(row["left_out"], row)
            continue
        source, target = (_clean(row[side]) for side in ("source", "target"))
        if not source:
            tally.drop("empty_source", row)
        elif not target:
            tally.drop("empty_target", row)
        elif not language_consistency(source, source_language):
            tally.drop("wrong_script_source", row)
        elif not language_consistency(target, target_language):
            tally.drop("wrong_script_target", row)
        elif (source, target) in seen:
            tally.drop("duplicate", row)
        else:
            seen.add((source, target))
            tally.keep({**row, "source": source, "target": target})
    return tally.result(origin, "check the files, their columns and the languages' scripts")


def prepare_questions(rows: Iterable[Row], limit: int | None = None, *, origin: str) -> tuple[list[Row], Report]:
    """The first `limit` questions (all, when None), their text as it is: the official scorer compares it raw.

    Reasons: empty_context, empty_question, empty_answers (no answer with text), beyond_limit. `answer_not_in_context`
    counts kept questions none of whose answers stands in its context; they stay, since the official scores include
    them. Raises InputError where nothing is left.
    """
    tally = _Tally()
    absent = 0
    for row in rows:
        empty = [key for key in ("context", "question") if not row[key].strip()]
        if empty:
            tally.drop(f"empty_{empty[0]}", row)
        elif not any(answer.strip() for answer in row["answers"]):
            tally.drop("empty_answers", row)
        elif limit is not None and len(tally.kept) >= limit:
            tally.drop("beyond_limit", row)
        else:
            absent += not any(answer.strip() and answer in row["context"] for answer in row["answers"])
            tally.keep(row)
    return tally.result(origin, "check the files", answer_not_in_context=absent)


def filter_length(
    rows: Iterable[Row], tokenizer: Tokenizer, template: str, max_tokens: int, *, origin: str
) -> tuple[list[Row], Report]:
    """Drops pairs (reason too_long) whose whole conversation exceeds `max_tokens` policy tokens.

    `template` is the conversation as the policy sees it, with {source} and {target} to be replaced. The report's
    `longest` is the largest length kept, in tokens. Truncation and padding of `tokenizer` are switched off.
    Raises InputError where nothing is left.
    """
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tally = _Tally()
    longest = 0
    for batch in _batches(rows):
        texts = [fill(template, source=row["source"], target=row["target"]) for row in batch]
        for row, encoding in zip(batch, tokenizer.encode_batch(texts, add_special_tokens=False), strict=True):
            if len(encoding) > max_tokens:
                tally.drop("too_long", row)
            else:
                longest = max(longest, len(encoding))
                tally.keep(row)
    return tally.result(origin, f"max_tokens is {max_tokens}", longest=longest, max_tokens=max_tokens)


class _Tally:
    """Rows kept, and how many were dropped for which reason."""

    def __init__(self) -> None:
        self.kept: list[Row] = []
        self.dropped: dict[str, int] = {}
        self.examples: dict[str, list[str]] = {}

    def keep(self, row: Row) -> None:
        self.kept.append(row)

    def drop(self, reason: str, row: Row) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < EXAMPLES:
            examples.append(row["id"])

    def result(self, origin: str, remedy: str, **counts: int) -> tuple[list[Row], Report]:
        read = len(self.kept) + sum(self.dropped.values())
        if not self.kept:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items()) or "there were none"
            raise InputError(f"{origin}: nothing is left of {read} rows ({reasons}); {remedy}")
        report = {"read": read, "kept": len(self.kept), "dropped": self.dropped, "examples": self.examples}
        return self.kept, report | counts


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
