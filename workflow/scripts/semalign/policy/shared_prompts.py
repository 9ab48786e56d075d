"""A prompt, which all completions of its group share, read once in a training's forward pass; gradients stay exact."""

from typing import Any

import torch

from semalign.policy.decoding import distinct_rows

MOST = 0.5  # of the prompts are distinct where they are read apart; with more, one pass over all is as fast


def read_prompts(backbone: Any, ids: torch.Tensor, mask: torch.Tensor) -> Any:
    """The cache of all but the last token of each prompt, a row for each of `ids`, part of the graph of gradients.

    ids, mask: the prompts, (rows, tokens), padded on the left. None where too many of them are distinct.
    """
    length = ids.shape[1] - 1
    first, owner = distinct_rows(ids, mask)
    if length < 1 or len(first) > MOST * len(ids):
        return None
    given = {"input_ids": ids[first, :length], "attention_mask": mask[first, :length]}
    cache = backbone(**given, use_cache=True).past_key_values
    cache.batch_select_indices(owner)
    return cache
