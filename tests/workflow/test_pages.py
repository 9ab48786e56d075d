"""The tutorial and the page on other languages, followed to the letter."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from semalign.preflight.root import validate
from tests.conftest import ROOT
from tests.unit.inputs import DATA, needs_data
from tests.workflow.pages import blocks, named_files, project, run

LANGUAGES = named_files("languages")


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
    table, read, texts, figures, planned, changed, slip, used, origin, costs = said
    assert "results/logs/" in table
    assert 45 <= max(int(count) for count in re.findall(r"\d+ of (\d+) steps", table)) <= 60  # "about 50"
    before, after = rows(copy / "before.md"), rows(copy / "results" / "table3.md")
    models = ["base", "cold_sft", "strong_sft", "rl", "gap"]
    assert list(before) == [(task, model) for task in ("mt", "hg") for model in models]
    assert [cell for row in before.values() for cell in row["interval"].values() if "[" in cell]
    assert "±" not in "".join("".join(row["figures"].values()) for row in before.values())
    check_gap(pd.read_csv(copy / "results" / "table3.csv"))
    assert read.startswith("| task")
    assert {"source", "reference", "output"} <= json.loads(texts.splitlines()[0]).keys()
    assert {"completion", "language", "similarity"} <= json.loads(texts.splitlines()[-1]).keys()
    for name in ("tradeoff", "encoder"):
        assert (copy / f"results/figures/{name}.png").is_file(), figures
    assert (copy / "results/release/mt/rl/0/README.md").is_file(), used
    assert used.startswith("results/release/mt/rl/0: ")
    trained = {line.split()[0]: line.split()[1] for line in planned.splitlines() if line.startswith("train_")}
    assert trained == {"train_grpo": "2"}
    assert not re.search("^(generate_world|split_pairs|prepare_corpus|examine_encoder)", planned, re.M)
    for (task, model), row in before.items():
        now = after[task, model]
        if model in ("base", "cold_sft"):
            assert now == row
        if model == "strong_sft":
            assert {name for name, cell in row["figures"].items() if now["figures"][name] != cell} <= {"judge_win"}
    assert any(before[task, "rl"] != after[task, "rl"] for task in ("mt", "hg")), changed
    assert "config key rl.lerning_rate: unknown key; did you mean learning_rate?" in slip
    for words in ("generate_world", "train_base", "train_sft", "train_grpo", "score_similarity", "torch"):
        assert words in origin
    for words in ("train_grpo", "steps", "hours", "GiB"):
        assert words in costs


def rows(file: Path) -> dict[tuple[str, str], dict[str, dict[str, str]]]:
    """The rows of a table in Markdown by task and model, each with the line of intervals below it."""
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    head, found = lines[0], dict[tuple[str, str], dict[str, dict[str, str]]]()
    for line in lines[2:]:
        cells = dict(zip(head, line, strict=True))
        if cells["model"] == "95% interval":
            found[next(reversed(found))]["interval"] = cells
        else:
            found[cells["task"].split(" ")[0], cells["model"]] = {"figures": cells, "interval": {}}
    return found


def check_gap(table: pd.DataFrame) -> None:
    """The row `gap` is `rl` less `strong_sft`."""
    for name in ("similarity_independent", "cmrc_avg", "metric"):
        values = {(row["task"], row["model"]): float(row[name]) for row in table.to_dict("records")}
        for task in ("mt", "hg"):
            difference = values[task, "rl"] - values[task, "strong_sft"]
            assert values[task, "gap"] == pytest.approx(difference, abs=1e-6)


@pytest.mark.parametrize("language", ["kazakh.yaml", "uyghur.yaml"])
def test_the_overlays_of_other_languages_are_valid(language: str) -> None:
    config = default()
    for name in (language, "trial.yaml"):
        update_config(config, yaml.safe_load(LANGUAGES[name]))
    valid = validate(config)
    assert valid.languages[valid.tasks["mt"].target_language].script in ("Cyrillic", "Arabic")


@pytest.mark.long
@needs_data
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
