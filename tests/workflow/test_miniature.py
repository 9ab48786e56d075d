"""The miniature from end to end, on amounts too small to learn from: what a user finds afterwards."""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import TINY
from tests.workflow.run import plan, snakemake

TABLE = "results/table3.csv"


def test_the_table_has_its_rows_and_figures(finished: Path) -> None:
    table = pd.read_csv(finished / TABLE)
    models = ["base", "cold_sft", "strong_sft", "rl", "gap"]
    assert list(zip(table["task"], table["model"], strict=True)) == [(t, m) for t in ("mt", "hg") for m in models]
    figures = ["metric", "similarity", "similarity_independent", "cmrc_avg", "cmrc_f1", "cmrc_em"]
    assert table[figures].notna().all().all()
    judged = table["model"].isin(["strong_sft", "rl", "gap"])
    assert table["judge_win"].notna().equals(judged)
    assert (table["seeds"] == 1).all()


def test_rl_started_from_the_cold_start_on_the_shared_base(finished: Path) -> None:
    runs = {
        model: json.loads((finished / f"results/mt/{model}/0/training.json").read_text())
        for model in ("cold_sft", "strong_sft", "rl")
    }
    assert len({run["base_sha256"] for run in runs.values()}) == 1
    assert len({run["adapter_sha256"] for run in runs.values()}) == 3
    assert runs["strong_sft"]["examples"] == 64  # the cold start's 32 and RL's 32


@pytest.mark.parametrize(
    "name",
    [
        "table1",
        "table2",
        "table4",
        "table5",
        "table6a",
        "table6b",
        "frontier",
        "costs",
        "encoders",
        "statistics",
        "audit",
    ],
)
def test_every_table_in_every_form(finished: Path, name: str) -> None:
    table = pd.read_csv(finished / f"results/{name}.csv")
    assert len(table) > 1
    text = (finished / f"results/{name}.md").read_text()
    assert text.startswith("| ")
    assert "nan" not in text
    latex = (finished / f"results/{name}.tex").read_text()
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") >= 1
    assert json.loads((finished / f"results/{name}.json").read_text())["note"]


def test_every_figure_as_png_and_svg(finished: Path) -> None:
    names = ["reward", "rollouts", "audit", "tradeoff", "encoder", "ablation", "frontier", "likelihood"]
    for name in names:
        assert (finished / f"results/figures/{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "</svg>" in (finished / f"results/figures/{name}.svg").read_text()


def test_few_shot_transfer_starts_where_it_says(finished: Path) -> None:
    record = json.loads((finished / "results/hg/fewshot-rl/0/adapter.provenance.json").read_text())
    assert "results/mt/rl/0/adapter" in record["inputs"]
    assert json.loads((finished / "results/hg/fewshot-rl/0/training.json").read_text())["examples"] == 32
    base = json.loads((finished / "results/hg/fewshot-base/0/adapter.provenance.json").read_text())
    assert not any(path.endswith("adapter") for path in base["inputs"])


def test_a_snapshot_is_rl_before_its_end(finished: Path) -> None:
    adapters = [finished / f"results/mt/{model}/0/adapter/adapter_model.safetensors" for model in ("rl@2", "rl")]
    assert adapters[0].read_bytes() != adapters[1].read_bytes()


def test_a_users_own_reward_is_trained_and_an_edited_one_trains_again(copied: Path) -> None:
    reward, overlay = copied / "own_rewards.py", copied / "own.yaml"
    reward.write_text(
        "def brief(completions, references, sources):\n    return [1 / (1 + len(c)) for c in completions]\n"
    )
    overlay.write_text("ablation: {variants: {own: {rewards: {'own_rewards:brief': 1.0}}}}\n")
    target = "results/mt/rl-own/0/adapter"
    result = snakemake(copied, target, overlays=[TINY, overlay])
    assert result.returncode == 0, result.stdout + result.stderr
    rollouts = (copied / "results/mt/rl-own/0/rollouts.jsonl").read_text().splitlines()
    row = json.loads(rollouts[0])
    assert row["own_rewards:brief"] == pytest.approx(1 / (1 + len(row["completion"])))
    assert "train_grpo" not in plan(copied, target, overlays=[TINY, overlay])
    reward.write_text(reward.read_text().replace("1 + len", "2 + len"))
    assert plan(copied, target, overlays=[TINY, overlay])["train_grpo"] == 1
