"""The patches of Snakemake: its scheduler looks for jobs once a second; with another version nothing breaks."""

import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake import __version__

from semalign.reruns.scheduler_patch import TESTED, patch_planner, patch_scheduler
from tests.conftest import ROOT

JOBS = 12
PLANNER: dict[str, Any] = {"bfs": lambda self: None, "update_needrun": lambda self: None}
LOG = logging.getLogger("patches")
SNAKEFILE = f"""
import sys, threading
from snakemake import __version__
from snakemake.logging import logger
sys.path.insert(0, {str(ROOT / "workflow" / "scripts")!r})
from semalign.reruns.scheduler_patch import patch_scheduler

onstart:
    patch_scheduler(workflow.scheduler, __version__, logger)

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


@pytest.mark.parametrize("version", ["9.28.0", "10.0.0", "9.2.7", __version__])
def test_an_untested_version_or_a_missing_part_warns_and_changes_nothing(
    version: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Of the version that is installed both parts are taken away."""
    parts: dict[str, Any] = {} if version == __version__ else PLANNER
    dag = type("Other", (), parts)
    patch_planner(dag, version, LOG)
    assert dag.__dict__.get("update_needrun") is parts.get("update_needrun")
    scheduler = SimpleNamespace() if version == __version__ else SimpleNamespace(_schedule_reevalutation=print)
    patch_scheduler(scheduler, version, LOG)
    assert vars(scheduler) in ({}, {"_schedule_reevalutation": print})
    assert caplog.text.count(f"Snakemake {version} was not tested with this workflow") == 2
    assert "run the same command twice" in caplog.text


def test_the_locked_version_is_a_tested_one() -> None:
    lock = (ROOT / "envs" / "lock.txt").read_text()
    assert any(f"\nsnakemake=={version}." in lock for version in TESTED)


def test_a_class_is_patched_once() -> None:
    dag = type("Dag", (), PLANNER)
    patch_planner(dag, __version__, LOG)
    once = dag.update_needrun  # type: ignore[attr-defined]
    patch_planner(dag, __version__, LOG)
    assert dag.update_needrun is once  # type: ignore[attr-defined]
