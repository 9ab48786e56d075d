"""Bad configs, models and places on the command line: one message before anything runs, and no traceback.

A case of each kind of check; every message is tested in tests/unit/preflight.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.preflight.test_bad_config import LLM
from tests.workflow.run import plans, snakemake

# An overlay, as a mapping or as YAML, and what must be said.
CONFIGS: dict[str, tuple[dict[str, Any] | str, str]] = {
    "an unknown key": ({"seds": [0]}, "config key seds: unknown key; did you mean seeds?"),
    "a key twice": ("rl: {epochs: 1}\nseeds: [0]\nrl: {epochs: 2}\n", ".yaml:3: config key rl was already at line 1"),
    "a file that is not there": ({"tasks": {"mt": {"train": [{"format": "jsonl", "path": "absent.jsonl"}]}}}, "config key tasks.mt.train.0.path: absent.jsonl does not exist (looked for in"),
    "a script that is none": ({"languages": {"bo": {"script": "Klingonish"}}}, "config key languages.bo.script: 'Klingonish' is not the name of a Unicode script"),
    "a metric that is not there": ({"tasks": {"mt": {"metrics": ["own:exact"]}}}, "config key tasks.mt.metrics.0: no module own in"),
    "a metric of the project that is not there": ({"tasks": {"mt": {"metrics": ["semalign.metrics.comet:bleurt"]}}}, "defines no bleurt; it defines"),
    "an identifier that is not there": ({"languages": {"bo": {"identify": "own:sure", "code": "bo"}}}, "config key languages.bo.identify: no module own in"),
    "a reward of nobody's": ({"rl": {"rewards": {"rewards_of_mine:short": 1.0}}}, "config key rl.rewards: no module rewards_of_mine"),
    "a method's reward of nobody's": ({"frontier": {"methods": {"grpo_guard": {"guard": {"rewards_of_mine:short": 1.0}}}}}, "config key frontier.methods.grpo_guard.guard: no module rewards_of_mine"),
    "a prompt that is not there": ({"judge": LLM | {"prompts": {"mt": "mine.txt"}}}, "config key judge.prompts.mt: mine.txt does not exist"),
    "a password in an address": ({"judge": LLM | {"base_url": "https://me:sk-a1b2c3@example.org/v1"}}, "config key judge.base_url: holds a name, password, key or query"),
    "vLLM that is not installed": ({"rl": {"generation": "vllm"}, "device": "cuda", "policy": {"dtype": "bfloat16"}}, "config key rl.generation: vllm is not installed here; install it with"),
    "more processes than GPUs": (
        {"device": "cuda", "processes": 2} | {name: {"micro_batch_size": 8} for name in ("cold_sft", "strong_sft", "rl")} | {"few_shot": {"sft": {"micro_batch_size": 8}}, "frontier": None},
        "config key processes: 2 need a GPU each, and this run may use 1; start it with --resources gpu=2",
    ),
    "a result in place of a file": (
        {"policy": {"path": "results/base/model"}},
        "config key policy.path: results/base/model lies in results, which this workflow writes itself",
    ),
    "two downloads of one name": (
        {"downloads": {"d": {"urls": dict.fromkeys(("a", "a/b"), "http://localhost/a"), "licence": "MIT"}}},
        "config key downloads: d/a",
    ),
    "a policy cut off": ({"policy": {"path": "cut"}}, "config key policy.path: cut/model.safetensors: damaged or cut off"),
    "an encoder without its config": ({"encoders": {"reward": {"path": "bare"}}}, "config key encoders.reward.path: bare holds no config.json"),
}  # fmt: skip


@pytest.fixture(scope="module")
def said(tiny_policy: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a dry run of each case printed, in one folder."""
    home = tmp_path_factory.mktemp("configs")
    for name in ("cut", "bare"):
        shutil.copytree(tiny_policy, home / name)
    os.truncate(home / "cut" / "model.safetensors", 5000)
    (home / "bare" / "config.json").unlink()
    files = [home / f"{number}.yaml" for number in range(len(CONFIGS))]
    for file, (overlay, _) in zip(files, CONFIGS.values(), strict=True):
        file.write_text(overlay if isinstance(overlay, str) else yaml.safe_dump(overlay, allow_unicode=True))
    answers = plans(home, [[file] for file in files])
    assert not (home / "results").exists()
    return {case: str(answer.get("error", "")) for case, answer in zip(CONFIGS, answers, strict=True)}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_bad_config_ends_before_anything_runs(case: str, said: dict[str, str]) -> None:
    assert CONFIGS[case][1] in said[case], said[case][-3000:] or "it was accepted"
    assert "Traceback" not in said[case]
    assert "a1b2c3" not in said[case]


def test_results_that_are_no_folder(tmp_path: Path) -> None:
    (tmp_path / "results").touch()
    result = snakemake(tmp_path, "-n")
    assert result.returncode != 0
    assert "results: is no folder, and results go there; move it away" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr
