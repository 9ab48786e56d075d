"""From rows as they were read to rows fit for use; everything left out is counted by its reason.

Every function gives the rows kept one after another, so that a large corpus takes little memory, and a report once all
were taken: see `FilteredRows`.
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from typing import Any

import regex
from tokenizers import Tokenizer

from semalign.config.data import Language
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.text.languages import identified, script_consistency
from semalign.text.matching import cleaned, comparable
from semalign.text.prompts import fill

Report = dict[str, Any]

EXAMPLES = 5
_SCORED = regex.compile(r"[\p{L}\p{N}[\p{S}--\p{ASCII}]]", regex.V1)  # what scorers keep of every answer
BATCH = 1000  # texts given to the tokenizer at once: keeps memory flat


class FilteredRows:
    """Rows that were kept, in their order, and what became of all of them.

    `report` is there once the rows were taken: {"read", "kept", "dropped": {reason: count}, "examples": {reason: ids of
    the first few}} and what else is counted; read = kept + the sum of dropped.
    """

    def __init__(self, origin: str, remedy: str) -> None:
        self._origin, self._remedy = origin, remedy
        self._rows: Iterator[Row] = iter(())
        self._ended = False
        self.kept = 0
        self.dropped: dict[str, int] = {}
        self.examples: dict[str, list[str]] = {}
        self.counts: dict[str, int] = {}

    def of(self, rows: Iterator[Row]) -> "FilteredRows":
        """Itself, with the rows that will be kept; whoever makes them calls `drop` for the others."""
        self._rows = rows
        return self

    def drop(self, reason: str, row: Row) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < EXAMPLES:
            examples.append(row["id"])

    def __iter__(self) -> Iterator[Row]:
        """The rows, once. Raises InputError at the end where there was none."""
        for row in self._rows:
            self.kept += 1
            yield row
        self._ended = True
        if not self.kept:
            read = sum(self.dropped.values())
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items()) or "there were none"
            raise InputError(f"{self._origin}: nothing is left of {read} rows ({reasons}); {self._remedy}")

    @property
    def report(self) -> Report:
        if not self._ended:
            raise ValueError("the report is complete when all rows were taken")
        read = self.kept + sum(self.dropped.values())
        return {"read": read, "kept": self.kept, "dropped": self.dropped, "examples": self.examples} | self.counts

    def all(self) -> tuple[list[Row], Report]:
        """All rows at once, and the report."""
        return list(self), self.report


def prepare_pairs(
    rows: Iterable[Row], source_language: Language, target_language: Language, *, origin: str
) -> FilteredRows:
    """Texts as `matching.cleaned` leaves them; drops what cannot be learnt from or scored.

    Reasons, the first that holds: the row's own `left_out` (see `sources.read_pairs`), empty_source, empty_target,
    wrong_script_source, wrong_script_target, wrong_language_source, wrong_language_target (by the identifier, where the
    language has one), duplicate (source and target both seen before, as
    `matching.comparable` has it; a side for which that is empty is empty).
    `origin` names the rows in messages: see `sources.origin`.
    """
    filtered = FilteredRows(origin, "check the files, their columns and the languages' scripts")

    def kept() -> Iterator[Row]:
        seen: set[bytes] = set()
        for row in rows:
            if "left_out" in row:
                filtered.drop(row["left_out"], row)
                continue
            source, target = (cleaned(row[side]) for side in ("source", "target"))
            sides = comparable(source), comparable(target)
            pair = _digest(*sides)
            if not sides[0]:
                filtered.drop("empty_source", row)
            elif not sides[1]:
                filtered.drop("empty_target", row)
            elif not script_consistency(source, source_language):
                filtered.drop("wrong_script_source", row)
            elif not script_consistency(target, target_language):
                filtered.drop("wrong_script_target", row)
            elif not identified(source, source_language):
                filtered.drop("wrong_language_source", row)
            elif not identified(target, target_language):
                filtered.drop("wrong_language_target", row)
            elif pair in seen:
                filtered.drop("duplicate", row)
            else:
                seen.add(pair)
                yield {**row, "source": source, "target": target}

    return filtered.of(kept())


def prepare_questions(
    rows: Iterable[Row], limit: int | None = None, *, origin: str, unanswerable: bool = False
) -> FilteredRows:
    """The first `limit` questions (all, when None), their text as it is: the official scorer compares it raw.

    Reasons: empty_context, empty_question, empty_answers (no answer with text), beyond_limit. Of kept questions,
    answers without text, or of punctuation alone, are left out, since the scorer drops punctuation and an empty
    prediction would equal them; `blank_answers` counts them, where there are any. Where there may be
    `unanswerable` questions, one whose only answer is the empty text (see `questions.read_questions`) is kept as it is,
    and counted. `answer_not_in_context` counts kept
    questions none of whose answers stands in its context; they stay, since the official scores include them.
    """
    filtered = FilteredRows(origin, "check the files")
    filtered.counts["answer_not_in_context"] = 0

    def kept() -> Iterator[Row]:
        for row in rows:
            empty = [key for key in ("context", "question") if not comparable(row[key])]
            none = unanswerable and row["answers"] == [""]
            answers = [answer for answer in row["answers"] if none or _SCORED.search(comparable(answer))]
            if empty:
                filtered.drop(f"empty_{empty[0]}", row)
            elif not answers:
                filtered.drop("empty_answers", row)
            elif limit is not None and filtered.kept >= limit:
                filtered.drop("beyond_limit", row)
            else:
                if blank := len(row["answers"]) - len(answers):
                    filtered.counts["blank_answers"] = filtered.counts.get("blank_answers", 0) + blank
                if none:
                    filtered.counts["unanswerable"] = filtered.counts.get("unanswerable", 0) + 1
                filtered.counts["answer_not_in_context"] += not any(answer in row["context"] for answer in answers)
                yield row | {"answers": answers}

    return filtered.of(kept())


def prepare_items(rows: Iterable[Row], limit: int | None = None, *, origin: str, text: str) -> FilteredRows:
    """The first `limit` rows (all, when None) whose column `text` shows something. Reasons: empty_<text>,
    beyond_limit."""
    filtered = FilteredRows(origin, "check the files")

    def kept() -> Iterator[Row]:
        for row in rows:
            if not comparable(row[text]):
                filtered.drop(f"empty_{text}", row)
            elif limit is not None and filtered.kept >= limit:
                filtered.drop("beyond_limit", row)
            else:
                yield row

    return filtered.of(kept())


def filter_length(
    rows: Iterable[Row],
    tokenizer: Tokenizer,
    template: str,
    max_tokens: int,
    *,
    origin: str,
    measured: Callable[[Row, int], int | None] = lambda row, length: length,
) -> FilteredRows:
    """Drops pairs (reason too_long) whose whole conversation exceeds `max_tokens` policy tokens.

    `measured` may correct a row's length, or say None of one that cannot be written in policy tokens (reason
    control_token).

    `template` is the conversation as the policy sees it, with {source} and {target} to be replaced. The report's
    `longest` is the largest length kept, in tokens. Truncation and padding of `tokenizer` are switched off.
    """
    tokenizer.no_truncation()
    tokenizer.no_padding()
    filtered = FilteredRows(origin, f"max_tokens is {max_tokens}")
    filtered.counts |= {"longest": 0, "max_tokens": max_tokens}

    def kept() -> Iterator[Row]:
        ahead = iter(rows)
        while batch := list(islice(ahead, BATCH)):
            texts = [fill(template, source=row["source"], target=row["target"]) for row in batch]
            for row, encoding in zip(batch, tokenizer.encode_batch_fast(texts, add_special_tokens=False), strict=True):
                length = measured(row, len(encoding))
                if length is None or length > max_tokens:
                    filtered.drop("control_token" if length is None else "too_long", row)
                else:
                    filtered.counts["longest"] = max(filtered.counts["longest"], length)
                    yield row

    return filtered.of(kept())


def _digest(source: str, target: str) -> bytes:
    """Stands for a pair in little memory; among a million, two different ones share it with a chance of 1e-27."""
    return blake2b(f"{len(source)} {source}{target}".encode(errors="surrogatepass"), digest_size=16).digest()
