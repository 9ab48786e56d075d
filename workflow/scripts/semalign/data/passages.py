"""The fixed passages on which forgetting is measured: chosen by the hash of each text, pinned by one hash of all."""

import hashlib
import unicodedata
from collections.abc import Iterable
from typing import Any

from semalign.runtime.errors import InputError
from semalign.runtime.files import Row


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def digest(texts: Iterable[str]) -> str:
    """SHA-256 of the passages in their order: what `forgetting.sha256` pins."""
    return _hash("\n".join(map(_hash, texts)))


def select_passages(rows: Iterable[Row], wanted: int, pinned: str | None) -> tuple[list[Row], dict[str, Any]]:
    """The `wanted` distinct passages (NFC) with the smallest SHA-256, as rows of id and text, and a report.

    rows: questions with their `context`, or texts. Neither their order nor how many share a passage matters. Raises
    InputError where there are too few passages, or where the chosen ones are not those that `pinned`, the SHA-256 of
    the hashes in order, names.
    """
    texts = {unicodedata.normalize("NFC", row.get("context") or row["text"]) for row in rows}
    if len(texts) < wanted:
        raise InputError(
            f"config key forgetting.passages: {wanted} are asked for, the reading-comprehension set holds {len(texts)}"
        )
    hashes = sorted((_hash(text), text) for text in texts)[:wanted]
    found = digest(text for _, text in hashes)
    if pinned is not None and found != pinned:
        raise InputError(
            f"config key forgetting.sha256: {pinned} is pinned, the chosen passages have {found}: the test set is "
            "another; restore it, or pin this hash (null only records it) and compare with no earlier figure"
        )
    rows = [{"id": name[:16], "text": text} for name, text in hashes]
    return rows, {"available": len(texts), "passages": wanted, "sha256": found}
