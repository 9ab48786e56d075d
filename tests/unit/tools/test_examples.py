"""The page of examples: what a finished run has, and nothing else."""

import shutil
from pathlib import Path

import pytest

from semalign.tables.summary import summary
from tests.unit.reported import TIBETAN, write_finished
from tools import examples


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_finished(tmp_path, [0])
    (tmp_path / "results" / "report.html").write_text("<title>report</title>", encoding="utf-8")
    (tmp_path / "results" / "table3.md").write_text("| task | model |\n|---|---|\n| mt | rl |\n", encoding="utf-8")
    return tmp_path / "results"


def test_it_quotes_the_run(results: Path) -> None:
    shutil.rmtree(results / "world")
    text = examples.page(results)
    assert (results / "table3.md").read_text(encoding="utf-8").strip() in text
    assert f"```text\n{summary(results / 'table3.csv')}\n```" in text
    for line in (
        "| source | 学生写信0。 |  |",
        f"| reference | {TIBETAN}0 |  |",
        f"| base | {TIBETAN} base 0 |  |",
        f"| strong_sft | {TIBETAN} strong_sft 0 |  |",
        f"| rl | {TIBETAN} rl 2 |  |",
    ):
        assert line in text
    assert f"{TIBETAN} rl 3 " not in text  # three items a test set
    assert text.index("**mt**, seed 0") < text.index("**hg**, seed 0")  # as in the table


def test_a_generated_world_is_told_in_english(results: Path) -> None:
    assert "| source | 学生写信0。 | student · letter |" in examples.page(results)


def test_what_is_missing_is_asked_for(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (results / "report.html").unlink()
    with pytest.raises(SystemExit, match=r"examples: .*report\.html is not there: run make report first"):
        examples.main(["--results", str(results), "--docs", str(results)])
    assert not (results / "examples.md").exists()
