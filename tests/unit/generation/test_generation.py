"""Greedy generation on a random model."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from semalign.generation.answers import Completion, generate
from semalign.policy.models import load_policy
from semalign.runtime.workspace import Workspace
from semalign.text.prompts import fill, prompt_text
from tests.conftest import work

TEXTS = ["书", "老师看书。", "妈妈做饭。孩子喝水。", "水"]


def answer(model: Any, tokenizer: Any, texts: list[str], **options: Any) -> list[Completion]:
    """generate in a workspace of its own."""
    with TemporaryDirectory() as folder:
        return generate(model, tokenizer, texts, **options, workspace=work(Path(folder)), name="test")


def test_batching_changes_nothing_and_order_is_kept(tiny_policy: Path) -> None:
    model, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    one_by_one = answer(model, tokenizer, TEXTS, max_new_tokens=6, batch_size=1)
    together = answer(model, tokenizer, TEXTS, max_new_tokens=6, batch_size=4)
    assert one_by_one == together
    assert answer(model, tokenizer, TEXTS[::-1], max_new_tokens=6, batch_size=3) == together[::-1]


def test_it_takes_the_likeliest_token_at_each_step(tiny_policy: Path) -> None:
    model, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    model.generation_config.do_sample, model.generation_config.temperature = True, 5.0
    ids = tokenizer(prompt_text(tokenizer, TEXTS[1]), add_special_tokens=False, return_tensors="pt")["input_ids"]
    expected: list[int] = []
    with torch.no_grad():
        for _ in range(6):
            token = int(model(ids).logits[0, -1].argmax())
            if token == tokenizer.eos_token_id:
                break
            expected.append(token)
            ids = torch.cat([ids, torch.tensor([[token]])], dim=1)
    completion = answer(model, tokenizer, [TEXTS[1]], max_new_tokens=6, batch_size=1)[0]
    assert completion.text == tokenizer.decode(expected, skip_special_tokens=True)
    assert completion.tokens == len(expected)
    assert completion.truncated == (len(expected) == 6)


def test_fill_replaces_named_fields_alone() -> None:
    assert fill("{source} {x} {}", source="{source}") == "{source} {x} {}"
    assert fill("{context}问：{question}", context="{question}", question="Q") == "{question}问：Q"


def test_a_batch_that_is_there_is_not_made_again(tiny_policy: Path, workspace: Workspace) -> None:
    model, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    options: dict[str, Any] = {"max_new_tokens": 6, "batch_size": 2}
    whole = answer(model, tokenizer, TEXTS, **options)
    generate(model, tokenizer, TEXTS, **options, workspace=workspace, name="test")
    journal = workspace.folder / "test.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    marked = [line.replace('"text": "', '"text": "*') for line in lines[:2]]
    journal.write_text("".join([*marked, lines[2][:9]]), encoding="utf-8")  # a kill in the midst of the second batch
    resumed = generate(model, tokenizer, TEXTS, **options, workspace=workspace, name="test")
    assert sum(one != other for one, other in zip(whole, resumed, strict=True)) == 2  # the marked ones were kept
    assert [c.text.removeprefix("*") for c in resumed] == [c.text for c in whole]
    assert len(journal.read_text(encoding="utf-8").splitlines()) == 4
