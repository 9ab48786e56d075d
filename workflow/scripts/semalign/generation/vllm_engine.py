"""Greedy answers by vLLM's offline engine instead of transformers: an option for test sets on a GPU."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from semalign.generation.answers import Asked, Completion, read_answer
from semalign.policy.models import ADAPTER_CONFIG
from semalign.policy.policy_tokenizer import end_tokens, load_tokenizer
from semalign.runtime.clock import model_work
from semalign.runtime.files import read_json
from semalign.text.prompts import prompt_ids

log = logging.getLogger(__name__)


def engine_arguments(base: str | Path, adapter: str | Path | None, longest: int) -> dict[str, Any]:
    """What `vllm.LLM` is given. longest: tokens of the longest prompt and its answer together.

    Without `max_model_len` vLLM would keep room for the longest text that the model can read at all; without
    `generation_config` it would obey the folder's settings for decoding.
    """
    arguments: dict[str, Any] = {"model": str(base), "dtype": "bfloat16", "max_model_len": longest, "seed": 0}
    arguments["generation_config"] = "vllm"
    if adapter is not None:
        rank = read_json(Path(adapter) / ADAPTER_CONFIG)["r"]
        arguments |= {"enable_lora": True, "max_loras": 1, "max_lora_rank": rank}
    return arguments


def completion(
    tokenizer: PreTrainedTokenizerBase,
    tokens: Sequence[int],
    finish_reason: str | None,
    ends: set[int],
    stops: Sequence[str] = (),
) -> Completion:
    """An answer as transformers' would be read: without its end token, which vLLM may leave in place."""
    kept = list(tokens[:-1]) if tokens and tokens[-1] in ends else list(tokens)
    found = read_answer(kept, tokenizer, set(), stops)
    stopped = not found.truncated
    return replace(found, truncated=finish_reason == "length" and not stopped)


def answer_with_vllm(
    base: str | Path,
    adapter: str | Path | None,
    testsets: dict[str, Asked],
    chat_template: str | None = None,
) -> dict[str, list[Completion]]:
    """Answers to the user turns of each test set, in their order, by one engine.

    The adapter stays beside the base, and vLLM rounds it to bfloat16.
    """
    from vllm import LLM, SamplingParams
    from vllm.lora.request import LoRARequest

    tokenizer = load_tokenizer(base, chat_template)
    prompts = {name: prompt_ids(tokenizer, asked.texts) for name, asked in testsets.items()}
    longest = max(len(ids) + testsets[name].max_new_tokens for name, all_ids in prompts.items() for ids in all_ids)
    engine = LLM(**engine_arguments(base, adapter, longest))
    lora = LoRARequest("adapter", 1, str(Path(adapter).absolute())) if adapter is not None else None
    ends = set(end_tokens(base, tokenizer))
    answers = {}
    for name, (_, most, stops) in testsets.items():
        # stop strings are found in the text, which vLLM then has to write
        text = {"detokenize": bool(stops), "stop": list(stops) or None}
        greedy = SamplingParams(temperature=0.0, max_tokens=most, stop_token_ids=sorted(ends), **text)
        with model_work():
            outputs = engine.generate([{"prompt_token_ids": ids} for ids in prompts[name]], greedy, lora_request=lora)
        found = [output.outputs[0] for output in outputs]
        answers[name] = [completion(tokenizer, one.token_ids, one.finish_reason, ends, stops) for one in found]
        log.info("%s: %d answers by vLLM", name, len(found))
    return answers
