"""Training texts of the models that are made on the spot: a policy's documents, an encoder's triplets."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from semalign.config.data import CorpusItem, EncoderSource, PairSource, QuestionSource, Table
from semalign.data.sources import first_file, read_all_pairs, read_all_questions, read_documents, read_pairs
from semalign.data.tabular import read_rows
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, read_jsonl
from semalign.text.matching import cleaned, comparable
from semalign.text.prompts import fill


def held_out_texts(paths: Iterable[str | Path]) -> set[str]:
    """The texts of files of prepared pairs or questions that are held out: sources, targets, passages."""
    names = ("source", "target", "context", "text")
    rows = (row for path in paths for row in read_jsonl(path))
    return {text for row in rows for text in [*(row[name] for name in names if name in row), *row.get("fields", [])]}


def texts_of_tests(
    pairs: Mapping[str, Sequence[PairSource]],
    questions: Mapping[str, Sequence[QuestionSource]],
    others: Iterable[Row] = (),
) -> set[str]:
    """The same of the sources of test sets, pairs and questions, by the config keys that list them; `others` are the
    rows of other benchmarks.

    A corpus is read before any test set is prepared, since the tokenizer that the length filter needs is made from it.
    """
    rows = (row for key, sources in pairs.items() for row in read_all_pairs(sources, key) if "left_out" not in row)
    texts = {row[side] for row in rows for side in ("source", "target")}
    asked = (row for key, sources in questions.items() for row in read_all_questions(sources, key, unanswerable=True))
    fields = {text for row in others for text in [*row.get("fields", []), *([row["text"]] if "text" in row else [])]}
    return texts | {row["context"] for row in asked} | fields


def pretraining_documents(
    items: Sequence[CorpusItem],
    prompts: dict[str, str],
    question_prompt: str,
    held_out: Collection[str] = (),
) -> tuple[list[Row], dict[str, Any]]:
    """Documents {"text"} or {"prompt", "completion"}, with the prompts that the policy will meet again.

    `prompts` maps a task to its prompt; an item of pairs names its task. Texts are as `matching.cleaned` leaves them.
    Dropped are documents whose text, source, target or passage is a held-out one (see `held_out_texts`), blank texts,
    questions without an answer's text, and pairs that lack a side or that their source leaves out. Returns the
    documents and, for each item, how many were read, kept and dropped, and how many of the dropped were `held_out`.
    Raises InputError where all documents are.
    """
    forbidden = {comparable(text) for text in held_out} - {""}
    documents: list[Row] = []
    report: list[dict[str, Any]] = []
    for item in items:
        counts = {"read": 0, "kept": 0, "held_out": 0}
        for row in read_documents(item):
            counts["read"] += 1
            given, learnt = _given_and_learnt(row)
            keys = {comparable(text) for text in (*given.values(), learnt)}
            if "" in keys:
                continue
            # A short answer that happens to be a test's text is no test text: it is looked up in its passage.
            if not forbidden.isdisjoint(keys if item.kind != "questions" else {comparable(given["context"])}):
                counts["held_out"] += 1
                continue
            counts["kept"] += 1
            if item.kind == "text":
                documents.append({"text": learnt})
            else:
                prompt = question_prompt if item.kind == "questions" else prompts[str(item.task)]
                documents.append({"prompt": fill(prompt, **given), "completion": learnt})
        dropped = counts["read"] - counts["kept"]
        report.append({"source": item.model_dump(mode="json"), **counts, "dropped": dropped})
    if not documents:
        raise InputError(
            f"{', '.join(str(first_file(item.source)) for item in items)}: nothing is left of "
            f"{sum(entry['read'] for entry in report)} documents ({sum(entry['held_out'] for entry in report)} hold a "
            "text of a test set, or of the pairs that one is cut from); give others"
        )
    return documents, {"documents": len(documents), "items": report}


def _given_and_learnt(row: Row) -> tuple[dict[str, str], str]:
    """What of a document fills its prompt, and what is learnt; that is empty where the row is of no use."""
    if "text" in row:
        return {}, cleaned(row["text"])
    if "question" in row:
        answer = next((answer for answer in row["answers"] if comparable(answer)), "")
        return {name: cleaned(row[name]) for name in ("context", "question")}, cleaned(answer)
    return {"source": cleaned(row.get("source", ""))}, cleaned(row.get("target", ""))


def contrastive_rows(
    sources: Sequence[EncoderSource], held_out: Collection[str], key: str
) -> tuple[list[Row], dict[str, int]]:
    """Rows of anchor, positive and, where the tables have it, negative; without those that hold a held-out text.

    Pairs are source and target as anchor and positive. Texts are as `matching.cleaned` leaves them, and are held out or
    blank where `matching.comparable` says so. Returns the rows and the counts read, kept, incomplete (a blank anchor or
    positive, or no partner in the other language), held_out (an anchor, positive or negative of a dev or test set).
    Raises InputError naming the config key where nothing is left, or some rows alone have a negative.
    """
    forbidden = {comparable(text) for text in held_out} - {""}
    kept: list[Row] = []
    counts = {"read": 0, "kept": 0, "incomplete": 0, "held_out": 0}
    first_rows: dict[bool, str] = {}
    for source in sources:
        for row in _anchored(source):
            given = {name: row[name] for name in ("anchor", "positive", "negative") if row.get(name)}
            keys = {name: found for name, text in given.items() if (found := comparable(text))}
            texts = {name: cleaned(given[name]) for name in keys}
            complete = "anchor" in texts and "positive" in texts
            if complete:
                first_rows.setdefault("negative" in texts, f"{first_file(source)}: row {row['id']!r}")
            if len(first_rows) == 2:
                raise InputError(
                    f"{first_rows[False]} has no negative, {first_rows[True]} has one; all rows of {key} or none must "
                    "have a negative"
                )
            fate = "incomplete" if not complete else "kept" if forbidden.isdisjoint(keys.values()) else "held_out"
            counts["read"] += 1
            counts[fate] += 1
            if fate == "kept":
                kept.append(texts)
    if not kept:
        raise InputError(
            f"{key}: nothing is left of {counts['read']} rows ({counts['held_out']} hold a text of a dev or test set, "
            f"{counts['incomplete']} lack one side); give the encoder data of its own"
        )
    return kept, counts


def _anchored(source: EncoderSource) -> Iterator[Row]:
    if isinstance(source, Table):
        yield from read_rows(source, ("anchor", "positive"), ("negative",))
        return
    for row in read_pairs(source):
        yield row if "left_out" in row else {"id": row["id"], "anchor": row["source"], "positive": row["target"]}
