"""What the config says of batches and processes: impossible ones are refused with one that works."""

import re
from typing import Any

import pytest

from semalign.preflight.root import Config, validate
from semalign.runtime.errors import InputError
from tests.unit.shipped import SHIPPED, changed, laid, message

TRAININGS = ("cold_sft", "strong_sft", "rl")


def validated(processes: int, **training: Any) -> Config:
    """The shipped config with so many processes, and the same keys in every training."""
    raw = laid({"processes": processes})
    methods = [entry for entry in raw["frontier"]["methods"].values() if "micro_batch_size" in entry]
    for part in (*(raw[name] for name in TRAININGS), raw["few_shot"]["sft"], *methods):
        part.update(training)
    return validate(raw)


@pytest.mark.parametrize(("processes", "micro"), [(1, 16), (2, 8), (4, 4), (16, 1), (2, "auto"), (8, "auto")])
def test_processes_share_a_batch(processes: int, micro: Any) -> None:
    assert validated(processes, micro_batch_size=micro).processes == processes


@pytest.mark.parametrize(("processes", "micro"), [(2, 16), (3, 16), (3, 4), (32, 1), (3, "auto"), (5, 8)])
def test_where_they_cannot_every_remedy_that_is_named_works(processes: int, micro: Any) -> None:
    with pytest.raises(InputError) as caught:
        validated(processes, micro_batch_size=micro)
    said = str(caught.value)
    assert said.startswith("config: cold_sft: batch_size 16 is no multiple of micro_batch_size × processes = ")
    remedies = re.findall(r"cold_sft\.(\w+): (\d+)", said)
    assert remedies
    for key, value in remedies:
        training = SHIPPED["cold_sft"] | {"micro_batch_size": micro} | {key: int(value)}
        assert type(validate(SHIPPED).cold_sft).model_validate(training).batch_problem("x", processes) is None


@pytest.mark.parametrize("micro", [0, -1, 2.5, "automatic", None, True])
def test_a_micro_batch_is_a_number_or_auto(micro: Any) -> None:
    needed = "config key rl.micro_batch_size: a whole number from 1 on, or auto, is needed"
    assert message(changed("rl.micro_batch_size", micro)).startswith(needed)


def test_a_generation_holds_whole_groups() -> None:
    raw = laid({"rl": {"micro_batch_size": 4, "steps_per_generation": 3}})
    assert re.search(r"4 × 1 × 3 completions .* num_generations 8; rl.steps_per_generation: 4 would", message(raw))
    raw["rl"]["steps_per_generation"] = 4
    assert validate(raw).rl.steps_per_generation == 4


def test_batches_of_rl_stay_whole_groups() -> None:
    more = {name: {"batch_size": 48} for name in ("cold_sft", "strong_sft")}
    found = message(laid({"processes": 3, "few_shot": None}, more))
    assert re.search(r"rl: batch_size 64 .* = 64 × 3; rl\.batch_size: 192 would do", found)


@pytest.mark.parametrize("key", ["rl.generation", "generation_engine"])
def test_vllm_asks_for_a_gpu_and_bfloat16(key: str) -> None:
    raw = changed(key, "vllm")
    assert f"{key}: vllm needs device: cuda and policy.dtype: bfloat16, found cpu" in message(raw)
    raw["device"], raw["policy"]["dtype"] = "cuda", "bfloat16"
    assert validate(raw).with_vllm() == [key]


def on_a_card(**policy: Any) -> dict[str, Any]:
    return laid({"device": "cuda", "policy": {"dtype": "bfloat16", "cuda_graphs": False} | policy})


@pytest.mark.parametrize("key", ["policy.quantization: nf4", "policy.attention: flash_attention_2"])
def test_4_bits_and_flash_attention_ask_for_a_gpu_bfloat16_and_no_graphs(key: str) -> None:
    name, value = key.removeprefix("policy.").split(": ")
    needed = "device: cuda and policy.dtype: bfloat16 and policy.cuda_graphs: false"
    assert message(laid({"policy": {name: value, "cuda_graphs": True}})) == f"config: {key} needs {needed}"
    assert getattr(validate(on_a_card(**{name: value})).policy, name) == value
    assert message(on_a_card(**{name: value, "cuda_graphs": True})).endswith(f"{key} needs policy.cuda_graphs: false")


def test_4_bits_are_for_one_process_and_not_for_vllm() -> None:
    raw = on_a_card(quantization="nf4")
    with pytest.raises(InputError, match=r"generation_engine: vllm reads the base unquantised; .* it must be hf"):
        validate(raw | {"generation_engine": "vllm"})
    for part in (*(raw[name] for name in TRAININGS), raw["few_shot"]["sft"], *raw["frontier"]["methods"].values()):
        part.update({"micro_batch_size": 1} if "micro_batch_size" in part else {})
    with pytest.raises(InputError, match=r"policy\.quantization: nf4 is for one GPU and needs processes: 1, found 2"):
        validate(raw | {"processes": 2})


@pytest.mark.parametrize("key", ["cold_sft", "few_shot.sft", "frontier.methods.best_of_n"])
def test_conversations_of_one_row_ask_for_flash_attention(key: str) -> None:
    raw = changed(f"{key}.padding_free", True)
    assert f"{key}.padding_free: needs policy.attention: flash_attention_2" in message(raw)
    raw["device"], card = "cuda", on_a_card(attention="flash_attention_2")
    assert validate(raw | {"policy": card["policy"]}).padding_free() == [key]


def test_vllm_knows_few_ranks_of_an_adapter() -> None:
    vllm = {"device": "cuda", "generation_engine": "vllm", "policy": {"dtype": "bfloat16"}, "lora": {"rank": 48}}
    assert "generation_engine: vllm knows lora.rank 1, 8, 16, 32" in message(laid(vllm))
