"""Where an artefact comes from: settings, code, versions, inputs, machine."""

import os
import platform
import resource
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from semalign.clock import model_seconds
from semalign.files import sha256, write_json

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


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that can change a figure."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in LIBRARIES}


def commit() -> str:
    """The project's commit, with `-dirty` when its files differ from it; `unknown` outside a git checkout."""
    root = Path(__file__).resolve().parents[3]
    git = subprocess.run(
        ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--match="],
        capture_output=True,
        text=True,
        check=False,
    )
    return git.stdout.strip() if git.returncode == 0 else "unknown"


def write(snakemake: Any, seconds: float) -> None:
    """Write `<first output>.provenance.json`: everything that made the outputs of one job."""
    first = str(snakemake.output[0]).rstrip("/")
    write_json(
        f"{first}.provenance.json",
        {
            "rule": snakemake.rule,
            "wildcards": dict(snakemake.wildcards.items()),
            "settings": snakemake.params.settings,
            "inputs": {str(path): sha256(path) for path in snakemake.input},
            "outputs": {str(path): sha256(path) for path in snakemake.output},
            "commit": commit(),
            "versions": versions(),
            "machine": {"platform": platform.platform(), "cores": os.cpu_count(), "threads": snakemake.threads},
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(seconds, 2),
            "model_seconds": round(model_seconds(), 2),
            "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        },
    )
