"""Trainings whose number of updates is given, as in the short trials of a search."""

from pathlib import Path

from semalign.policy.grpo import train_grpo
from semalign.policy.sft import train_sft
from semalign.runtime.workspace import Workspace
from tests.conftest import PAIRS, work
from tests.unit.policy.test_training import HERE, PROMPT, SFT, fresh, grpo, short


def test_sft_makes_so_many_updates_and_its_schedule_spans_them(tiny_policy: Path, workspace: Workspace) -> None:
    """Of the eight updates of two epochs three; the linear rate falls by a third at each, from the peak."""
    model, tokenizer = fresh(tiny_policy)
    settings = SFT.model_copy(update={"schedule": "linear", "warmup_ratio": 0.0})
    report, history = train_sft(model, tokenizer, PAIRS, PROMPT, settings, **HERE, workspace=workspace, steps=3)
    assert report["steps"] == 3
    rates = [row["learning_rate"] / SFT.learning_rate for row in history if "loss" in row]
    assert [round(3 * rate) for rate in rates] == [3, 2, 1]


def test_grpo_makes_so_many_updates_however_few_its_epochs(tiny_policy: Path, workspace: Workspace) -> None:
    """16 prompts, two a batch: half an epoch makes four updates. One given number is less, the other more."""
    for steps in (2, 10):
        model, tokenizer = fresh(tiny_policy)
        report, _ = train_grpo(
            model,
            tokenizer,
            PAIRS,
            PROMPT,
            {"mine:short": short},
            grpo(epochs=0.5),
            **HERE,
            workspace=work(workspace.folder / str(steps)),
            steps=steps,
        )
        assert report["steps"] == steps
        assert report["completions"] == 16 * steps
