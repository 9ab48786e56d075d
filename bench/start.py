"""Seconds that a job takes before its own work begins: Python and what its script imports."""

import os
import resource
import subprocess
import sys

from bench import LIBRARY
from bench.clock import Seconds

# What the scripts of a kind of job import, before the job begins as these processes do.
IMPORTS = {
    "trainer": "import semalign.policy.grpo, semalign.policy.sft, semalign.rewards.builtin",
    "policy": "import semalign.generation.answers, semalign.policy.models, semalign.policy.likelihood",
    "encoder": "import semalign.encoder.model",
    "scores": "import semalign.metrics.scoring, semalign.metrics.audit",
    "plain": "import semalign.runtime.files, semalign.config",
}


def measure(repeats: int) -> dict[str, dict[str, float]]:
    """CPU seconds of each kind, the first start of each aside, which reads files from the disk."""
    path = os.pathsep.join([str(LIBRARY), *filter(None, [os.environ.get("PYTHONPATH")])])
    found = {}
    for kind, statement in IMPORTS.items():
        values = []
        for _ in range(repeats + 1):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(
                [sys.executable, "-c", f"import gc; {statement}; import semalign.runtime.job; gc.freeze()"],
                check=True,
                env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            values.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        found[kind] = vars(Seconds.of(values[1:]))
    return found
