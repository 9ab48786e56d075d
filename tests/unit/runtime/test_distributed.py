"""Trainings of two processes on the CPU, through the job that starts them: the same training, killed or not."""

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from semalign.config.training import Lora, Sft
from semalign.policy.models import load_policy, new_adapter
from semalign.policy.sft import train_sft
from semalign.runtime.files import read_json, read_jsonl, sha256
from semalign.runtime.progress import SECONDS
from semalign.runtime.workspace import Workspace
from tests.conftest import PAIRS
from tests.unit.ranked_job import GRPO, HERE, LORA, SFT, started


def start(folder: Path, main: str, *, seconds: float = 3600, **settings: Any) -> "subprocess.Popen[str]":
    """The job of two processes, as Snakemake starts one, with `folder` as its working directory."""
    folder.mkdir(exist_ok=True)
    audit = {"training": {"every": 2}}
    settings = {"processes": 2, "policy": HERE} | settings
    return started(folder, main, settings, checkpoint_seconds=seconds, audit=audit)


def run(folder: Path, main: str, *, seconds: float = 3600, **settings: Any) -> tuple[int, str]:
    """(exit status, what it says on the terminal) of the job, with its log where that tells more."""
    job = start(folder, main, seconds=seconds, **settings)
    _, said = job.communicate(timeout=120)
    return job.returncode, said


def wait_for(what: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.long
def test_sft_on_two_processes_is_sft_on_one(
    tiny_policy: Path, tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECONDS, "0")
    status, said = run(tmp_path / "two", "train", kind="sft", base=str(tiny_policy), dropout=0.0)
    assert status == 0, said + (tmp_path / "two" / "log.txt").read_text()
    assert said.count(" train: step 4/4, loss ") == 1  # the first process alone says how far it is
    base, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    model = new_adapter(base, Lora.model_validate(LORA | {"dropout": 0.0}), seed=0)
    one, log = train_sft(
        model, tokenizer, PAIRS, "{source}", Sft.model_validate(SFT), **HERE, seed=0, workspace=workspace
    )
    two, log_of_two = read_json(tmp_path / "two" / "made.json")
    assert (two["processes"], one["processes"]) == (2, 1)
    assert two["steps"] == one["steps"] == 2 * len(PAIRS) // 8
    assert two["repeated_examples_an_epoch"] == 0
    assert [row["loss"] for row in log_of_two] == pytest.approx([row["loss"] for row in log], rel=1e-5)
    assert [row["num_tokens"] for row in log_of_two] == [row["num_tokens"] for row in log]
    weights = load_file(tmp_path / "two" / "results" / "made" / "adapter_model.safetensors")
    expected = {name: p.detach() for name, p in model.named_parameters() if "lora_" in name}
    for name, tensor in weights.items():
        other = expected[name.replace(".weight", ".default.weight")]
        torch.testing.assert_close(tensor, other, atol=1e-5, rtol=0)
    record = read_json(tmp_path / "two" / "results" / "made.provenance.json")
    assert record["processes"] == 2
    assert record["model_seconds"] > 0  # of the process that trained
    assert list((tmp_path / "two" / "results" / "unfinished").iterdir()) == []


@pytest.fixture(scope="module")
def grpo(tiny_policy: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of an undisturbed GRPO of two processes, and its settings."""
    folder = tmp_path_factory.mktemp("grpo")
    settings: dict[str, Any] = {"kind": "grpo", "base": str(tiny_policy), "dropout": 0.05}
    status, said = run(folder, "train", **settings)
    assert status == 0, said + (folder / "log.txt").read_text()
    return folder, settings


def test_every_rollout_is_written_once_and_in_the_order_of_the_prompts(grpo: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = grpo
    rows = list(read_jsonl(folder / "rollouts.jsonl"))
    group, epochs = GRPO["num_generations"], GRPO["epochs"]
    assert len(rows) == epochs * len(PAIRS) * group
    assert [row["step"] for row in rows] == [1 + i // GRPO["batch_size"] for i in range(len(rows))]
    groups = [{row["id"] for row in rows[i : i + group]} for i in range(0, len(rows), group)]
    assert all(len(ids) == 1 for ids in groups)
    assert Counter(id_ for ids in groups for id_ in ids) == {row["id"]: epochs for row in PAIRS}
    report, log = read_json(folder / "made.json")
    assert report["completions"] == len(rows)
    first = rows[: GRPO["batch_size"]]
    assert report["rollouts"][-1]["last"] == report["steps"]
    assert (folder / "log.txt").read_text().count(": the rollouts of updates 1 to 2: ") == 1  # by the first process
    assert log[0]["reward"] == pytest.approx(sum(row["length"] for row in first) / len(first), abs=1e-6)


@pytest.mark.long
def test_killed_it_ends_as_it_would_have(grpo: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    whole, settings = grpo
    folder = tmp_path / "killed"
    job = start(folder, "train", seconds=0, **settings)
    wait_for(lambda: list(folder.glob("results/unfinished/*/*/checkpoints/checkpoint-10/complete.json")))
    ranks = psutil.Process(job.pid).children()
    assert len(ranks) == 2
    job.kill()
    job.communicate()
    _, alive = psutil.wait_procs(ranks, timeout=20)
    assert alive == []  # no process outlives its job
    status, said = run(folder, "train", seconds=0, **settings)
    assert status == 0, said + (folder / "log.txt").read_text()
    assert (folder / "log.txt").read_text().count("resuming from here") == 1
    for name in ("made.json", "rollouts.jsonl", "snapshots.json"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes(), name
    assert sha256(folder / "results" / "made") == sha256(whole / "results" / "made")
    assert [read_json(of / "results" / "made.provenance.json")["resumed"] for of in (whole, folder)] == [False, True]


@pytest.mark.long
def test_asked_to_stop_all_processes_stop_where_nothing_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "job"
    job = start(folder, "waits")
    wait_for(lambda: (folder / "up0").exists() and (folder / "up1").exists())
    for process in [psutil.Process(job.pid), *psutil.Process(job.pid).children()]:
        process.terminate()  # as Snakemake and SLURM do, which know nothing of who started whom
    _, said = job.communicate(timeout=60)
    assert job.returncode == 128 + signal.SIGTERM
    assert said == "train: stopped; the same command resumes from here\n"
    assert (folder / "saved0").exists()
    assert (folder / "saved1").exists()
    assert list(folder.glob("results/unfinished/*.lock")) == []


def test_processes_agree_and_share_the_threads(tmp_path: Path) -> None:
    status, said = run(tmp_path / "job", "agree")
    assert status == 0, said
    assert read_json(tmp_path / "job" / "results" / "made") == [2, [0, 1], "of 0", ["1", "1"]]


def test_what_all_processes_find_wrong_is_said_once(tmp_path: Path) -> None:
    status, said = run(tmp_path / "job", "wrong_input")
    assert (status, said) == (1, "train: config key rl.max_prompt_tokens: raise it\n")
    log = (tmp_path / "job" / "log.txt").read_text()
    assert log.count("raise it") == 1
    assert "Traceback" not in log


@pytest.mark.long
def test_what_one_process_finds_wrong_is_said_and_not_what_the_others_miss(tmp_path: Path) -> None:
    status, said = run(tmp_path / "job", "one_wrong")
    assert (status, said) == (1, "train: reward mine: returned 1 figure for 8 completions\n")


@pytest.mark.long
def test_a_process_that_dies_ends_the_job_with_its_cause(tmp_path: Path) -> None:
    status, said = run(tmp_path / "job", "dies")
    assert status == 1
    assert said.startswith("train: process 1 of the training was ended by SIGKILL; where memory ran out, lower ")
    assert "what the second process wrote" in (tmp_path / "job" / "log.txt").read_text()


@pytest.mark.long
def test_processes_of_different_weights_are_an_error(tiny_policy: Path, tmp_path: Path) -> None:
    status, said = run(tmp_path / "job", "differ", base=str(tiny_policy))
    assert status == 1
    assert "the processes of this training have different weights at its end" in said
    assert not (tmp_path / "job" / "results" / "made").exists()
