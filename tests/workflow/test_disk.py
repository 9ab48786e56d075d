"""A full disk and places that cannot be written: a clear message, and what was done before is kept."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.workflow.own import make_data, own_config
from tests.workflow.run import command, differing

AS_ROOT = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
mounts = subprocess.run([*AS_ROOT, "mount -t tmpfs tmpfs /mnt"], capture_output=True, check=False)
pytestmark = pytest.mark.skipif(mounts.returncode != 0, reason="file systems cannot be mounted here")
TARGET = "results/mt/strong_sft/0/adapter"


def run(folder: Path, overlay: Path, before: str = "true", after: str = "true") -> subprocess.CompletedProcess[str]:
    """The workflow in a mount namespace of its own, with shell commands before and after it."""
    snakemake = subprocess.list2cmdline(command(folder, TARGET, overlays=[overlay]))
    line = f"cd {folder} && {before} && {snakemake}; status=$?; {after}; exit $status"
    return subprocess.run([*AS_ROOT, line], capture_output=True, text=True, check=False)


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    make_data(tmp_path / "data")
    config = own_config("data") | {"checkpoint_seconds": 0, "forgetting": None}
    config["policy"]["pretraining"] |= {"steps": 6, "shape": {"hidden_size": 64, "intermediate_size": 64, "layers": 2}}
    file = tmp_path / "own.yaml"
    file.write_text(yaml.safe_dump(config, allow_unicode=True))
    return file


@pytest.mark.long
def test_a_disk_that_fills_up_costs_nothing_that_was_done(tmp_path: Path, overlay: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    shutil.copytree(tmp_path / "data", whole / "data")
    assert run(whole, overlay).returncode == 0
    # The checkpoints of a training fit in once and a half: the second or third is cut off by the end of the disk.
    small = "mkdir -p results/unfinished && mount -t tmpfs -o size=4m tmpfs results/unfinished"
    kept = "cp -a results/unfinished kept && umount results/unfinished && cp -a kept/. results/unfinished/"
    result = run(tmp_path, overlay, small, kept)
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert "free some space, then run the same command again: what was done before is kept" in said, said[-3000:]
    assert "Traceback" not in said
    assert not list((tmp_path / "results").glob("*/*/0/adapter")) or "train_sft" in said
    checkpoints = list((tmp_path / "results" / "unfinished").rglob("complete.json"))
    assert checkpoints, "no checkpoint outlived the full disk"
    again = run(tmp_path, overlay)
    assert again.returncode == 0, again.stdout + again.stderr
    assert differing(whole / "results", tmp_path / "results") == []


def test_results_that_cannot_be_written(tmp_path: Path, overlay: Path) -> None:
    result = run(tmp_path, overlay, "mkdir results && mount -t tmpfs -o ro tmpfs results")
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert "results" in said
    assert "make it writable for you" in said, said[-3000:]
    assert "Traceback" not in said


def test_a_working_folder_that_cannot_be_written(tmp_path: Path, overlay: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    line = f"mount -t tmpfs -o ro tmpfs {folder} && {subprocess.list2cmdline(command(folder, '-n'))}"
    result = subprocess.run([*AS_ROOT, line], capture_output=True, text=True, check=False)
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert "Snakemake works in this folder: make it writable for you" in said, said[-3000:]
    assert "Traceback" not in said
