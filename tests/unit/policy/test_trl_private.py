"""Private parts of trl: another version is warned of, and a part that is gone is missed."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
from trl import GRPOTrainer, SFTTrainer

from semalign.policy.trl_private import COUNT, RolloutTrainer, TokensSeen, check_version


@pytest.mark.parametrize(("version", "warned"), [("1.16.0", False), ("1.16.9", False), ("1.17.0", True), ("2.0", True)])
def test_a_version_that_was_not_tested_is_warned_of(
    version: str, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        check_version(version)
    assert (f"trl {version} was not tested" in caplog.text) == warned


def test_the_installed_trl_has_what_is_relied_on(caplog: pytest.LogCaptureFixture) -> None:
    check_version()
    assert not caplog.text
    for name in ("_get_train_sampler", "_generate_single_turn"):
        assert callable(getattr(GRPOTrainer, name)), name
        assert name in vars(RolloutTrainer)
    assert COUNT in Path(SFTTrainer.__init__.__globals__["__file__"]).read_text(encoding="utf-8")


def test_a_trainer_without_the_count_is_saved_and_resumed(tmp_path: Path) -> None:
    part = TokensSeen(SimpleNamespace())
    part.save(tmp_path)
    assert not list(tmp_path.iterdir())
    part.load(tmp_path)
    assert not vars(part.trainer)
    counting = SimpleNamespace(**{COUNT: 7})
    TokensSeen(counting).save(tmp_path)
    again = SimpleNamespace(**{COUNT: 0})
    TokensSeen(again).load(tmp_path)
    assert getattr(again, COUNT) == 7
