"""The report as a rule: made from a finished run, and made anew by what it shows alone."""

import re
import shutil
import subprocess
from pathlib import Path

import yaml

from tests.conftest import TINY
from tests.workflow.run import plans, snakemake

TARGET = "results/report.html"


def test_the_report_of_a_finished_run(reported: Path) -> None:
    text = (reported / TARGET).read_text(encoding="utf-8")
    for said in ("Table 1", "Table 6b", "What each method reaches", "Reward audit", "Encoder exam", "generate_world"):
        assert said in text
    assert "Not part of this run" not in text
    assert len(text.encode()) < 15_000_000
    assert (reported / f"{TARGET}.provenance.json").is_file()


def test_what_makes_it_anew(reported: Path, tmp_path: Path) -> None:
    changes = {
        "report": {"report": {"examples": 5}},
        "contrasts": {"report": {"contrasts": 0}},
        "draw": {"report": {"seed": 7}},
        "nothing": {"checkpoint_seconds": 7},
    }
    overlays = []
    for name, change in changes.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(change))
        overlays.append([TINY, tmp_path / f"{name}.yaml"])
    assert plans(reported, overlays, target=TARGET) == [{"report": 1}] * 3 + [{}]
    assert plans(reported, overlays) == [{}] * 4  # all does not make it


def test_what_is_there_is_reported_and_nothing_else_computed(reported: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(reported, tmp_path / "part"))
    for path in [*(folder / "results").glob("table5.*"), *(folder / "results").glob("statistics.*")]:
        path.unlink()
    shutil.rmtree(folder / "results" / "hg")
    shutil.rmtree(folder / "results" / "encoders")
    result = as_make_does(folder)
    assert result.returncode == 0, result.stderr
    assert re.findall(r"(\d+) of (\d+) steps", result.stderr) == [("1", "1")]
    text = (folder / TARGET).read_text(encoding="utf-8")
    assert "Table 5 (other rewards), not made yet; the tests, not made yet." in text
    assert 'id="table-exam"' not in text
    assert 'data-task="mt"' in text
    assert 'data-task="hg"' not in text
    assert not (folder / "results" / "table5.csv").exists()


def test_nothing_to_report_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    result = as_make_does(tmp_path)
    assert result.returncode != 0
    assert "results/ holds no table and no figure to report yet: make table3 first" in result.stderr + result.stdout


def as_make_does(folder: Path) -> subprocess.CompletedProcess[str]:
    """`make report`, of a folder with the tiny config."""
    only = ("--allowed-rules", "report", "--force")
    return snakemake(folder, TARGET, *only, overlays=[TINY], environment={"SEMALIGN_REPORT": "present"})
