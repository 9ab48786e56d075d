"""The audit of rollouts while a policy trains: what it says, when it stops, that the training is the same with it."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from semalign.config.training import Grpo, Lora
from semalign.policy import rollout_audit
from semalign.policy.grpo import train_grpo
from semalign.policy.models import load_policy, new_adapter
from semalign.policy.rollout_audit import figures, tenths
from semalign.runtime.errors import InputError
from semalign.runtime.files import sha256
from semalign.runtime.workspace import Workspace
from tests.conftest import PAIRS
from tests.unit.scored import write_lines

ITEMS = {f"p{n}": {"source": f"s {n}", "target": f"word{n} here"} for n in range(4)}


def rollouts(step: int, *texts: str) -> list[dict[str, Any]]:
    """Two completions of each of four prompts."""
    return [{"step": step, "id": f"p{n // 2}", "completion": text} for n, text in enumerate(texts)]


def test_figures_of_rollouts_by_hand() -> None:
    logged = [{"step": 1, "entropy": 0.5, "completions/clipped_ratio": 0.25}, {"step": 2, "entropy": 0.3}]
    rows = rollouts(1, "yes", "yes", "yes", "here", "yes", "here", "yes", "here")
    found = figures(rows, ITEMS, logged)
    assert (found["over_used"], found["over_use"], found["n"]) == ("yes", 5 / 8, 8)
    assert found["entropy"] == pytest.approx(0.4)
    assert found["truncated"] == 0.25
    assert found["group_diversity"] == pytest.approx(3 / 4)


def test_no_more_texts_than_tell_something_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollout_audit, "MOST", 4)
    found = figures(rollouts(1, *"abcdefgh"), ITEMS, [])
    assert (found["n"], found["group_diversity"], found["truncated"]) == (4, 1, None)


def test_tenths_of_the_updates(tmp_path: Path) -> None:
    path = tmp_path / "rollouts.jsonl"
    eight = ["here"] * 8
    write_lines(path, [row for step in (1, 2, 4) for row in rollouts(step, *eight)])  # the third sampled nothing
    history = [{"step": step, "entropy": step / 10} for step in range(1, 5)] + [{"train_runtime": 1.0}]
    found = tenths(path, ITEMS, history, 4)
    assert [(part["first"], part["last"], part["n"], part["entropy"]) for part in found] == [
        (1, 1, 8, 0.1),
        (2, 2, 8, 0.2),
        (4, 4, 8, 0.4),
    ]
    write_lines(path, [row for step in range(1, 26) for row in rollouts(step, *eight)])
    assert [part["last"] for part in tenths(path, ITEMS, [], 25)] == [2, 5, 7, 10, 12, 15, 17, 20, 22, 25]


def one_word(completions: list[str], references: list[str], sources: list[str]) -> list[float]:
    return [float(len(text)) for text in completions]


def train(policy: Path, folder: Path, audit: dict[str, Any], **changes: Any) -> Any:
    """A short GRPO; its report, log, rollouts and adapter."""
    base, tokenizer = load_policy(policy, "float32", "cpu")
    model = new_adapter(base, Lora(rank=4, alpha=8, dropout=0.0), seed=0)
    values = {"learning_rate": 1e-2, "batch_size": 4, "micro_batch_size": 4, "num_generations": 2, "epochs": 1}
    settings = Grpo.model_validate(values | {"max_new_tokens": 6, "rewards": {"mine:one_word": 1.0}} | changes)
    folder.mkdir(exist_ok=True)
    workspace = Workspace(folder, 0, None, audit)
    where: dict[str, Any] = {"dtype": "float32", "device": "cpu", "seed": 0, "workspace": workspace}
    made = train_grpo(model, tokenizer, PAIRS, "{source}", {"mine:one_word": one_word}, settings, **where)
    return json.dumps(made), sha256(folder / "rollouts.jsonl")


OFTEN = {"training": {"every": 2}}
ANYTHING = {name: {"warning": 0.0, "collapsed": 0.0} for name in ("over_use", "divergence")}


def test_a_training_is_the_same_with_and_without_a_look_at_it(tiny_policy: Path, tmp_path: Path) -> None:
    never = train(tiny_policy, tmp_path / "never", {"training": {"every": 1000}})
    assert train(tiny_policy, tmp_path / "often", {"training": {"every": 1}}) == never
    report, _ = json.loads(never[0])
    assert report["rollouts"][0]["first"] == 1
    assert report["rollouts"][-1]["last"] == report["steps"]
    assert all(part["entropy"] > 0 for part in report["rollouts"])


def test_a_collapse_is_told_in_the_log(tiny_policy: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    train(tiny_policy, tmp_path / "run", OFTEN | {"thresholds": ANYTHING})
    said = [record.message for record in caplog.records if record.message.startswith("audit: ")]
    assert said[0].startswith("audit: collapsed: the rollouts of updates 1 to 2: “")
    assert " of the references; the words' frequencies lie " in said[0]


def test_a_training_that_collapsed_stops_if_asked_and_goes_on_if_not(tiny_policy: Path, tmp_path: Path) -> None:
    whole = train(tiny_policy, tmp_path / "whole", OFTEN)
    stopping = {"training": {"every": 4, "stop": True}, "thresholds": ANYTHING}
    for _ in range(2):  # the same command again stops for the same reason
        with pytest.raises(
            InputError, match=r"audit\.training\.stop: the policy has collapsed in .* updates 1 to 4: “"
        ):
            train(tiny_policy, tmp_path / "stopped", stopping)
        assert [path.name for path in (tmp_path / "stopped" / "checkpoints").glob("*-3")] == ["checkpoint-3"]
    assert train(tiny_policy, tmp_path / "stopped", OFTEN) == whole


def test_a_look_after_a_restart_sees_what_one_without_it_sees(
    tiny_policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[Any]] = {"whole": [], "killed": []}
    real = rollout_audit.verdict

    def noting(name: str) -> Any:
        def noted(found: Any, bars: Any) -> Any:
            seen[name].append(json.dumps(found))
            return real(found, bars)

        return noted

    monkeypatch.setattr(rollout_audit, "verdict", noting("whole"))
    train(tiny_policy, tmp_path / "whole", {"training": {"every": 3}})
    assert len(seen["whole"]) == 3  # after updates 3, 6 and 8, the last
    monkeypatch.setattr(rollout_audit, "verdict", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):  # at the first look, after update 3; the checkpoint is that of update 2
        train(tiny_policy, tmp_path / "killed", {"training": {"every": 3}})
    monkeypatch.setattr(rollout_audit, "verdict", noting("killed"))
    train(tiny_policy, tmp_path / "killed", {"training": {"every": 3}})
    assert seen["killed"] == seen["whole"]
