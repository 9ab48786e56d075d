"""Training texts of the models that are made on the spot: a policy's documents, an encoder's triplets."""

from collections.abc import Sequence
from typing import Any

from semalign.config.data import CorpusItem, Table
from semalign.errors import InputError
from semalign.files import Row
from semalign.prompts import fill
from semalign.sources import read_documents
from semalign.tabular import read_rows


def pretraining_documents(
    items: Sequence[CorpusItem], prompts: dict[str, str], question_prompt: str
) -> tuple[list[Row], dict[str, Any]]:
    """Documents {"text"} or {"prompt", "completion"}, with the prompts that the policy will meet again.

    `prompts` maps a task to its prompt; an item of pairs names its task. Questions without an answer's text are
    dropped. Returns the documents and, for each item, how many were read and dropped.
    """
    documents: list[Row] = []
    report = []
    for item in items:
        read = 0
        before = len(documents)
        for row in read_documents(item):
            read += 1
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


def contrastive_rows(tables: Sequence[Table], held_out: set[str], key: str) -> tuple[list[Row], dict[str, int]]:
    """Rows of anchor, positive and, where the tables have it, negative; without those that hold a held-out text.

    Returns the rows and the counts read, kept, held_out (an anchor, positive or negative of a dev or test set).
    Raises InputError naming the config key where nothing is left, or some rows alone have a negative.
    """
    kept: list[Row] = []
    first_rows: dict[bool, str] = {}
    read = 0
    for table in tables:
        for row in read_rows(table, ("anchor", "positive"), ("negative",)):
            read += 1
            texts = {name: row[name] for name in ("anchor", "positive", "negative") if row.get(name)}
            first_rows.setdefault("negative" in texts, f"{table.path}: row {row['id']!r}")
            if len(first_rows) == 2:
                raise InputError(
                    f"{first_rows[False]} has no negative, {first_rows[True]} has one; all rows of {key} or none must "
                    "have a negative"
                )
            if held_out.isdisjoint(texts.values()):
                kept.append(texts)
    if not kept:
        raise InputError(f"{key}: all {read} rows hold a text of a dev or test set; give the encoder data of its own")
    return kept, {"read": read, "kept": len(kept), "held_out": read - len(kept)}
