"""The tutorial and the page on other languages, followed to the letter."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from semalign.preflight.root import validate
from tests.conftest import ROOT
from tests.workflow.pages import blocks, named_files, project, run

DATA = ROOT.parent / "shared" / "data"
LANGUAGES = named_files("languages")
with_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the public samples are not at {DATA}")


def default() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    return config


@pytest.mark.long
def test_the_tutorial_runs(tmp_path: Path) -> None:
    """Word for word, on the tiny amounts in the place of the default ones."""
    copy = project(tmp_path)
    config = default()
    update_config(config, yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text(encoding="utf-8")))
    (copy / "config" / "config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    said = [run(copy, block) for block in blocks("tutorial", "sh")]
    table, read, texts, figures, planned, changed, slip, origin, costs = said
    assert "results/logs/" in table
    assert read.startswith("| task")
    assert '"output"' in texts
    assert '"completion"' in texts
    assert (copy / "results/figures/tradeoff.png").is_file(), figures
    assert {line.split()[0] for line in planned.splitlines() if line.startswith("train_")} == {"train_grpo"}
    assert (copy / "before.md").read_text() != (copy / "results/table3.md").read_text(), changed
    assert "config key rl.lerning_rate: unknown key; did you mean learning_rate?" in slip
    assert "generate_world" in origin
    assert "train_grpo" in costs


@pytest.mark.parametrize("language", ["kazakh.yaml", "uyghur.yaml"])
def test_the_overlays_of_other_languages_are_valid(language: str) -> None:
    config = default()
    for name in (language, "trial.yaml"):
        update_config(config, yaml.safe_load(LANGUAGES[name]))
    valid = validate(config)
    assert valid.languages[valid.tasks["mt"].target_language].script in ("Cyrillic", "Arabic")


@pytest.mark.long
@with_data
def test_other_languages_run(tmp_path: Path) -> None:
    copy = project(tmp_path)
    (copy / "data").mkdir()
    for name in ("ntrex128", "cmrc2018"):
        (copy / "data" / name).symlink_to(DATA / name)
    for name, text in LANGUAGES.items():
        (copy / name).write_text(text, encoding="utf-8")
    for block in blocks("languages", "sh"):
        run(copy, block)
    table = pd.read_csv(copy / "results/table3.csv")
    assert table[["metric", "similarity", "cmrc_avg"]].notna().all().all()
    for folder, kept in {"results": 1329, "uyghur/results": 1330}.items():  # as the page says
        report = json.loads((copy / folder / "data/mt/prepared.report.json").read_text())
        assert (report["train"]["read"], report["train"]["kept"]) == (1356, kept)
        for task in ("mt", "hg"):
            assert (copy / folder / f"data/{task}/test.jsonl").stat().st_size > 0
