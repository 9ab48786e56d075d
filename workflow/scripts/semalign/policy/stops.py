"""Stop strings: texts before which an answer ends, whatever tokens they are made of."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase, StoppingCriteria


class StopsAt(StoppingCriteria):
    """Ends each answer of a batch once its text holds one of the stop strings; `start`: tokens of the padded prompt.

    The whole answer is decoded at each step, since a string may begin and end within tokens.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stops: Sequence[str], start: int) -> None:
        self.tokenizer, self.stops, self.start = tokenizer, list(stops), start

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        texts = self.tokenizer.batch_decode(input_ids[:, self.start :], skip_special_tokens=True)
        return torch.tensor([place(text, self.stops) is not None for text in texts], device=input_ids.device)


def place(text: str, stops: Sequence[str]) -> int | None:
    """Where the first of the stop strings begins; None where there is none."""
    return min((at for stop in stops if (at := text.find(stop)) >= 0), default=None)


def ended(tokenizer: PreTrainedTokenizerBase, answer: Sequence[int], stops: Sequence[str]) -> tuple[str, int] | None:
    """The text before the first stop string, and how many tokens were made until one was complete; None without one.

    answer: the tokens of an answer without its end token. The count is the same in any batch: what follows the string,
    as padding or as tokens of a model that was not stopped, has no part.
    """

    def text(length: int) -> str:
        return str(tokenizer.decode(list(answer[:length]), skip_special_tokens=True))

    if not stops or place(text(len(answer)), stops) is None:
        return None
    tokens = bisect_left(range(1, len(answer)), True, key=lambda length: place(text(length), stops) is not None) + 1
    found = text(tokens)
    return found[: place(found, stops)], tokens
