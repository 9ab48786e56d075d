"""Jobs of one process and of several for tests: what a rule's script does, on tiny models; imports wait for these."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from semalign.runtime.errors import InputError
from semalign.runtime.signals import Stopped, stopping
from semalign.runtime.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]

HERE: dict[str, Any] = {"dtype": "float32", "device": "cpu"}
LORA: dict[str, Any] = {"rank": 4, "alpha": 8}
SFT: dict[str, Any] = {"learning_rate": 1e-2, "batch_size": 8, "micro_batch_size": 2, "epochs": 2, "max_tokens": 128}
GRPO: dict[str, Any] = {
    "learning_rate": 1e-2,
    "batch_size": 8,
    "micro_batch_size": 2,
    "num_generations": 8,  # each prompt's completions on both processes
    "epochs": 2,
    "max_new_tokens": 6,
    "rewards": {"length": 1.0},
    "snapshot_steps": 9,
}

SCRIPT = """
import sys
from types import SimpleNamespace
sys.path[:0] = [{root!r} + "/workflow/scripts", {root!r}]
from semalign.runtime import job
from tests.unit import ranked_job
snakemake = SimpleNamespace(
    rule="train", log=["log.txt"], input=[], output=[{output!r}], wildcards={{}}, threads=2,
    params=SimpleNamespace(settings={settings!r}), resources={{"gpu": 0}},
    config={{"gradient_checkpointing": None}} | {config!r},
)
job.run(ranked_job.{main}, snakemake, resumable=True)
"""


def started(
    folder: Path, main: str, settings: dict[str, Any], output: str = "results/made", **config: Any
) -> "subprocess.Popen[str]":
    """A function of this module as a job, which Snakemake would start so, with `folder` as its working directory.

    config: more of the config than that activations are kept or not.
    """
    code = SCRIPT.format(root=str(ROOT), main=main, settings=settings, output=output, config=config)
    (folder / "job.py").write_text(code)
    return subprocess.Popen([sys.executable, "job.py"], cwd=folder, stderr=subprocess.PIPE, text=True)


def tells_its_run(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    from semalign.runtime.files import write_json

    write_json(output[0], workspace.tracking)


def train(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    """SFT or GRPO on the tiny pairs; writes the adapter and what else there is."""
    from semalign.config.training import Grpo, Lora, Sft
    from semalign.policy.grpo import train_grpo
    from semalign.policy.models import load_policy, new_adapter, save_adapter
    from semalign.policy.sft import train_sft
    from semalign.rewards.builtin import length_reward
    from semalign.runtime import distributed
    from semalign.runtime.files import sha256, write_json
    from tests.conftest import PAIRS

    base, tokenizer = load_policy(settings["base"], **settings["policy"])
    model = new_adapter(base, Lora(**LORA, dropout=settings["dropout"]), seed=0)
    given = (model, tokenizer, PAIRS, "{source}")
    to: dict[str, Any] = {**settings["policy"], "seed": 0, "workspace": workspace}
    if settings["kind"] == "sft":
        made = train_sft(*given, Sft.model_validate(SFT), **to)
    else:
        made = train_grpo(*given, {"length": length_reward}, Grpo.model_validate(GRPO), **to)
    if not distributed.is_first():
        return
    save_adapter(model, Path(output[0]))
    write_json("made.json", made)
    if settings["kind"] == "grpo":
        Path("rollouts.jsonl").write_bytes((workspace.folder / "rollouts.jsonl").read_bytes())
        write_json("snapshots.json", sha256(workspace.folder / "snapshots"))


def agree(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    """What the processes say to one another."""
    from semalign.runtime import distributed
    from semalign.runtime.files import write_json

    rank = int(os.environ["RANK"])
    said = [distributed.processes(), distributed.gathered(rank), distributed.from_first(lambda: f"of {rank}")]
    said.append(distributed.gathered(os.environ["OMP_NUM_THREADS"]))
    if distributed.is_first():
        write_json(output[0], said)


def wrong_input(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    """Every process finds the same."""
    raise InputError("config key rl.max_prompt_tokens: raise it")


def dies(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    """The second process is gone; the first waits for it."""
    from semalign.runtime import distributed

    if not distributed.is_first():
        print("what the second process wrote", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    distributed.gathered(None)


def waits(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    """Works until it is asked to stop, then for a while, and stops where nothing is lost."""
    from semalign.runtime import distributed

    Path(f"up{os.environ['RANK']}").touch()
    while not distributed.from_first(stopping):
        time.sleep(0.05)
    time.sleep(1)
    distributed.gathered(None)
    Path(f"saved{os.environ['RANK']}").touch()
    raise Stopped


def one_wrong(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    """The second process finds what the first has not."""
    from semalign.runtime import distributed

    if not distributed.is_first():
        raise InputError("reward mine: returned 1 figure for 8 completions")
    distributed.gathered(None)


def differ(settings: dict[str, Any], input: Any, output: Any, workspace: Workspace) -> None:
    """A training whose processes drift apart."""
    import torch

    from semalign.config.training import Lora
    from semalign.policy.models import TrainingProof, load_policy, new_adapter
    from semalign.runtime import distributed

    base, _ = load_policy(settings["base"], **settings["policy"])
    model = new_adapter(base, Lora(**LORA, dropout=0.0), seed=0)
    proof = TrainingProof(model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.add_(1.0 if distributed.is_first() else 1.0 + 1e-6)
    proof.check()
