"""The SLURM profile knows all rules and keeps what the default profile holds; environments follow the lock."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

PROFILES = {
    name: yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text()) for name in ("default", "slurm")
}
SLURM: dict[str, Any] = PROFILES["slurm"]
LOCK = (ROOT / "envs" / "lock.txt").read_text().split()
TARGETS = {"all", "figures", "downloads", "search"}  # rules without work


def rules() -> dict[str, str]:
    """The text of every rule that works, by name."""
    text = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    blocks = re.split(r"^ *rule (\w+):\n", text, flags=re.M)
    return {name: block for name, block in zip(blocks[1::2], blocks[2::2], strict=True) if name not in TARGETS}


def with_models() -> set[str]:
    return {name for name, block in rules().items() if re.search(r"model_resources\(|gpu=", block)}


def local() -> set[str]:
    """The rules that run where Snakemake runs."""
    text = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    lists = re.findall(r"^ *localrules:\n((?: +\w+,\n)+)", text, re.M)
    return set(re.findall(r"\w+", "".join(lists))) - TARGETS


def test_every_rule_of_models_and_no_other_has_its_needs_in_the_profile() -> None:
    """Snakemake ignores names it does not know, and a forgotten rule would ask for a small job's memory."""
    assert set(SLURM["set-resources"]) == with_models() | local()
    for rule, needs in SLURM["set-resources"].items():
        if rule in local():
            assert needs == {"in_turn": 0}
        else:
            assert needs.keys() == {"mem_mb", "runtime"}  # gpu is as the config's device and processes say
            assert all("attempt" in need for need in needs.values())


def test_every_small_rule_is_grouped_or_local() -> None:
    assert set(rules()) == with_models() | local() | set(SLURM["groups"])
    assert not local() & (with_models() | set(SLURM["groups"]))
    assert set(SLURM["group-components"]) <= set(SLURM["groups"].values())


def test_the_slurm_profile_keeps_what_the_default_profile_holds() -> None:
    """It is loaded in its place, not over it."""
    assert PROFILES["default"].keys() <= SLURM.keys()
    for key, value in PROFILES["default"].items():
        assert SLURM[key] == value or key == "resources", key
    assert SLURM["resources"] | {"gpu": 1} == PROFILES["default"]["resources"] | {"in_turn": 1}


@pytest.mark.parametrize(("option", "refused"), [("--workflow-profile", False), ("--profile", True)])
def test_two_processes_have_two_gpus_with_the_slurm_profile_alone(tmp_path: Path, option: str, refused: bool) -> None:
    """As --profile it would stand behind profiles/default, which allows one GPU at a time."""
    two = {"device": "cuda", "processes": 2, "cold_sft": {"micro_batch_size": 8}, "strong_sft": {"micro_batch_size": 8}}
    two |= {"few_shot": {"sft": {"micro_batch_size": 8}}, "rl": {"micro_batch_size": 32}, "frontier": None}
    overlay = tmp_path / "two.yaml"
    overlay.write_text(yaml.safe_dump(two))
    call = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(tmp_path)]
    call += [option, str(ROOT / "profiles" / "slurm"), "-n", "results/mt/rl/0/adapter", "--configfile", str(overlay)]
    call += ["--cores", "8"]  # a dry run takes itself to have one, and lowers threads to that
    result = subprocess.run(call, capture_output=True, text=True, check=False)
    said = result.stdout + result.stderr
    assert ("--resources gpu=2" in said) == refused, said[-3000:]
    assert (result.returncode != 0) == refused, said[-3000:]
    if not refused:
        needs = re.search(r"rule train_grpo:.*?resources: ([^\n]*)", said, re.S)
        assert needs is not None
        assert "gpu=2" in needs[1]
        assert "mem_mb=128000" in needs[1]


def test_conda_has_the_versions_of_the_lock() -> None:
    environment = yaml.safe_load((ROOT / "envs" / "semalign.yaml").read_text())
    python, pip, packages = environment["dependencies"]
    assert (python, pip) == ("python=3.11", "pip")
    assert packages == {"pip": LOCK}
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in LOCK)


def test_the_container_has_the_versions_of_the_lock() -> None:
    recipe = (ROOT / "envs" / "Dockerfile").read_text()
    assert re.search(r"^FROM python:3\.11-", recipe, re.M)
    assert "COPY envs/requirements.txt envs/lock.txt /envs/" in recipe
    assert "--requirement /envs/requirements.txt --constraint /envs/lock.txt" in recipe
