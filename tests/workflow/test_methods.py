"""Every entry of frontier.methods, from config alone, and one more: a file and an entry."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tests.conftest import ROOT, TINY
from tests.workflow.run import snakemake

pytestmark = pytest.mark.long
SHIPPED: dict[str, Any] = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["frontier"]["methods"]
MOST = 32  # RL's prompts in the tiny miniature

NEW = '''"""Self-training: SFT from the cold start on the first of its own answers to each prompt."""

from typing import Any, ClassVar, Literal

from semalign.config.training import Sft
from semalign.methods.base import WHICH, Counts, FromColdStart, TrainingInputs, History, Need


class Settings(FromColdStart, Sft):
    method: Literal["self_training"] = WHICH
    strengths: Counts

    unit: ClassVar[str] = "prompts"
    needs: ClassVar[frozenset[Need]] = frozenset({"candidates"})


def train(settings: Settings, strength: float, given: TrainingInputs) -> tuple[Any, dict[str, Any], History]:
    from semalign.policy.candidates import by_prompt
    from semalign.policy.sft import train_sft

    first = [own[0] for own in by_prompt(given.candidates, int(strength), given.key)]
    rows = [{"source": row["source"], "target": row["completion"]} for row in first]
    model, tokenizer = given.model()
    return model, *train_sft(model, tokenizer, rows, given.prompt, settings, **given.where)
'''


def small(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry of the shipped config whose strengths the tiny miniature has data for."""
    return entry | {"strengths": sorted({min(MOST, strength) for strength in entry["strengths"]})}


@pytest.fixture(scope="module")
def entries() -> dict[str, dict[str, Any]]:
    """Of the tiny config those that it has; of the shipped one the others; and the new one."""
    own = yaml.safe_load(TINY.read_text())["frontier"]["methods"]
    others = {name: small(entry) for name, entry in SHIPPED.items() if own.get(name) is None}
    new = SHIPPED["best_of_n"] | {"method": "self_training", "strengths": [MOST]}
    return others | {"self_training": new}


@pytest.fixture
def results(copied: Path, project: Path, entries: dict[str, dict[str, Any]]) -> Path:
    """Of a run that had everything but those entries."""
    (project / "workflow/scripts/semalign/methods/self_training.py").write_text(NEW)
    overlay = project / "methods.yaml"
    overlay.write_text(yaml.safe_dump({"frontier": {"methods": entries}}))
    targets = ["results/frontier.csv", "results/costs.csv", "results/figures/frontier.png", "results/report.html"]
    run = snakemake(copied, *targets, overlays=[TINY, overlay], project=project)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "train_base" not in run.stderr
    return copied / "results"


def test_all_entries_run_and_are_told_apart(results: Path, entries: dict[str, dict[str, Any]]) -> None:
    table = pd.read_csv(results / "frontier.csv")
    assert set(table["method"]) == {"sft", "rl", *SHIPPED, "self_training"}
    assert table[["similarity_independent", "cmrc_avg", "kl_mean"]].notna().all().all()
    for name, entry in entries.items():
        points = table[table["method"] == name].groupby("task")["strength"]
        for _, strengths in points:
            assert set(entry["strengths"]) <= set(strengths), name
    text = (results / "frontier.md").read_text(encoding="utf-8") + (results / "report.html").read_text(encoding="utf-8")
    for name in entries:
        assert name in text

    costs = pd.read_csv(results / "costs.csv")
    own = costs[costs["method"].isin(entries) & costs["model"].str.contains("@")]
    assert len(own) == 2 * sum(len(entry["strengths"]) for entry in entries.values())
    assert (own["device_seconds"] > 0).all()

    digests = {}
    for report in results.glob("mt/*@*/0/training.json"):
        digests[report.parent.parent.name] = json.loads(report.read_text())["adapter_sha256"]
    assert len(digests) == len(set(digests.values())) > len(SHIPPED)
