"""COMET, a learned metric of translation (Rei et al. 2020, arXiv 2009.09025), by the package unbabel-comet.

    metrics:
      - bleu
      - {name: comet, function: "semalign.metrics.comet:comet", model: models/wmt22-comet-da/checkpoints/model.ckpt}

The package needs numpy 1 and transformers 4, which this project is past, so it runs in an environment of its own: a
process of the interpreter that the environment variable SEMALIGN_COMET_PYTHON names, else of this one. `model` is the
checkpoint's file as COMET's own download leaves it, hparams.yaml one folder above. A checkpoint is a pickle, which can
run code as it is loaded: name only one that you trust.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from semalign.runtime.errors import InputError

VARIABLE = "SEMALIGN_COMET_PYTHON"
MISSING = 3
"""Exit code of PROGRAM where the package is not there."""

PROGRAM = f"""
import json, sys
given = json.load(sys.stdin)
try:
    from importlib.metadata import version
    from comet import load_from_checkpoint
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit({MISSING})
scorer = load_from_checkpoint(given["model"], local_files_only=True)
found = scorer.predict(given["rows"], batch_size=16, gpus=given["gpus"], progress_bar=False, num_workers=0)
print(json.dumps({{"scores": list(map(float, found.scores)), "version": version("unbabel-comet")}}))
"""


def comet(outputs: list[str], references: list[str], sources: list[str], model: Path, device: str) -> list[float]:
    """COMET's score of each output, most of them 0..1.

    Raises InputError where unbabel-comet is not installed, or fails.
    """
    rows = [
        {"src": source, "mt": output, "ref": reference}
        for source, output, reference in zip(sources, outputs, references, strict=True)
    ]
    python = os.environ.get(VARIABLE, sys.executable)
    asked = json.dumps({"rows": rows, "model": str(model.absolute()), "gpus": int(device.startswith("cuda"))})
    try:
        done = subprocess.run([python, "-c", PROGRAM], input=asked, capture_output=True, text=True, check=False)
    except OSError as error:
        raise InputError(f"{VARIABLE}: {python} cannot be run: {error.strerror}") from error
    last = (done.stderr.strip().splitlines() or [""])[-1]
    if done.returncode == MISSING:
        raise InputError(
            f"{python} has no unbabel-comet ({last}); install it into an environment of its own (python -m venv comet; "
            f"comet/bin/pip install -r envs/requirements-comet.txt) and set {VARIABLE} to comet/bin/python"
        )
    if done.returncode:
        raise InputError(f"COMET failed with {model} in {python}: {last}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    comet.__dict__["signature"] = f"unbabel-comet:{answer['version']}"
    return list(answer["scores"])
