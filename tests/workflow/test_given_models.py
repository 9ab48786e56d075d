"""Models trained elsewhere: docs/models.md as it stands, with an adapter of peft and a whole model of another shape."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tests.conftest import ROOT, TINY
from tests.unit.policies import policy, tokenizer_of
from tests.unit.policy.test_given_models import trained
from tests.workflow.own import make_data
from tests.workflow.run import plan, plans, snakemake

PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the page names."""
    home = tmp_path_factory.mktemp("models")
    make_data(home / "data")
    for name, made in (("test", "mt_test"), ("pairs", "mt_train"), ("exam", "exam_pairs")):
        (home / "data" / f"{made}.jsonl").rename(home / "data" / f"{name}.jsonl")
    policy(home / "models" / "base", tokenizer_of("chatml"))
    trained(home / "models" / "base", home / "models" / "adapter")
    policy(home / "models" / "whole", tokenizer_of("gemma"), hidden_size=48, num_hidden_layers=1)
    for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S):
        (home / text.split()[1]).write_text(text, encoding="utf-8")
    return home


def overlays(folder: Path, *more: dict[str, Any]) -> list[Path]:
    files = [folder / "mine.yaml", folder / "encoders.yaml"]
    for number, content in enumerate(more):
        files.append(folder / f"more{number}.yaml")
        files[-1].write_text(yaml.safe_dump(content))
    return files


def test_table_3_of_models_alone(folder: Path) -> None:
    [command] = re.findall(r"```sh\n(.*?)```", PAGE, re.S)
    target = re.search(r"results/\S+", command)
    assert target
    assert command.splitlines()[0].endswith("--configfile mine.yaml encoders.yaml")
    given = overlays(folder)
    jobs = plan(folder, target[0], given)
    assert not jobs.keys() & {"train_sft", "train_grpo", "train_base", "measure_threshold", "judge_pairs"}
    assert (jobs["check_model"], jobs["generate"]) == (2, 3)

    result = snakemake(folder, target[0], "results/table6b.csv", "results/statistics.csv", overlays=given)
    assert result.returncode == 0, result.stderr
    table = pd.read_csv(folder / target[0]).set_index("model")
    assert list(table.index) == ["base", "other", "theirs", "other - base", "theirs - base"]
    for name in ("similarity", "cmrc_avg", "chrf"):
        figures = table[name]
        assert figures["theirs - base"] == pytest.approx(figures["theirs"] - figures["base"], abs=1e-9)

    kl = pd.read_csv(folder / "results" / "table6b.csv").set_index("model")["kl_mean"]
    assert kl["theirs"] > 1e-6
    assert pd.isna(kl["other"])
    assert "other: KL needs a common vocabulary" in (folder / "results" / "table6b.md").read_text()
    tests = pd.read_csv(folder / "results" / "statistics.csv")
    assert set(zip(tests["a"], tests["b"], strict=True)) == {("other", "base"), ("theirs", "base")}
    of_nll = tests[tests["measure"] == "nll_mean"]
    assert list(of_nll["a"]) == ["theirs"]  # tokens of another tokenizer are not compared
    checks = json.loads((folder / "results" / "models" / "theirs" / "checks.json").read_text())
    assert [row["check"] for row in checks] == ["modules and shapes", "vocabulary"]

    # another content of the adapter's file reruns its own run alone
    weights = folder / "models" / "adapter" / "adapter_model.safetensors"
    kept = weights.read_bytes()
    weights.write_bytes(kept[:-4] + b"\0\0\0\0")
    again = plan(folder, target[0], given)
    weights.write_bytes(kept)
    assert (again["check_model"], again["generate"], again["score_text"]) == (1, 1, 1)


def test_beside_ours_they_stand_in_every_table(folder: Path, tmp_path: Path) -> None:
    both = {"models": {"other": {"model": str(folder / "models" / "whole"), "tasks": ["mt"]}}}
    (tmp_path / "both.yaml").write_text(yaml.safe_dump(both))
    alone, found = plans(tmp_path, [[TINY], [TINY, tmp_path / "both.yaml"]])
    assert "error" not in found, found["error"]
    more = {rule: count - alone.get(rule, 0) for rule, count in found.items() if count != alone.get(rule)}
    rules = ("generate", "score_text", "score_similarity", "measure_likelihood", "check_model")
    judged = dict.fromkeys(("judge_pairs", "summarise_verdicts"), 1)  # against strong SFT
    assert more == dict.fromkeys(rules, 1) | judged


def test_what_does_not_fit_is_told_by_the_job(folder: Path, tmp_path: Path) -> None:
    base = policy(tmp_path / "deep", tokenizer_of("chatml"), num_hidden_layers=3)
    trained(base, tmp_path / "of_deep")
    given = overlays(folder, {"models": {"theirs": {"adapter": str(tmp_path / "of_deep")}}})
    result = snakemake(folder, "results/models/theirs/checks.json", "--forcerun", "check_model", overlays=given)
    assert result.returncode != 0
    assert f"error: config key models.theirs.adapter: {tmp_path / 'of_deep'} cannot be measured:" in result.stderr
    assert "modules and shapes: it adapts model.layers.2.self_attn.q_proj" in result.stderr
