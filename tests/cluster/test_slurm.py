"""Table 3 through the SLURM profile on a real SLURM: as on one machine, whatever is cancelled or preempted."""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.cluster.slurm import GPUS, Environment, cluster, reason_for_none
from tests.conftest import ROOT
from tests.workflow.run import command, differing

NONE = reason_for_none()
pytestmark = pytest.mark.skipif(NONE is not None, reason=str(NONE))
PROFILE = ROOT / "profiles" / "slurm" / "config.yaml"
OVERLAYS = [ROOT / "tests" / "workflow" / name for name in ("tiny.yaml", "saving.yaml")]
CHANGED = {  # for a cluster without accounts, whose jobs take seconds, and one machine
    "slurm-status-command": "squeue",
    "slurm-no-account": True,
    "slurm-init-seconds-before-status-checks": 1,
    "latency-wait": 10,
}
NEEDS = {"gpu": 1, "mem_mb": "2000 * attempt", "runtime": "30 * attempt"}  # of jobs of models; the device is the CPU


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    with cluster(tmp_path_factory.mktemp("slurm")) as environment:
        yield environment


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """The shipped profile, with smaller needs and quicker looks."""
    settings: dict[str, Any] = yaml.safe_load(PROFILE.read_text()) | CHANGED
    needs = settings["set-resources"]
    settings["set-resources"] = {rule: NEEDS if "mem_mb" in need else need for rule, need in needs.items()}
    folder = tmp_path / "profile"
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    return folder


@contextmanager
def started(
    folder: Path, profile: Path, slurm: Environment, *arguments: str, overlays: list[Path]
) -> Iterator["subprocess.Popen[str]"]:
    """Snakemake with the profile; ended with the block at the latest."""
    folder.mkdir(exist_ok=True)
    call = command(folder, *arguments, overlays=overlays)
    call[call.index("--workflow-profile") + 1] = str(profile)
    del call[call.index("--cores") : call.index("--cores") + 2]
    process = subprocess.Popen(call, env=slurm, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Watcher(threading.Thread):
    """Looks at the GPUs and jobs of a run's processes, twice a second."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder = folder
        self.in_use: list[list[tuple[str, str]]] = []  # at each look, (GPU, job) of every process at work
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.5):
            self.in_use.append(self.jobs())

    def jobs(self) -> list[tuple[str, str]]:
        """(GPU, SLURM's job) of every script at work on a GPU."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if f"{self.folder}/.snakemake/scripts" in " ".join(process.cmdline()):
                    given = process.environ()
                    if "CUDA_VISIBLE_DEVICES" in given:
                        found.append((given["CUDA_VISIBLE_DEVICES"], given["SLURM_JOB_ID"]))
        return found


class Disturber(threading.Thread):
    """Disturbs each of three trainings once, when it has written a checkpoint.

    A training of four steps lasts a second or two from its first checkpoint on, so its process is found by the mark in
    its lock and suspended at once: else it could end before SLURM, which lets it go on, ends it.
    """

    def __init__(self, folder: Path, slurm: Environment) -> None:
        super().__init__(daemon=True)
        self.unfinished, self.slurm = folder / "results" / "unfinished", slurm
        self.to_come = {
            "encoders--independent--model": self.preempt,
            "mt--rl--0--adapter": self.cancel,
            "hg--rl--0--adapter": self.let_time_run_out,
        }
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.01):
            for place in list(self.to_come):
                if any((self.unfinished / place).glob("*/checkpoints/*/complete.json")):
                    with suppress(psutil.NoSuchProcess, FileNotFoundError):  # it has just ended: `to_come` tells
                        process = self.holder(place)
                        process.suspend()
                        self.to_come.pop(place)(process.environ()["SLURM_JOB_ID"])

    def holder(self, place: str) -> psutil.Process:
        """The process at work in a workspace; its lock holds <machine>-<process id>-<start>."""
        mark = (self.unfinished / f"{place}.lock").read_text()
        return psutil.Process(int(mark.rsplit("-", 2)[1]))

    def cancel(self, job: str) -> None:
        subprocess.run(["scancel", job], env=self.slurm, check=True)

    def let_time_run_out(self, job: str) -> None:
        subprocess.run(["scontrol", "update", f"jobid={job}", "EndTime=now"], env=self.slurm, check=True)

    def preempt(self, job: str) -> None:
        """Send a job that asks for every GPU, to a partition that goes before all others."""
        urgent = ["sbatch", "--partition=urgent", f"--gpus={GPUS}", "--mem=10", "--output=/dev/null", "--wrap=true"]
        subprocess.run(urgent, env=self.slurm, check=True, stdout=subprocess.DEVNULL)


# What is made, and what of a finished run is removed before; nothing: all is made anew.
RL = ([f"results/{task}/rl/0/training.passed" for task in ("mt", "hg")], ["encoders/independent", "mt/rl", "hg/rl"])
TABLE3 = pytest.param(["results/table3.csv"], [], marks=pytest.mark.long)


@pytest.mark.parametrize(("targets", "removed"), [RL, TABLE3], ids=["RL", "table 3"])
def test_results_are_as_on_one_machine(
    targets: list[str], removed: list[str], tmp_path: Path, untouched: Path, profile: Path, slurm: Environment
) -> None:
    folder = tmp_path / "run"
    if removed:
        shutil.copytree(untouched, folder)
        for name in removed:
            shutil.rmtree(folder / "results" / name)
    with started(folder, profile, slurm, *targets, overlays=OVERLAYS) as snakemake:
        watcher, disturber = Watcher(folder), Disturber(folder, slurm)
        for thread in (watcher, disturber):
            thread.start()
        output, _ = snakemake.communicate(timeout=2400)
        for thread in (watcher, disturber):
            thread.ended.set()
            thread.join()
    assert snakemake.returncode == 0, output[-5000:]
    assert differing(untouched / "results", folder / "results") == []
    assert disturber.to_come == {}
    logs = folder / "results" / "logs"
    for log in ("train_encoder/independent.log", "train_grpo/mt-rl-0.log", "train_grpo/hg-rl-0.log"):
        assert "resuming from here" in (logs / log).read_text()  # the log of the last try
    for state in ("CANCELLED", "TIMEOUT"):  # what was preempted SLURM itself has sent again
        assert len(set(re.findall(rf"SLURM-job '(\d+)' failed, SLURM status is: '{state}'", output))) == 1
    assert {gpu for look in watcher.in_use for gpu, _ in look} == {str(number) for number in range(GPUS)}
    for look in watcher.in_use:
        assert len({gpu for gpu, _ in look}) == len({job for _, job in look}), "two jobs were on one GPU"
    assert [path for path in (folder / "results" / "unfinished").rglob("*") if path.is_file()] == []


def test_a_failing_rule_ends_the_run_with_its_log(tmp_path: Path, profile: Path, slurm: Environment) -> None:
    (tmp_path / "questions.json").write_text('{"data": []}')
    overlay = tmp_path / "wrong.yaml"
    overlay.write_text(
        f"retention: {{benchmarks: {{cmrc: {{test: [{{format: squad, path: {tmp_path}/questions.json}}]}}}}}}\n"
    )
    target = "results/data/cmrc/test.jsonl"
    folder = tmp_path / "run"
    with started(folder, profile, slurm, target, "--retries", "0", overlays=[*OVERLAYS, overlay]) as snakemake:
        output, _ = snakemake.communicate(timeout=600)
    assert snakemake.returncode != 0
    log = folder / "results" / "logs" / "prepare_questions" / "cmrc.log"
    assert log.read_text().splitlines()[-1] in output, output[-5000:]
    assert "questions.json" in log.read_text()
    assert len(list((folder / "results" / "logs" / "slurm").rglob("*.log"))) == 1  # what SLURM says of it
