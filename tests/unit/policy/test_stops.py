"""Answers that end before a stop string, on a random model."""

from pathlib import Path
from typing import Any

import pytest

from semalign.config.training import Grpo, Lora
from semalign.generation.answers import generate, read_answer
from semalign.generation.vllm_engine import completion
from semalign.policy.grpo import config, train_grpo
from semalign.policy.models import load_policy, new_adapter
from semalign.policy.stops import place
from semalign.runtime.files import read_jsonl
from tests.conftest import work

TEXTS = ["书", "老师看书。", "妈妈做饭。孩子喝水。", "水"]


def answers(folder: Path, model: Any, tokenizer: Any, size: int, stops: list[str]) -> list[Any]:
    where: dict[str, Any] = {"workspace": work(folder), "name": "test", "stops": stops}
    return generate(model, tokenizer, TEXTS, max_new_tokens=12, batch_size=size, **where)


def test_the_first_stop_string_is_the_one_that_begins_first() -> None:
    assert place("one\ntwo###", ["###", "\n"]) == 3
    assert place("one", ["\n"]) is None


def test_an_answer_is_cut_and_generation_ends_there(tiny_policy: Path, tmp_path: Path) -> None:
    model, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    free = answers(tmp_path / "free", model, tokenizer, 4, [])
    stop = next(one.text for one in free if len(one.text) > 5)[3:5]
    stopped = answers(tmp_path / "stopped", model, tokenizer, 4, [stop])
    assert any(stop in one.text for one in free)
    for whole, cut in zip(free, stopped, strict=True):
        assert cut.text == whole.text.partition(stop)[0]
        if stop in whole.text:
            assert not cut.truncated
            assert cut.tokens <= whole.tokens
        else:
            assert cut == whole
    alone = answers(tmp_path / "alone", model, tokenizer, 1, [stop])
    assert alone == stopped  # the same texts and the same count of tokens in any batch


def test_no_token_is_made_once_the_string_is_complete(tiny_policy: Path, tmp_path: Path) -> None:
    model, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    whole = answers(tmp_path / "free", model, tokenizer, 1, [])[1]
    steps: list[int] = []
    model.register_forward_hook(lambda *_: steps.append(1))
    stopped = answers(tmp_path / "stopped", model, tokenizer, 1, [whole.text[2]])
    assert len(steps) <= sum(one.tokens + 1 for one in stopped)  # the last one may be an end token
    assert stopped[1].tokens < 12


@pytest.mark.parametrize("tail", [[], "end", "pads"])
def test_what_follows_the_string_has_no_part(tiny_policy: Path, tail: Any) -> None:
    _, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    end = tokenizer.eos_token_id
    tokens = tokenizer("看书。做饭", add_special_tokens=False)["input_ids"]
    until = tokenizer("看书。", add_special_tokens=False)["input_ids"]
    after = {"end": [end], "pads": [tokenizer.pad_token_id] * 3}.get(str(tail), [])
    found = read_answer([*tokens, *after], tokenizer, {end}, ["。"])
    assert (found.text, found.tokens, found.truncated) == ("看书", len(until), False)
    assert completion(tokenizer, until, "stop", {end}, ["。"]) == found
    assert completion(tokenizer, tokens, "length", {end}, ["无"]).truncated


GRPO: dict[str, Any] = {"epochs": 1, "learning_rate": 1e-3, "batch_size": 8, "micro_batch_size": 4}
GRPO |= {"num_generations": 4, "max_new_tokens": 12, "max_prompt_tokens": 64, "temperature": 1.0, "top_p": 1.0}
GRPO |= {"warmup_ratio": 0.0, "rewards": {"mine:length": 1.0}}


def rolled_out(folder: Path, policy: Path, stops: list[str]) -> tuple[list[str], list[str], list[dict[str, Any]]]:
    """What the reward saw, what was written down, and the log of the steps."""
    model, tokenizer = load_policy(policy, "float32", "cpu")
    seen: list[str] = []

    def length(completions: list[str], *_: Any) -> list[float]:
        seen.extend(completions)
        return [float(len(text)) for text in completions]

    rows = [{"id": str(n), "source": text, "target": text} for n, text in enumerate(TEXTS)]
    where: dict[str, Any] = {"dtype": "float32", "device": "cpu", "seed": 0, "workspace": work(folder)}
    adapted = new_adapter(model, Lora(rank=2), 0)
    settings = Grpo.model_validate(GRPO)
    _, log = train_grpo(adapted, tokenizer, rows, "{source}", {"mine:length": length}, settings, **where, stops=stops)
    return seen, [row["completion"] for row in read_jsonl(folder / "rollouts.jsonl")], log


def test_rollouts_end_before_a_stop_string_too(tiny_policy: Path, tmp_path: Path) -> None:
    free, _, before = rolled_out(tmp_path / "free", tiny_policy, [])
    first = free[:8]  # of the first update: sampled by the same weights in both runs
    letters = [letter for letter in "".join(first) if letter.isascii() and letter.isalpha()]
    stop = max(letters, key=letters.count)
    seen, written, after = rolled_out(tmp_path / "stopped", tiny_policy, [stop])
    assert written == seen
    assert not any(stop in text for text in seen)
    assert seen[:8] == [text.partition(stop)[0] for text in first]
    assert after[0]["completions/mean_length"] < before[0]["completions/mean_length"]
    unstopped = [text for text in first if stop not in text]
    assert after[0]["completions/clipped_ratio"] <= len(unstopped) / len(first)
    assert after[0]["completions/clipped_ratio"] < before[0]["completions/clipped_ratio"]


def test_vllm_is_told_the_stop_strings(tmp_path: Path) -> None:
    settings = Grpo.model_validate(GRPO | {"generation": "vllm"})
    given = (settings, 4, [1], "float32", "cpu", 0, work(tmp_path))
    assert config(*given, ["\n"]).generation_kwargs == {"stop_token_ids": [1], "stop": ["\n"]}
    assert config(*given).generation_kwargs == {"stop_token_ids": [1]}
