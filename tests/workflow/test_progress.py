"""What a user sees of a real run: how far jobs are, where the result lies, what failed; then its model is released."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from semalign.runtime.files import read_jsonl
from semalign.runtime.progress import SECONDS
from tests.conftest import ROOT, TINY
from tests.workflow.run import command, snakemake

RUN = "mt/cold_sft/0"
TARGETS = [f"results/{RUN}/scores/{kind}.json" for kind in ("text", "similarity")]
# A shell's job in the background, as these tests may be, ignores Ctrl-C.
AS_IN_A_TERMINAL = "import os, signal, sys; signal.signal(2, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
AGAIN = "run the same command again, and it resumes from here: what was done is kept"


@pytest.fixture(scope="module")
def ran(untouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished run."""
    return Path(shutil.copytree(untouched, tmp_path_factory.mktemp("run") / "run"))


def test_each_job_says_how_far_it_is(ran: Path, said: str) -> None:
    clock, left = r"^\d\d:\d\d:\d\d", r"[\d,]+ tokens/s, .*left$"
    assert re.search(rf"{clock} train_base: step [2-7]/8, loss [\d.]+, {left}", said, re.M)
    assert re.search(rf"{clock} train_sft {RUN}: step 6/6, loss [\d.]+, .*all in .* s$", said, re.M)
    assert re.search(rf"{clock} generate {RUN}: mt: answer 12/12, [\d,]+ tokens/s, all in", said, re.M)
    assert re.search(rf"{clock} train_encoder reward: step", said, re.M)
    log = (ran / f"results/logs/train_sft/{RUN.replace('/', '-')}.log").read_text(encoding="utf-8")
    assert re.search(rf"{clock} step 6/6, loss", log, re.M)


def test_logs_hold_no_bars_and_no_dictionaries(ran: Path) -> None:
    logs = [path.read_text(encoding="utf-8") for path in (ran / "results" / "logs").rglob("*.log")]
    assert len(logs) > 10
    assert not [log for log in logs if re.search(r"it/s\]|^\{'loss'", log, re.M)]


def test_a_job_takes_one_line_when_it_ends(said: str) -> None:
    ended = re.findall(rf"^(\d+) of (\d+) steps \((\d+)%\) done, .* left: train_sft {RUN} in .* s$", said, re.M)
    assert len(ended) == 1
    done, total, percent = map(int, ended[0])
    assert 0 < done < total
    assert percent == round(100 * done / total)
    for noise in ("Select jobs", "Execute ", "Finished jobid", "    input:"):
        assert noise not in said


def test_the_last_line_says_where_the_result_lies(ran: Path) -> None:
    for target in TARGETS:
        (ran / target).unlink()
    result = snakemake(ran, *TARGETS, overlays=[TINY])
    assert result.returncode == 0, result.stderr
    where = f"{ran}/results/{RUN}/scores/"
    assert result.stderr.splitlines()[-1] == f"semalign: similarity and text are in {where}, each as .json"


def test_its_model_is_released_and_used(ran: Path) -> None:
    def tool(name: str, *arguments: str) -> str:
        script = [sys.executable, str(ROOT / "tools" / name), *arguments]
        result = subprocess.run(script, cwd=ran, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    folder = f"results/release/{RUN}"
    assert tool("release.py", RUN, "--licence", "apache-2.0").startswith(f"{folder}: ")
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=ran / folder, check=True)
    rows = list(read_jsonl(ran / "results" / "data" / "mt" / "test.jsonl"))
    lines = ran / "lines.txt"
    lines.write_text("".join(row["source"] + "\n" for row in rows), encoding="utf-8")
    answers = {
        row["id"]: row["output"]
        for row in read_jsonl(ran / f"results/{RUN}/predictions.jsonl")
        if row["testset"] == "mt"
    }
    said = tool("translate.py", "--release", folder, "--file", "lines.txt")
    assert said.split("\n") == [*(" ".join(answers[row["id"]].splitlines()) for row in rows), ""]
    found = tool("provenance.py", folder, "--json")
    assert json.loads(found)["jobs"][-1]["rule"] == "release"


def test_failed_jobs_are_told_at_the_end_with_their_logs(ran: Path, tmp_path: Path) -> None:
    # It and the test below begin the base anew, and so remove it.
    overlay = tmp_path / "gpu.yaml"
    overlay.write_text("device: cuda\n")
    result = snakemake(
        ran, "results/base/model", "results/encoders/reward/model", "--keep-going", overlays=[TINY, overlay]
    )
    assert result.returncode != 0
    last = result.stderr[result.stderr.index("semalign: train_base failed") :].splitlines()
    problem = "error: device: cuda is configured and there is no GPU here; set device: cpu"
    for at, (job, log) in enumerate([("train_base", "train_base"), ("train_encoder reward", "train_encoder/reward")]):
        start = last.index(f"semalign: {job} failed")
        assert last[start + 1] == f"  the last lines of {ran}/results/logs/{log}.log:"
        tail = last[start + 2 : [*last[start + 2 :], "semalign"].index("semalign") + start + 2]
        assert sum(problem in line for line in tail) >= 1, (at, tail)
    assert last[-1] == f"semalign: 2 jobs failed; fix that, then {AGAIN}"
    assert result.stderr.count(problem) == 2  # once for each
    assert "Traceback" not in result.stderr
    assert not (ran / "results" / "base" / "model").exists()


def test_after_ctrl_c_it_says_how_to_go_on(ran: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "long.yaml"
    overlay.write_text("policy: {pretraining: {steps: 99}}\n")
    printed = tmp_path / "printed"
    with open(printed, "wb") as file:
        run = subprocess.Popen(
            [sys.executable, "-c", AS_IN_A_TERMINAL, *command(ran, "results/base/model", overlays=[TINY, overlay])],
            stderr=file,
            env=os.environ | {SECONDS: "0"},
            start_new_session=True,
        )
    while not re.search(r"train_base: step \d+/99", printed.read_text(encoding="utf-8")):
        assert run.poll() is None, printed.read_text(encoding="utf-8")
        time.sleep(0.2)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does
    assert run.wait(timeout=300) != 0
    assert printed.read_text(encoding="utf-8").splitlines()[-1] == f"semalign: stopped; {AGAIN}"
