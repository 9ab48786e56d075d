"""Answers that end before a stop string, on a random model."""

from pathlib import Path
from typing import Any

import pytest

from semalign.generation.answers import generate, read_answer
from semalign.generation.stops import place
from semalign.generation.vllm_engine import completion
from semalign.policy.models import load_policy
from semalign.runtime.workspace import Workspace

TEXTS = ["书", "老师看书。", "妈妈做饭。孩子喝水。", "水"]


def answers(folder: Path, model: Any, tokenizer: Any, size: int, stops: list[str]) -> list[Any]:
    folder.mkdir()
    where: dict[str, Any] = {"workspace": Workspace(folder, 3600), "name": "test", "stops": stops}
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
