"""Answers sampled by a random model: seeds, order, greed, a kill, and the candidates made of them."""

from pathlib import Path
from typing import Any

from semalign.generation.answers import Sampling, generate, sample
from semalign.policy.candidates import scored
from semalign.policy.models import load_policy
from semalign.rewards.builtin import length_reward, repetition_reward
from semalign.runtime.workspace import Workspace
from tests.conftest import PAIRS, work

SOURCES = [row["source"] for row in PAIRS[:4]]


def sampled(policy: Path, folder: Path, texts: list[str], sampling: Sampling, batch_size: int = 8) -> Any:
    model, tokenizer = load_policy(policy, "float32", "cpu")
    options: dict[str, Any] = {"max_new_tokens": 6, "batch_size": batch_size, "name": "candidates"}
    return sample(model, tokenizer, texts, sampling, **options, workspace=work(folder))


def test_samples_differ_by_seed_alone_and_keep_their_order(tiny_policy: Path, tmp_path: Path) -> None:
    folders = [tmp_path / str(n) for n in range(3)]
    one = sampled(tiny_policy, folders[0], SOURCES, Sampling(3, 1.0, 1.0, 0))
    assert one == sampled(tiny_policy, folders[1], SOURCES, Sampling(3, 1.0, 1.0, 0))
    assert one != sampled(tiny_policy, folders[2], SOURCES, Sampling(3, 1.0, 1.0, 1))
    assert [len(own) for own in one] == [3] * 4
    assert len({answer.text for own in one for answer in own}) > 4


def test_sampling_at_no_temperature_is_greedy(tiny_policy: Path, tmp_path: Path, workspace: Workspace) -> None:
    found = sampled(tiny_policy, tmp_path, SOURCES, Sampling(2, 1e-4, 1.0, 0))
    model, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    likeliest = generate(model, tokenizer, SOURCES, max_new_tokens=6, batch_size=4, workspace=workspace, name="greedy")
    assert found == [[answer, answer] for answer in likeliest]


def test_a_killed_sampling_ends_as_it_would_have(tiny_policy: Path, tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    whole = sampled(tiny_policy, tmp_path, SOURCES, Sampling(3, 1.0, 1.0, 0), batch_size=6)
    lines = (tmp_path / "candidates.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) == 12  # two batches of two prompts
    (tmp_path / "killed" / "candidates.jsonl").write_text("".join([*lines[:8], lines[8][:5]]), encoding="utf-8")
    assert sampled(tiny_policy, tmp_path / "killed", SOURCES, Sampling(3, 1.0, 1.0, 0), batch_size=6) == whole


def test_candidates_are_of_their_prompts(tiny_policy: Path, tmp_path: Path) -> None:
    answers = sampled(tiny_policy, tmp_path, SOURCES, Sampling(2, 1.0, 1.0, 0))
    texts = [[answer.text for answer in own] for own in answers]
    found = scored(PAIRS[:4], texts, {"length": length_reward, "repetition": repetition_reward}, {"length": 1.0})
    assert [row["id"] for row in found] == ["0", "0", "1", "1", "2", "2", "3", "3"]
    assert [row["completion"] for row in found] == [text for own in texts for text in own]
