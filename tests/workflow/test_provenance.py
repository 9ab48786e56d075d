"""Where a result comes from: every file tells, back to the raw data, and what is amiss is said."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from semalign.reporting.lineage import describe, lineage, records_by_output
from semalign.runtime.provenance import SUFFIX
from tests.conftest import ROOT, TINY
from tests.workflow.own import make_data, own_config
from tests.workflow.run import snakemake

OF_THE_TREE = "made from files that differ from commit"


def test_a_table_is_traced_to_the_world(finished: Path) -> None:
    found = lineage("results/table3.csv", finished)
    rules = [job["rule"] for job in found.jobs]
    assert (rules[0], rules[-1]) == ("generate_world", "tabulate_paper")
    assert rules.count("train_sft") == 4  # cold start and strong SFT, in two tasks
    assert rules.count("train_grpo") == 2
    assert rules.count("generate") == rules.count("score_text") == 7
    assert not set(rules) & {"measure_likelihood", "take_snapshot"}  # which the table does not show
    assert found.raw == {}
    assert [warning for warning in found.warnings if OF_THE_TREE not in warning] == []
    made: set[str] = set()
    for job in found.jobs:  # each after those whose outputs it read
        assert set(job["inputs"]) <= made
        made |= set(job["outputs"])
    text = describe("results/table3.csv", found)
    config = json.loads((finished / found.jobs[-1]["config"]).read_text())
    assert config["world"]["mt_train"] == 120
    for said in (
        "seeds     0",
        "torch 2.",
        "snakemake --snakefile",
        "generate_world made all of it",
        "confidence 0.95",
    ):
        assert said in text


def test_every_file_under_results_has_a_record(finished: Path) -> None:
    """By itself, by a folder above it, or as a record; a file of each kind is asked for as a user does."""
    files = [path.relative_to(finished) for path in (finished / "results").rglob("*") if path.is_file()]
    assert len(files) > 500
    told = [path for path in files if path.parent.name != "configs" and path.name != ".snakemake_timestamp"]
    made = records_by_output(finished)
    places = {path: [str(path).removesuffix(SUFFIX), *map(str, path.parents)] for path in told}
    assert [path for path in told if not made.keys() & set(places[path])] == []
    kinds = {(path.parts[1], len(path.parts), *path.suffixes): path.as_posix() for path in told}
    assert len(kinds) > 20
    for place in kinds.values():
        assert lineage(place, finished).jobs


def test_what_was_changed_by_hand_or_made_anew_is_said(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "results", tmp_path / "results")
    edited = tmp_path / "results/mt/rl/0/predictions.jsonl"
    edited.write_text(edited.read_text() + "\n")
    record = tmp_path / "results/mt/cold_sft/0/adapter.provenance.json"
    content = json.loads(record.read_text())
    content["outputs"]["results/mt/cold_sft/0/adapter"] = "0" * 64
    record.write_text(json.dumps(content))
    (tmp_path / "results/table3.md").unlink()
    warnings = lineage("results/table3.csv", tmp_path).warnings
    assert "results/mt/rl/0/predictions.jsonl: has been changed since it was made" in warnings
    start = "results/mt/cold_sft/0/adapter"
    assert f"results/mt/rl/0/adapter: was made from an earlier {start}, which has been made anew since" in warnings
    assert "results/table3.md: is not there any more" in warnings


def test_the_users_own_data_stand_at_the_end_with_their_hashes(tmp_path: Path) -> None:
    make_data(tmp_path / "data")
    overlay = tmp_path / "own.yaml"
    overlay.write_text(yaml.safe_dump(own_config("data"), allow_unicode=True))
    target = "results/data/mt/prepared.report.json"
    result = snakemake(tmp_path, target, overlays=[overlay])
    assert result.returncode == 0, result.stderr
    expected = {
        f"data/mt_{part}.jsonl": hashlib.sha256((tmp_path / f"data/mt_{part}.jsonl").read_bytes()).hexdigest()
        for part in ("train", "test")
    }
    assert lineage(target, tmp_path).raw == expected
    tool = [sys.executable, str(ROOT / "tools" / "provenance.py")]
    told = subprocess.run([*tool, target], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert all(digest in told.stdout for digest in expected.values())
    whole = subprocess.run([*tool, target, "--json"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(whole.stdout)["raw"] == expected
    wrong = subprocess.run([*tool, "results/table9.csv"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("results/table9.csv: no finished job made it")
    assert "Traceback" not in wrong.stderr


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_dirty_tree_is_said(project: Path, tmp_path: Path) -> None:
    git = ["git", "-C", str(project), "-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "as it is"]):
        subprocess.run([*git, *arguments], check=True)
    target = "results/world/lexicon.txt"

    def made() -> list[str]:
        run = snakemake(tmp_path, target, "--force", overlays=[TINY], project=project)
        assert run.returncode == 0, run.stderr
        return lineage(target, tmp_path).warnings

    assert made() == []
    script = project / "workflow" / "scripts" / "generate_world.py"
    script.write_text(script.read_text() + "\n# an experiment\n")
    (warning,) = made()
    assert OF_THE_TREE in warning
