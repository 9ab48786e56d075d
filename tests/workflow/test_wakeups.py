"""Snakemake's scheduler, which looks again once a second, and not once more for each job that has ended."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

JOBS = 12
SNAKEFILE = f"""
import sys, threading
sys.path.insert(0, {str(ROOT / "workflow" / "scripts")!r})
from semalign.wakeups import one_at_a_time

onstart:
    one_at_a_time(workflow.scheduler)

onsuccess:
    waiting = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    print(len(waiting), "looks are waited for", file=sys.stderr)

rule all:
    input: expand("{{number}}.txt", number=range({JOBS}))

rule one:
    output: "{{number}}.txt"
    shell: "touch {{output}}"
"""


def test_one_look_is_waited_for_whatever_has_ended(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    made = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    assert len(list(tmp_path.glob("*.txt"))) == JOBS
    # by itself Snakemake waits for nearly as many as there were jobs
    assert "1 looks are waited for" in made.stderr.splitlines() or "0 looks are waited for" in made.stderr.splitlines()
