"""Real text through every rule: Chinese–Tibetan news, Tibetan headlines, encyclopaedia questions.

Models are too small to learn it, so scores are poor; what must hold is that nothing is lost without being counted.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.unit.inputs import DATA, needs_data
from tests.workflow.run import snakemake

pytestmark = [pytest.mark.long, needs_data]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a finished run in a folder beside a link to the samples, which the overlay names by relative path."""
    home = tmp_path_factory.mktemp("realtext")
    (home / "shared").symlink_to(DATA.parent)
    folder = home / "run"
    folder.mkdir()
    result = snakemake(folder, "all", overlays=[ROOT / "tests" / "workflow" / "realtext.yaml"])
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "results"


def report(results: Path, name: str) -> Any:
    return json.loads((results / "data" / name).read_text())


def test_every_row_and_no_judge(results: Path) -> None:
    table = pd.read_csv(results / "table3.csv")
    assert len(table) == 10
    assert table[["metric", "similarity", "similarity_independent", "cmrc_avg"]].notna().all().all()
    assert table["judge_win"].isna().all()


def test_the_other_tables_and_figures_do_without_content_and_judge(results: Path) -> None:
    frontier = pd.read_csv(results / "frontier.csv")
    assert frontier["content"].isna().all()
    assert frontier["kl_mean"].notna().all()
    statistics = pd.read_csv(results / "statistics.csv")
    assert not set(statistics["measure"]) & {"content", "judge_net"}
    assert len(list((results / "figures").glob("*.svg"))) == 8
    assert "content" not in pd.read_csv(results / "table1.csv").dropna(axis="columns", how="all").columns


def test_each_stage_takes_what_the_one_before_kept(results: Path) -> None:
    lines = 1356
    prepared = report(results, "mt/prepared.report.json")["train"]
    filtered = report(results, "mt/filtered.report.json")
    split = report(results, "mt/split.report.json")
    assert prepared["read"] == lines
    assert filtered["read"] == prepared["kept"]
    overlap = sum(sum(reasons.values()) for reasons in split["dropped"].values())
    assert filtered["kept"] == sum(split["sizes"].values()) + overlap + split["unused"]


def test_no_document_is_on_two_sides(results: Path) -> None:
    parts = {}
    for part in ("cold", "rl", "dev", "test"):
        with open(results / f"data/mt/{part}.jsonl", encoding="utf-8") as file:
            parts[part] = {json.loads(line)["group"] for line in file}
    assert sum(map(len, parts.values())) == len(set.union(*parts.values()))
