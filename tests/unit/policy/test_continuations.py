"""Log-likelihoods against a straightforward reference: one text at a time, by the model's own logits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semalign.policy.chat_template import start_ids
from semalign.policy.continuations import Continuation, loglikelihoods, of_answer, of_text, whole_text
from semalign.policy.likelihood import token_statistics
from semalign.policy.models import load_policy
from semalign.policy.policy_tokenizer import load_tokenizer
from semalign.text.prompts import prompt_ids
from tests.conftest import work
from tests.unit.policies import TEMPLATES, policy, tokenizer_of

PAIRS = [
    ("书", "在哪里"),
    ("老师看书。", "学生"),
    ("妈妈做饭。孩子喝水。", "在家。"),
    ("水", "喝水喝水喝水"),
    ("a", " b"),
]


@torch.no_grad()
def reference(model: Any, ids: list[int], first: int) -> float:
    """The sum over tokens from `first` on, by a loop."""
    log_p = torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), dim=-1)
    return float(sum(log_p[place - 1, ids[place]] for place in range(max(1, first), len(ids))))


def measured(folder: Path, model: Any, tokenizer: Any, sequences: list[Continuation], size: int) -> list[float]:
    where: dict[str, Any] = {"workspace": work(folder), "name": "x"}
    return loglikelihoods(model, tokenizer, sequences, batch_size=size, chunk_tokens=5, **where)


@pytest.mark.parametrize("family", ["chatml", "gemma"])  # without and with a token that begins a text
def test_sums_equal_a_loop_over_single_texts(family: str, tmp_path: Path) -> None:
    folder = policy(tmp_path / "policy", tokenizer_of(family))
    model, tokenizer = load_policy(folder, "float32", "cpu")
    for make in (of_text, of_answer):
        sequences = [make(tokenizer, prompt, continuation, 512) for prompt, continuation in PAIRS]
        expected = []
        for prompt, continuation in PAIRS:
            if make is of_text:
                bare, whole = (
                    tokenizer(text, add_special_tokens=False)["input_ids"] for text in (prompt, prompt + continuation)
                )
                start = start_ids(tokenizer)
                assert whole[: len(bare)] == bare  # these prompts end with a token, so that both ways agree
                ids, first = start + whole, len(start) + len(bare)
            else:
                asked = prompt_ids(tokenizer, [prompt])[0]
                ids, first = asked + tokenizer(continuation, add_special_tokens=False)["input_ids"], len(asked)
            expected.append(reference(model, ids, first))
        for size in (1, 3, 8):
            found = measured(tmp_path / f"{make.__name__}{size}", model, tokenizer, sequences, size)
            assert found == pytest.approx(expected, abs=1e-3)
    assert bool(start_ids(tokenizer)) == (family == "gemma")


def test_a_job_that_was_stopped_goes_on(tiny_policy: Path, tmp_path: Path) -> None:
    model, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    sequences = [of_text(tokenizer, prompt, continuation, 512) for prompt, continuation in PAIRS]
    whole = measured(tmp_path / "whole", model, tokenizer, sequences, 2)
    lines = (tmp_path / "whole" / "x.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "x.jsonl").write_text("".join(lines[:2]) + lines[2][:9])  # a line that a kill cut off
    passes: list[int] = []
    model.register_forward_hook(lambda *_: passes.append(1))
    assert measured(tmp_path / "part", model, tokenizer, sequences, 2) == whole
    assert (tmp_path / "part" / "x.jsonl").read_text().splitlines(keepends=True) == lines


def test_the_boundary_is_that_of_the_joint_tokens(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(policy(tmp_path / "policy", tokenizer_of("chatml")))
    one = of_text(tokenizer, "老师", "看书", 512)
    assert tokenizer.decode(one.ids[one.first :]) == "看书"
    # a token that reaches over the boundary is the continuation's
    ids = tokenizer("abab", add_special_tokens=False)["input_ids"]
    for cut in range(1, 4):
        one = of_text(tokenizer, "abab"[:cut], "abab"[cut:], 512)
        assert one.ids == ids
        assert "abab"[cut:] in tokenizer.decode(one.ids[one.first :])


def test_a_long_prompt_loses_its_beginning_and_keeps_the_start(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(policy(tmp_path / "policy", tokenizer_of("gemma")))
    whole = of_text(tokenizer, "老师看书。" * 9, "学生", 512)
    cut = of_text(tokenizer, "老师看书。" * 9, "学生", 12)
    assert (len(cut.ids), cut.cut, whole.cut) == (12, True, False)
    assert cut.ids[:1] == whole.ids[:1] == start_ids(tokenizer)
    assert cut.ids[cut.first :] == whole.ids[whole.first :]
    assert cut.ids[1:] == whole.ids[-11:]


@pytest.mark.parametrize("family", ["chatml", "gemma"])
def test_whole_texts_have_the_likelihood_that_table_6_has(family: str, tmp_path: Path) -> None:
    assert family in TEMPLATES
    model, tokenizer = load_policy(policy(tmp_path / "policy", tokenizer_of(family)), "float32", "cpu")
    texts = ["老师看书。妈妈做饭。", "水", "孩子喝水。" * 8]
    made = [whole_text(tokenizer, text, 40) for text in texts]
    sums = measured(tmp_path / "w", model, tokenizer, [one for one, _ in made], 2)
    arrays, cut = token_statistics(model, tokenizer, texts, max_tokens=40, batch_size=2, chunk_tokens=9)
    for place, (one, size) in enumerate(made):
        own = arrays["nll"][arrays["passage"] == place].astype(np.float64)
        assert -sums[place] == pytest.approx(own.sum(), abs=1e-3)
        assert one.tokens == len(own)
        assert size == len(texts[place].encode()) or one.cut
    assert cut == sum(one.cut for one, _ in made) == 1
    kept = str(tokenizer.decode(made[2][0].ids, skip_special_tokens=True))
    assert abs(made[2][1] - len(kept.encode())) <= 3  # the cut may go through a character
