"""Where an artefact comes from: settings, code, versions, inputs, machine."""

import hashlib
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from semalign.runtime.clock import model_seconds
from semalign.runtime.files import sha256, write_json

SUFFIX = ".provenance.json"
CONFIGS = Path("results/configs")
LIBRARIES = (
    "torch",
    "transformers",
    "peft",
    "trl",
    "sentence-transformers",
    "datasets",
    "sacrebleu",
    "rouge-score",
    "matplotlib",
    "scipy",
    "statsmodels",
    "nltk",
)
OPTIONAL = ("vllm",)


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that can change a figure."""
    optional = [name for name in OPTIONAL if find_spec(name)]
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in (*LIBRARIES, *optional)}


def commit() -> str:
    """The project's commit, with `-dirty` when its files differ from it; `unknown` outside a git checkout, or where
    there is no git."""
    if not shutil.which("git"):
        return "unknown"
    root = Path(__file__).resolve().parents[4]
    git = subprocess.run(
        ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--match="],
        capture_output=True,
        text=True,
        check=False,
    )
    return git.stdout.strip() if git.returncode == 0 else "unknown"


def _keep_config(config: dict[str, Any]) -> str:
    """Write the whole config down, once for all jobs that had it; returns the file's path."""
    text = json.dumps(config, ensure_ascii=False, sort_keys=True)
    path = CONFIGS / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if not path.is_file():
        write_json(path, config)
    return str(path)


def _peak_memory() -> int:
    """KiB of the largest process that worked for this job."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _instructions() -> str | None:
    """The vector instructions that torch uses, on which the last bits of its sums depend; None without torch."""
    torch: Any = sys.modules.get("torch")
    return torch.backends.cpu.get_cpu_capability() if torch else None


def _rule(snakemake: Any) -> str:
    """The rule's own name, which is its script's; a workflow that has this one as a module may have renamed it."""
    code = snakemake.params.settings.get("code", {})
    return next((name for name in code if "." not in name), str(snakemake.rule))


def write(snakemake: Any, inputs: dict[str, str], seconds: float, resumed: bool = False) -> None:
    """Write `<first output>.provenance.json`: everything that made the outputs of one job.

    `inputs` are the inputs' hashes as the job found them; `seconds` those of its last part, where it `resumed`.
    """
    first = str(snakemake.output[0]).rstrip("/")
    write_json(
        first + SUFFIX,
        {
            "rule": _rule(snakemake),
            "wildcards": dict(snakemake.wildcards.items()),
            "command": os.environ.get("SEMALIGN_COMMAND"),
            "config": _keep_config(snakemake.config),
            "settings": snakemake.params.settings,
            "inputs": inputs,
            "outputs": {str(path): sha256(path) for path in snakemake.output},
            "log": str(snakemake.log[0]),
            "commit": commit(),
            "versions": versions(),
            "machine": {
                "platform": platform.platform(),
                "instructions": _instructions(),
                "cores": os.cpu_count(),
                "threads": snakemake.threads,
            },
            "processes": snakemake.params.settings.get("processes", 1),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "resumed": resumed,
            "seconds": round(seconds, 2),
            "model_seconds": round(model_seconds(), 2),
            "peak_memory_mib": round(_peak_memory() / 1024),
        },
    )
