"""A task of one's own by lm-evaluation-harness, where that is installed: the figures of the harness run by hand."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from semalign.config.retention import LmEval
from semalign.policy.harness import measure
from semalign.policy.models import load_policy
from semalign.runtime.errors import InputError
from tests.conftest import work
from tests.unit.policies import policy, tokenizer_of

pytestmark = pytest.mark.skipif(
    find_spec("lm_eval") is None, reason="lm-eval is not installed: envs/requirements-lm-eval.txt"
)
ITEMS = [
    {"q": "老师看", "a": "书。", "b": "水。", "right": 0},
    {"q": "妈妈做", "a": "学生。", "b": "饭。", "right": 1},
    {"q": "孩子喝", "a": "水。", "b": "书。", "right": 0},
    {"q": "学生写", "a": "饭。", "b": "信。", "right": 1},
]


@pytest.fixture
def task(tmp_path: Path) -> Path:
    data = tmp_path / "items.jsonl"
    data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ITEMS), encoding="utf-8")
    settings = {
        "task": "mine",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "{{q}}",
        "doc_to_choice": "{{[a, b]}}",
        "doc_to_target": "right",
        "target_delimiter": "",
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
        "metadata": {"version": 3.0},
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return tmp_path / "mine.yaml"


def settings_of(**given: Any) -> dict[str, Any]:
    return LmEval.model_validate({"kind": "lm_eval", "metric": "acc"} | given).model_dump(mode="json")


def test_figures_are_those_of_the_harness_by_hand(task: Path, tmp_path: Path) -> None:
    import lm_eval

    folder = policy(tmp_path / "policy", tokenizer_of("chatml"))
    model, tokenizer = load_policy(folder, "float32", "cpu")
    scores, items = measure(model, tokenizer, settings_of(file=str(task)), work(tmp_path / "one"))
    by_hand = lm_eval.simple_evaluate(
        model="hf",
        model_args={"pretrained": str(folder), "dtype": "float32"},
        tasks=[yaml.safe_load(task.read_text(encoding="utf-8"))],
        device="cpu",
        bootstrap_iters=0,
    )
    assert by_hand is not None
    assert scores["score"] == by_hand["results"]["mine"]["acc,none"]
    assert scores["score"] == sum(item["score"] for item in items) / len(items)
    assert (scores["n"], scores["task_version"], scores["metric"]) == (4, 3.0, "acc,none")
    assert len(scores["task_hash"]) == 64
    assert scores["lm_eval"] == lm_eval.__version__
    assert {item["id"] for item in items} == {"0", "1", "2", "3"}
    again, _ = measure(model, tokenizer, settings_of(file=str(task)), work(tmp_path / "one"))
    assert again == scores


def test_what_the_harness_does_not_have_is_said(task: Path, tmp_path: Path) -> None:
    model, tokenizer = load_policy(policy(tmp_path / "policy", tokenizer_of("chatml")), "float32", "cpu")
    with pytest.raises(InputError, match=r"mine: has no metric 'f1,none' .*; it has acc,none, acc_norm,none"):
        measure(model, tokenizer, settings_of(file=str(task), metric="f1"), work(tmp_path / "a"))
    task.write_text("a: !function utils.f\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"functions \(!function\) are not run"):
        measure(model, tokenizer, settings_of(file=str(task)), work(tmp_path / "c"))
