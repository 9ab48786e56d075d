"""Benchmarks of the code that users run, and the floors that they are compared with. From the project's folder:
`python -m bench.run`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "workflow" / "scripts"
sys.path.insert(0, str(LIBRARY))  # no installed package: whatever imports bench can import semalign
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def in_own_process(module: str, *words: str, **environment: str) -> Any:
    """What a module of bench prints last, as JSON, in a process of its own: none finds what another left.

    Raises RuntimeError with the end of its error output where it fails.
    """
    own = {"PYTHONPATH": f"{ROOT}:{LIBRARY}", **OFFLINE, **environment}
    ended = subprocess.run([sys.executable, "-m", module, *words], capture_output=True, text=True, check=False, env=own)
    if ended.returncode:
        raise RuntimeError(f"{module} {' '.join(words)}: {ended.stderr[-3000:]}")
    return json.loads(ended.stdout.splitlines()[-1])
