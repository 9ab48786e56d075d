"""Curves in an experiment tracker: those of the training's own log, in one run, and no other result for it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from semalign.config.training import Lora, Optimisation
from semalign.policy.models import load_policy, new_adapter, save_adapter
from semalign.policy.preferences import train_dpo
from semalign.runtime.files import read_json, sha256
from semalign.runtime.workspace import Workspace
from tests.conftest import PAIRS
from tests.unit.ranked_job import HERE, started
from tests.unit.resume.test_checkpoints import BATCHES, base, encoder, grpo, killed_at, sft

RUNS = Path("results", "tracking", "tensorboard")
PATIENCE = 300  # seconds, for a job that imports everything on a busy machine
EXTRA = "is an extra: envs/requirements-{}.txt"


def dpo(policy: Path, output: Path, workspace: Workspace) -> Any:
    loaded, tokenizer = load_policy(policy, "float32", "cpu")
    model = new_adapter(loaded, Lora(rank=4, alpha=8, dropout=0.0), seed=0)
    rows = [{"source": row["source"], "chosen": row["target"], "rejected": row["source"]} for row in PAIRS]
    settings = Optimisation.model_validate(BATCHES | {"epochs": 1})
    made = train_dpo(model, tokenizer, rows, "{source}", settings, 0.1, **HERE, seed=0, workspace=workspace)
    save_adapter(model, output)
    return made


TRAININGS: dict[str, tuple[Callable[[Path, Path, Workspace], Any], str, Callable[[Any], list[dict[str, Any]]]]] = {
    "sft": (sft, "loss", lambda made: made[1]),
    "grpo": (grpo, "reward", lambda made: made[0][1]),
    "dpo": (dpo, "rewards/margins", lambda made: made[1]),
    "base": (base, "loss", lambda made: made[1]),
    "encoder": (encoder, "loss", lambda made: made["loss"]),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def work(folder: Path, name: str, run: str | None = "mt/rl/0", seconds: float = 3600) -> Workspace:
    (folder / name).mkdir()
    tracking = {"kind": "tensorboard", "project": "project", "run": run} if run else None
    return Workspace(folder / name, checkpoint_seconds=seconds, tracking=tracking)


def curve(name: str, figure: str) -> list[tuple[int, float]]:
    """(step, value) of a figure in TensorBoard's run of that name, as TensorBoard shows it."""
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason=f"tensorboard {EXTRA.format('dev')}"
    )
    events = accumulator.EventAccumulator(str(RUNS / name))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(f"train/{figure}")]


def expected(history: list[dict[str, Any]], figure: str) -> Any:
    return [(row["step"], pytest.approx(row[figure], rel=1e-6, abs=1e-6)) for row in history]  # of 32 bits


@pytest.mark.parametrize("name", TRAININGS)
def test_the_curves_are_the_log_and_the_result_is_the_same(name: str, tiny_policy: Path, here: Path) -> None:
    pytest.importorskip("tensorboard", reason=f"tensorboard {EXTRA.format('dev')}")
    train, figure, history = TRAININGS[name]
    without = train(tiny_policy, here / "without", work(here, "work", run=None))
    assert not Path("results").exists()
    made = train(tiny_policy, here / "with", work(here, "tracked"))
    assert json.dumps(made) == json.dumps(without)
    assert sha256(here / "with") == sha256(here / "without")
    assert len(history(made)) > 2
    assert curve("mt/rl/0", figure) == expected(history(made), figure)


def test_a_killed_training_continues_its_run_and_a_new_one_is_another(
    tiny_policy: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard", reason=f"tensorboard {EXTRA.format('dev')}")
    killed = work(here, "killed", run="base", seconds=0)
    with monkeypatch.context() as patch:
        killed_at(11, patch)
        with pytest.raises(KeyboardInterrupt):
            base(tiny_policy, here / "made", killed)
    assert [step for step, _ in curve("base", "loss")] == list(range(1, 11))
    (killed.folder / "checkpoints" / "checkpoint-10" / "complete.json").unlink()  # what was logged since is repeated
    made = base(tiny_policy, here / "made", killed)
    assert curve("base", "loss") == expected(made[1], "loss")
    assert [path.name for path in RUNS.iterdir()] == ["base"]
    anew = base(tiny_policy, here / "made", work(here, "anew", run="base"))
    assert sorted(path.name for path in RUNS.iterdir()) == ["base", "base-2"]
    assert curve("base-2", "loss") == expected(anew[1], "loss")


def start(folder: Path, policy: Path, kind: str, processes: int) -> "subprocess.Popen[str]":
    settings = {"kind": "sft", "base": str(policy), "dropout": 0.0, "policy": HERE, "processes": processes}
    tracking = {"tracking": kind, "tracking_project": "project"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("TRACKIO_DIR", str(folder / "trackio"))
        return started(folder, "train", settings, "results/mt/rl/0/adapter", checkpoint_seconds=0, **tracking)


def runs_of_tensorboard(folder: Path) -> dict[str, list[tuple[int, float]]]:
    names = {path.parent.relative_to(folder / RUNS).as_posix() for path in (folder / RUNS).rglob("events.*")}
    return {name: curve(name, "loss") for name in names}


def runs_of_trackio(folder: Path) -> dict[str, list[tuple[int, float]]]:
    def asked(*words: str) -> Any:
        command = [sys.executable, "-m", "trackio.cli", *words, "--project", "project", "--json"]
        environment = os.environ | {"HF_HUB_OFFLINE": "1", "TRACKIO_DIR": str(folder / "trackio")}
        return json.loads(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)

    found = {}
    for name in asked("list", "runs")["runs"]:
        values = asked("get", "metric", "--run", name, "--metric", "train/loss")["values"]
        found[name] = sorted({(entry["step"], entry["value"]) for entry in values})  # a repeated step has its value
    return found


@pytest.mark.long
@pytest.mark.parametrize("kind", ["tensorboard", "trackio"])
def test_a_job_that_is_stopped_continues_its_run(kind: str, tiny_policy: Path, here: Path) -> None:
    pytest.importorskip(kind, reason=f"{kind} {EXTRA.format(kind)}")
    killed = start(here, tiny_policy, kind, processes=1)
    deadline = time.monotonic() + PATIENCE
    while not list((here / "results").rglob("checkpoint-2/complete.json")):
        assert killed.poll() is None, (here / "log.txt").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    killed.send_signal(signal.SIGTERM)
    killed.communicate(timeout=PATIENCE)
    assert killed.returncode == 128 + signal.SIGTERM
    job = start(here, tiny_policy, kind, processes=1)
    _, said = job.communicate(timeout=PATIENCE)
    log = (here / "log.txt").read_text()
    assert job.returncode == 0, said + log
    assert "resuming from here" in log
    _, history = read_json(here / "made.json")
    runs = {"tensorboard": runs_of_tensorboard, "trackio": runs_of_trackio}[kind](here)
    assert list(runs) == ["mt/rl/0"]
    assert runs["mt/rl/0"] == expected(history, "loss")


@pytest.mark.long
def test_of_two_processes_the_first_logs(tiny_policy: Path, here: Path) -> None:
    pytest.importorskip("tensorboard", reason=f"tensorboard {EXTRA.format('dev')}")
    job = start(here, tiny_policy, "tensorboard", processes=2)
    _, said = job.communicate(timeout=PATIENCE)
    assert job.returncode == 0, said + (here / "log.txt").read_text()
    assert len(list((here / RUNS).rglob("events.*"))) == 1
    _, history = read_json(here / "made.json")
    assert curve("mt/rl/0", "loss") == expected(history, "loss")


def test_wandb_stays_offline_and_a_killed_training_keeps_its_id(
    tiny_policy: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason=f"wandb {EXTRA.format('wandb')}")
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    killed = work(here, "killed", seconds=0)
    killed = Workspace(killed.folder, 0, tracking={"kind": "wandb", "project": "project", "run": "base"})
    with monkeypatch.context() as patch:
        killed_at(4, patch)
        with pytest.raises(KeyboardInterrupt):
            base(tiny_policy, here / "made", killed)
    base(tiny_policy, here / "made", killed)
    parts = [path.name.split("-") for path in Path("results", "tracking", "wandb", "wandb").glob("offline-run-*")]
    assert len(parts) == 2
    assert len({part[-1] for part in parts}) == 1
