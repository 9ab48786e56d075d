"""Private parts of transformers and trl: another version is warned of, and a part that is gone is missed."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from transformers import Trainer
from trl import DPOTrainer, GRPOTrainer, SFTTrainer

from semalign.policy.trl_private import RolloutTrainer
from semalign.resume.parts import TokensSeen
from semalign.resume.private_parts import TESTED, TOKENS_SEEN, EpochsResumed, OrderedTrainer, check_versions


@pytest.mark.parametrize(
    ("library", "version", "warned"),
    [("trl", "1.16.9", False), ("trl", "1.17.0", True), ("trl", "2.0", True), ("transformers", "5.24.0", True)],
)
def test_a_version_that_was_not_tested_is_warned_of(
    library: str, version: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        check_versions({name: f"{tested}.0" for name, tested in TESTED.items()} | {library: version})
    assert (f"{library} {version} was not tested" in caplog.text) == warned


def test_the_installed_libraries_have_what_is_relied_on(caplog: pytest.LogCaptureFixture) -> None:
    check_versions()
    assert not caplog.text
    for trainer, name, ours in (
        (Trainer, "_get_train_sampler", OrderedTrainer),
        (GRPOTrainer, "_get_train_sampler", EpochsResumed),
        (GRPOTrainer, "_generate_single_turn", RolloutTrainer),
    ):
        assert callable(getattr(trainer, name)), name
        assert name in vars(ours)
    for counting in (SFTTrainer, DPOTrainer):
        assert TOKENS_SEEN in Path(counting.__init__.__globals__["__file__"]).read_text(encoding="utf-8")


def test_a_trainer_without_the_count_is_saved_and_resumed(tmp_path: Path) -> None:
    part = TokensSeen(SimpleNamespace())
    part.save(tmp_path)
    assert not list(tmp_path.iterdir())
    part.load(tmp_path)
    assert not vars(part.trainer)
    counting = SimpleNamespace(**{TOKENS_SEEN: 7})
    TokensSeen(counting).save(tmp_path)
    again = SimpleNamespace(**{TOKENS_SEEN: 0})
    TokensSeen(again).load(tmp_path)
    assert getattr(again, TOKENS_SEEN) == 7
