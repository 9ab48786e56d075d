"""What every job does before its own work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SCRIPT = f"""
import os, sys
from pathlib import Path
from types import SimpleNamespace
sys.path.insert(0, {str(ROOT / "workflow" / "scripts")!r})
from semalign import job
snakemake = SimpleNamespace(
    rule="train", log=["log.txt"], input=[], output=["made"], wildcards={{}}, threads=1,
    params=SimpleNamespace(settings={{}}), config={{}},
)
job.run(lambda *given: Path("made").write_text(os.environ["CUDA_VISIBLE_DEVICES"]), snakemake)
"""


@pytest.mark.parametrize(
    ("given", "taken"), [(None, "0"), ("1", "1"), ("3,0", "3"), ("GPU-8932f937,GPU-1", "GPU-8932f937")]
)
def test_a_job_sees_the_first_of_the_gpus_that_it_was_given(tmp_path: Path, given: str | None, taken: str) -> None:
    """SLURM, too, says by this variable which GPUs are a job's."""
    environment = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    environment |= {"CUDA_VISIBLE_DEVICES": given} if given else {}
    subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "made").read_text() == taken
