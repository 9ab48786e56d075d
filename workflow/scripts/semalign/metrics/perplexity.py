"""How well a model predicts given texts: nats per token, perplexity, bits a byte.

Tokens of all texts are pooled. With the sum of log p over T tokens that stand for B bytes of UTF-8: nll = −sum/T,
ppl = exp(nll), bits_per_byte = −sum/(B ln 2), which models of other tokens may be compared by.
"""

from collections.abc import Sequence
from math import exp, log
from typing import Any

from semalign.runtime.errors import InputError
from semalign.runtime.files import Row


def score_texts(
    rows: Sequence[Row], sums: Sequence[float], tokens: Sequence[int], sizes: Sequence[int]
) -> tuple[dict[str, Any], list[Row]]:
    """Figures with n (texts) and the number of tokens and bytes, and figures by text.

    sums: log p of each text in nats, over so many tokens and bytes. Texts without a token that is predicted have no
    part; they are counted as `empty`.
    """
    items = [
        {
            "id": row["id"],
            "group": row["group"],
            "nll": -value / count,
            "bits_per_byte": -value / (size * log(2)),
            "tokens": count,
            "bytes": size,
        }
        for row, value, count, size in zip(rows, sums, tokens, sizes, strict=True)
        if count and size
    ]
    if not items:
        raise InputError("no text has a token to predict: the test set is empty")
    total = -sum(value for value, count, size in zip(sums, tokens, sizes, strict=True) if count and size)
    counted, size = (sum(item[name] for item in items) for name in ("tokens", "bytes"))
    scores = {
        "nll": total / counted,
        "ppl": exp(min(total / counted, 700.0)),
        "bits_per_byte": total / (size * log(2)),
        "n": len(items),
        "tokens": counted,
        "bytes": size,
        "empty": len(rows) - len(items),
    }
    return scores, items
