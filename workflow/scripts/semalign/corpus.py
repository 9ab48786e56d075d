"""Training texts of the models that are made on the spot: a policy's documents, an encoder's triplets."""

from collections.abc import Iterator, Sequence
from typing import Any

from semalign.config.data import CorpusItem, EncoderSource, Table
from semalign.errors import InputError
from semalign.files import Row
from semalign.prompts import fill
from semalign.sources import first_file, read_documents, read_pairs
from semalign.tabular import read_rows


def pretraining_documents(
    items: Sequence[CorpusItem], prompts: dict[str, str], question_prompt: str
) -> tuple[list[Row], dict[str, Any]]:
    """Documents {"text"} or {"prompt", "completion"}, with the prompts that the policy will meet again.

    `prompts` maps a task to its prompt; an item of pairs names its task. Questions without an answer's text and pairs
    that their source leaves out are dropped. Returns the documents and, for each item, how many were read and dropped.
    """
    documents: list[Row] = []
    report = []
    for item in items:
        read = 0
        before = len(documents)
        for row in read_documents(item):
            read += 1
            if "left_out" in row:
                continue
            if "text" in row:
                documents.append({"text": row["text"]})
            elif "question" in row:
                prompt = fill(question_prompt, context=row["context"], question=row["question"])
                if row["answers"][0].strip():
                    documents.append({"prompt": prompt, "completion": row["answers"][0]})
            else:
                prompt = fill(prompts[str(item.task)], source=row["source"])
                documents.append({"prompt": prompt, "completion": row["target"]})
        kept = len(documents) - before
        report.append({"source": item.model_dump(mode="json"), "read": read, "kept": kept, "dropped": read - kept})
    return documents, {"documents": len(documents), "items": report}


def contrastive_rows(
    sources: Sequence[EncoderSource], held_out: set[str], key: str
) -> tuple[list[Row], dict[str, int]]:
    """Rows of anchor, positive and, where the tables have it, negative; without those that hold a held-out text.

    Pairs are source and target as anchor and positive. Returns the rows and the counts read, kept, incomplete (an
    empty anchor or positive, or no partner in the other language), held_out (an anchor, positive or negative of a dev
    or test set). Raises InputError naming the config key where nothing is left, or some rows alone have a negative.
    """
    kept: list[Row] = []
    counts = {"read": 0, "kept": 0, "incomplete": 0, "held_out": 0}
    first_rows: dict[bool, str] = {}
    for source in sources:
        for row in _anchored(source):
            texts = {name: row[name] for name in ("anchor", "positive", "negative") if row.get(name)}
            complete = "anchor" in texts and "positive" in texts
            if complete:
                first_rows.setdefault("negative" in texts, f"{first_file(source)}: row {row['id']!r}")
            if len(first_rows) == 2:
                raise InputError(
                    f"{first_rows[False]} has no negative, {first_rows[True]} has one; all rows of {key} or none must "
                    "have a negative"
                )
            fate = "incomplete" if not complete else "kept" if held_out.isdisjoint(texts.values()) else "held_out"
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
