"""What a plan's steps cost: seconds by rates, disk by the shapes of models, calls and money by the judge."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.floors import MINIATURE, MINIATURE_ENCODER
from bench.rates import FOLDER, from_bench, of_card, read_rates
from semalign.preflight.root import validate
from semalign.runtime.errors import InputError
from tests.conftest import ROOT
from tests.unit.tools.test_plan import BOUNDS, miniature
from tools.planning.cost import Models, disk, seconds
from tools.planning.dag import Job, merged
from tools.planning.judging import judged, sentence
from tools.planning.shapes import policy_shape
from tools.planning.work import Plan


def test_rates_scale_floors_and_disk_counts_adapters() -> None:
    config, rates, models = miniature(), read_rates(FOLDER / "cpu.json"), Models(MINIATURE, MINIATURE_ENCODER)
    job = Job("train_sft", {"task": "mt", "model": "cold_sft", "seed": "0"})
    work = Plan(config, BOUNDS).work(job)
    assert work is not None
    twice = rates.ratios | {"sft": 2 * rates.ratios["sft"]}
    slower = type(rates)(**vars(rates) | {"ratios": twice})
    assert seconds(work, models, slower) == pytest.approx(2 * seconds(work, models, rates))
    assert disk(config, {job: work}, models)["adapters"] == 491_520 * 4  # parameters that a run reports, float32


JUDGED = [Job("judge_pairs", {"task": "mt", "seed": "0"}), Job("judge_pairs", {"task": "mt", "seed": "1"})]


def test_the_parser_costs_no_calls() -> None:
    assert judged(miniature(), {"mt": 300}, JUDGED) is None
    assert "no calls" in sentence(miniature().judge, None)


def test_calls_of_a_paid_judge_by_hand() -> None:
    """300 items in both orders, two seeds, a tenth again; an answer of 500 tokens at 10 a million."""
    paid = {"model": "m", "prices": {"input": 0.0, "output": 10.0}, "ceiling": 5.0, "parameters": {"max_tokens": 500}}
    config = miniature(judge={"kind": "openai", **paid}, seeds=[0, 1])
    found = judged(config, {"mt": 300}, JUDGED)
    assert found is not None
    assert (found.calls, found.output_tokens) == (1320, 660_000)
    assert found.cost == pytest.approx(6.6)
    said = sentence(config.judge, found)
    assert "1320 calls (3960 if each must be made three times)" in said
    assert "at most 6.60 (19.80)" in said
    assert "judge.ceiling, 5.00" in said


def test_an_unpaid_judge_is_said_to_be_one() -> None:
    config = miniature(judge={"kind": "openai", "model": "m", "prices": None})
    assert sentence(config.judge, judged(config, {"mt": 300}, JUDGED)).endswith("nothing is paid.")


@pytest.mark.parametrize(
    ("config", "repository", "parameters"),
    [("public.yaml", "Qwen/Qwen3-0.6B", 0.596e9), ("bodo.yaml", "google/gemma-3-270m", 0.268e9)],  # as their cards say
)
def test_a_policy_to_be_fetched_is_known_by_its_repository(config: str, repository: str, parameters: float) -> None:
    shape, whose = policy_shape(validate(merged([ROOT / "config" / config])))
    assert whose == repository
    assert shape.linear + shape.embedding == pytest.approx(parameters, rel=0.001)
    assert shape.lora_rank == 64


def test_a_policy_that_is_here_is_read(tmp_path: Path) -> None:
    told = {"num_hidden_layers": 2, "hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 2}
    told |= {"num_key_value_heads": 1, "head_dim": 4, "vocab_size": 100}
    (tmp_path / "config.json").write_text(json.dumps(told))
    shape, _ = policy_shape(miniature(policy={"path": str(tmp_path), "dtype": "float32", "pretraining": None}))
    assert shape.linear == 2 * (8 * 8 + 2 * 8 * 4 + 8 * 8 + 3 * 8 * 16)  # q, k and v, o, and three of feed-forward


def test_rates_of_a_card_that_nobody_measured_are_scaled_and_say_so() -> None:
    """Half the data sheet's operations take twice the time."""
    card, other = of_card("RTX 4090"), read_rates(FOLDER / "h200.json")
    assert card.device.operations / other.device.operations == pytest.approx(165 / 989, rel=1e-3)
    assert card.device.bandwidth / other.device.bandwidth == pytest.approx(1.008 / 4.8, rel=1e-3)
    assert (card.ratios, card.measured) == (other.ratios, False)
    assert "data sheet" in card.source
    assert of_card("H200") == other
    with pytest.raises(InputError, match=r"--card: no data sheet of 'GTX'; known are .*RTX 4090"):
        of_card("GTX")


def test_rates_need_every_kind() -> None:
    found: dict[str, Any] = {"about": {"versions": {}}, "policy": {"benchmarks": [{"kind": "sft", "ratio": 2.0}]}}
    with pytest.raises(ValueError, match="not measured: start"):
        from_bench(found)
    with pytest.raises(ValueError, match="no ratio was measured for 'grpo'"):
        from_bench(found | {"start": {}})


def test_unmeasured_rates_say_so() -> None:
    assert not read_rates(FOLDER / "h200.json").measured
    assert read_rates(FOLDER / "cpu.json").measured
