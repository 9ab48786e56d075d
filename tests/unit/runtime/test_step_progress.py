"""Trainings that are watched: what is told, and that it changes nothing."""

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from semalign.config.training import Sft
from semalign.policy.models import save_adapter
from semalign.policy.sft import train_sft
from semalign.runtime.progress import SECONDS, heard
from tests.conftest import PAIRS, work
from tests.unit.policy.test_training import HERE, PROMPT, fresh, run_grpo

SFT = Sft(learning_rate=1e-2, epochs=1, batch_size=4, micro_batch_size=4, max_tokens=128)


def sft(policy: Path, folder: Path) -> None:
    model, tokenizer = fresh(policy)
    train_sft(model, tokenizer, PAIRS, PROMPT, SFT, **HERE, workspace=work(folder))
    save_adapter(model, folder / "adapter")


def grpo(policy: Path, folder: Path) -> None:
    model, tokenizer = fresh(policy)
    run_grpo(model, tokenizer, work(folder), epochs=1)
    save_adapter(model, folder / "adapter")


@pytest.mark.parametrize(
    ("train", "steps", "figures"),
    [
        (sft, 4, r"loss [\d.]+, token accuracy [\d.]+"),
        (grpo, 8, r"reward [-\d.]+, length [\d.]+, zero_variance [\d.]+"),
    ],
)
def test_a_training_tells_each_step_and_ends_with_the_bytes_of_one_that_nobody_watches(
    tiny_policy: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    train: Callable[[Path, Path], None],
    steps: int,
    figures: str,
) -> None:
    watched, alone = tmp_path / "watched", tmp_path / "alone"
    caplog.set_level(logging.INFO)
    read, write = os.pipe()
    monkeypatch.setenv(SECONDS, "0")
    with heard("train mt/x/0", write):
        train(tiny_policy, watched)
    os.close(write)
    with open(read, encoding="utf-8") as terminal:
        told = [line.rstrip("\n").partition(" train mt/x/0: ")[2] for line in terminal]
    ends = told[-1]
    assert re.fullmatch(rf"step {steps}/{steps}, {figures}, [\d,]+ tokens/s, all in \d+ s", ends)
    for step in range(1, steps):
        assert any(re.match(rf"step {step}/{steps}, .*\d+ s left$", line) for line in told)
    assert [record.getMessage() for record in caplog.records if record.getMessage().startswith("step")] == told
    monkeypatch.setenv(SECONDS, "3600")
    train(tiny_policy, alone)
    for path in (watched / "adapter").iterdir():
        assert path.read_bytes() == (alone / "adapter" / path.name).read_bytes()
