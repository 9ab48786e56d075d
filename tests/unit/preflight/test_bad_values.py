"""What no training could use is refused with its key and a remedy, before anything runs."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from semalign.preflight.checks import check_extras, check_positions
from semalign.preflight.root import validate
from semalign.runtime.errors import InputError
from tests.unit.shipped import SHIPPED, at, said, validated

LLM = {"kind": "openai", "model": "m", "prices": None}
HUGE = 2**63


VALUES: dict[str, list[Any]] = {
    "rl.temperature": [0, 0.0, -1, 1e-9, True, "0.8", float("nan"), float("inf")],
    "rl.top_p": [0, -0.1, 1.1, False, float("nan")],
    "rl.epsilon": [0, -0.2, float("inf")],
    "rl.beta": [-0.1, float("inf"), float("nan")],
    "rl.max_grad_norm": [0, -1, float("inf")],
    "rl.learning_rate": [0, 0.0, True, float("inf"), float("nan")],
    "rl.epochs": [0, -1, float("inf"), 1e300, 1e-300],
    "encoders.reward.epochs": [-1, 5e-324, 1e300],
    "rl.warmup_ratio": [1, 1.0, 1.5, -0.1],
    "rl.num_generations": [1, 0, 8.0, "8", True, HUGE],
    "rl.batch_size": [0, -8, HUGE, 64.0],
    "rl.snapshot_steps": [0, HUGE],
    "rl.max_new_tokens": [0],
    "rl.vllm_memory": [0, 1.1],
    "rl.rewards.similarity": ["1e-3", float("nan"), float("inf"), True],
    "cold_sft.learning_rate": [0],
    "cold_sft.max_tokens": [1, 0],
    "cold_sft.warmup_ratio": [1.0],
    "strong_sft.max_grad_norm": [0],
    "few_shot.sft.learning_rate": [0],
    "lora.dropout": [1, 1.0, -0.1],
    "lora.rank": [0, HUGE, 10**400, "8"],
    "tasks.mt.split.cold": [0],
    "policy.pretraining.learning_rate": [0],
    "policy.pretraining.warmup_ratio": [1],
    "policy.pretraining.max_tokens": [1],
    "policy.pretraining.steps": [0, HUGE],
    "policy.pretraining.seed": [-1, 2**32],
    "encoders.reward.seed": [-1],
    "policy.pretraining.shape.initializer_range": [0],
    "encoders.reward.learning_rate": [0],
    "encoders.reward.scale": [0],
    "encoders.reward.batch_size": [1],
    "encoders.reward.max_tokens": [1, 2],
    "encoders.reward.warmup_ratio": [1],
    "encoders.reward.shape.dropout": [1, 1.0],
    "forgetting.max_tokens": [1, 0],
    "forgetting.passages": [0],
    "tasks.mt.max_tokens": [1],
    "statistics.resamples": [0, HUGE],
    "statistics.confidence": [0, 1, 0.0, 1.0, float("nan")],
    "statistics.seed": [2**63, -1, True],
    "report.examples": [-1, True, "3", 2.0],
    "exam.size": [0, 1],
    "retention.benchmarks.cmrc.limit": [0, True],
    "frontier.methods.dpo.beta": [0],
    "frontier.methods.dpo.learning_rate": [0],
    "frontier.methods.kl_sft.weight": [0],
    "frontier.methods.replay.share": [0, 1],
    "frontier.methods.mbr.temperature": [0],
    "frontier.methods.mbr.top_p": [0],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in VALUES.items() for value in values])
def test_a_value_that_nothing_can_use(key: str, value: Any) -> None:
    lines = said(at(key, value)).splitlines()
    assert lines
    assert all(line.startswith(f"config key {key}: ") for line in lines)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rl.top_p", 1.0),
        ("rl.beta", 0),
        ("rl.temperature", 2),
        ("rl.threshold_quantile", 0),
        ("rl.threshold_quantile", 1),
        ("rl.max_zero_variance_share", 0),
        ("rl.warmup_ratio", 0),
        ("lora.dropout", 0),
        ("encoders.independent.epochs", 0),
        ("forgetting.max_tokens", 2),
        ("statistics.seed", 2**32 - 1),
        ("report.examples", 0),
    ],
)
def test_an_edge_that_can_be_used(key: str, value: Any) -> None:
    assert said(at(key, value)) == ""


def test_a_second_judge_that_is_asked_nothing() -> None:
    second = {"model": "other", "prices": None, "share": 0}
    assert said({"judge": LLM | {"second": second}}).startswith("config key judge.second.share: ")


def test_seeds_leave_room_for_every_process() -> None:
    batches: dict[str, Any] = {name: {"micro_batch_size": 8} for name in ("cold_sft", "strong_sft", "rl")}
    two = batches | {"processes": 2, "frontier": None, "few_shot": {"sft": {"micro_batch_size": 8}}}
    assert said(two | {"seeds": [2**32 - 2]}) == ""
    assert "seeds: 4294967295 is too large: each of 2 processes adds" in said(two | {"seeds": [2**32 - 1]})


FILE = {"format": "jsonl", "path": "a.jsonl"}
ALIGNED = {"format": "aligned", "source": "a.zh", "target": "a.bo"}


@pytest.mark.parametrize(
    ("key", "value", "repeated"),
    [
        ("seeds", [3, 3], "3"),
        ("frontier.sft_pairs", [500, 1000, 500], "500"),
        ("frontier.rl_steps", [100, 100], "100"),
        ("frontier.methods.dpo.strengths", [800, 800], "800"),
        ("frontier.methods.interpolation.strengths", [0.5, 5.0e-1], "0.5"),
        ("frontier.methods.grpo_kl_cold.strengths", [1.0, 1], "1.0"),
        ("few_shot.starts", ["base", "rl", "base"], "'base'"),
        ("languages.bo.excluded_scripts", ["Han", "Han"], "'Han'"),
        ("statistics.primary", [{"task": "mt", "measure": "cmrc_avg"}] * 2, "{'task': 'mt', 'measure': 'cmrc_avg'}"),
        ("tasks.mt.train", [FILE, FILE], "{'format': 'jsonl', 'path': 'a.jsonl'}"),
        ("tasks.mt.train", [FILE, FILE | {"path": "./x/../a.jsonl"}], ""),
        ("tasks.mt.train", [FILE, FILE | {"path": str(Path("a.jsonl").absolute())}], ""),
        ("tasks.mt.train", [FILE, FILE | {"format": "json", "columns": {"source": "source"}}], ""),
        ("tasks.mt.train", [FILE, FILE | {"repeated_ids": "left_out"}], ""),
        ("tasks.mt.train", [ALIGNED, ALIGNED], ""),
        ("tasks.hg.test", [FILE, FILE], ""),
        ("retention.benchmarks.cmrc.test", [FILE, FILE], ""),
        ("encoders.reward.train", [FILE, ALIGNED, FILE], ""),
        ("exam.pairs", [FILE, FILE], ""),
        ("exam.probes", [FILE, FILE], ""),
        ("policy.pretraining.corpus", [{"kind": "text", "source": FILE}] * 2, ""),
        ("frontier.methods.replay.texts", [{"kind": "text", "source": FILE}] * 2, ""),
    ],
)
def test_nothing_is_made_or_read_twice(key: str, value: Any, repeated: str) -> None:
    assert f"config key {key}: repeats {repeated}" in said(at(key, value))


def test_a_test_set_is_not_what_is_trained_on() -> None:
    both = {"tasks": {"mt": {"train": [FILE], "test": [FILE | {"path": "./a.jsonl"}]}}}
    assert said(both).startswith("config key tasks.mt: test: names a source of train, too")


@pytest.mark.parametrize(
    "value",
    [
        [FILE, FILE | {"path": "b.jsonl"}],
        [FILE, FILE | {"columns": {"source": "english"}}],  # three languages in one table
        [ALIGNED, ALIGNED | {"target": "b.bo"}],
    ],
)
def test_what_only_looks_alike_is_no_repetition(value: Any) -> None:
    assert said(at("tasks.mt.train", value)) == ""


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("no place", "{source} is missing: a text goes there"),
        ("", "{source} is missing"),
        ("{source", "{source} is missing"),
        ("%(source)s", "{source} is missing"),
        ("{sorce}", "{sorce} is no placeholder; write {source}"),
        ("{source} and {sources}", "{sources} is no placeholder; write {source}"),
        ("{source} { source }", "{ source } is no placeholder; write {source}"),
        ("{source} {SOURCE}", "{SOURCE} is no placeholder; write {source}"),
        ("{{source}}", "{{source}} is no placeholder; write {source}"),
        ("{source!r}", "{source!r} is no placeholder; write {source}"),
        ("{source} {source:>9}", "{source:>9} is no placeholder; write {source}"),
        ("{source} {source.text}", "{source.text} is no placeholder; write {source}"),
        ("{source} ｛source｝", "｛source｝ is no placeholder; write {source}"),
        ("{source}\n{source\n}", r"'{source\n}' is no placeholder; write {source}"),
        ("{source} {0}", "{0} is no placeholder; there is {source}. Where the braces are meant as text"),
        ("{source} {}", "{} is no placeholder; there is {source}"),
        ("{source} {target}", "{target} is no placeholder; there is {source}"),
        ("{source} {target-language}", "{target-language} is no placeholder; there is {source}"),
        ("{source} {{answer}}", "{{answer}} is no placeholder; there is {source}"),
    ],
)
def test_a_prompt_whose_placeholders_are_none(prompt: str, message: str) -> None:
    assert said(at("tasks.mt.prompt", prompt)).startswith(f"config key tasks.mt.prompt: {message}")


@pytest.mark.parametrize(
    "prompt", ["{source}{source}", '{"text": "{source}", "n": {"a": 1}}', "{source} { word }", "{source} ｛原文｝ }{"]
)
def test_braces_that_are_no_placeholder_stay(prompt: str) -> None:
    assert said(at("tasks.mt.prompt", prompt)) == ""


def test_a_question_has_two_placeholders() -> None:
    assert "cmrc.prompt: {context} is missing" in said(at("retention.benchmarks.cmrc.prompt", "{question}"))
    assert "cmrc.prompt: {contxt} is no placeholder; write {context}" in said(
        at("retention.benchmarks.cmrc.prompt", "{contxt}{question}")
    )
    assert "there are {context}, {question}" in said(
        at("retention.benchmarks.cmrc.prompt", "{context}{question}{answers}")
    )


@pytest.mark.parametrize(("kind", "limit"), [("xlm-roberta", 512), ("bert", 514)])
def test_an_encoder_has_positions_for_its_tokens(kind: str, limit: int, tmp_path: Path) -> None:
    shape = {"model_type": kind, "max_position_embeddings": 514, "pad_token_id": 1}
    (tmp_path / "config.json").write_text(json.dumps(shape))

    def checked(tokens: int) -> None:
        encoder = {"reward": {"path": str(tmp_path), "max_tokens": tokens}}
        check_positions(validated({"encoder_ablation": None, "encoders": encoder}))

    checked(limit)
    with pytest.raises(
        InputError, match=rf"config key encoders\.reward\.max_tokens: {limit + 1} is more than the {limit}"
    ):
        checked(limit + 1)


def test_a_folder_of_a_trackers_name_is_not_that_tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wandb" / "offline-run-1").mkdir(parents=True)  # as wandb leaves it in a working folder
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    with pytest.raises(InputError, match=r"config key tracking: wandb is not installed here; .* or set it to none"):
        check_extras(validate(SHIPPED | {"tracking": "wandb"}))
    check_extras(validate(SHIPPED))
