"""Floors against figures worked out by hand, and published parameter counts."""

from typing import Any

import pytest

from bench.floors import (
    QWEN3_4B,
    XLM_R_BASE,
    Device,
    Shape,
    decode_step,
    encoding_seconds,
    forward,
    grpo_terms,
    known_device,
    scoring_seconds,
    training,
    training_seconds,
)

# one layer: q, o 4×4, k, v 4×2, gate, up 4×8, down 8×4 = 16+8+8+16+32+32+32 = 144; embedding 10×4
SMALL = Shape(1, 4, 8, 2, 1, 2, 10, lora_rank=1)


def test_parameters_of_a_small_shape() -> None:
    assert SMALL.linear == 144
    assert SMALL.embedding == 40
    assert SMALL.lora == (4 + 4) + 2 * (4 + 2) + (4 + 4) + 2 * (4 + 8) + (8 + 4)
    assert SMALL.cache == 2 * 1 * 2 * 2  # keys and values of one head of two, two bytes each
    assert SMALL.attention(6) == 4 * 4 * 3  # two products, two operations, width 4, half of six tokens


def test_parameters_of_the_published_shapes() -> None:
    assert QWEN3_4B.linear == 36 * (2 * 2560 * 4096 + 2 * 2560 * 1024 + 3 * 2560 * 9728) == 3_633_315_840
    assert QWEN3_4B.embedding == 388_956_160
    assert QWEN3_4B.lora == 132_120_576
    assert XLM_R_BASE.linear == 12 * (4 * 768 * 768 + 2 * 768 * 3072)


def test_operations_are_two_a_parameter_and_token() -> None:
    lora = SMALL.lora
    assert forward(SMALL, 5, 6) == 5 * (2 * (144 + 40 + lora) + 48)
    assert forward(SMALL, 5, 6, head=False) == 5 * (2 * (144 + lora) + 48)
    backward = 5 * (2 * (144 + 40) + 4 * lora + 2 * 48)
    assert training(SMALL, 5, 6, recomputed=False) == forward(SMALL, 5, 6) + backward
    assert training(SMALL, 5, 6, recomputed=True) == forward(SMALL, 5, 6) + backward + forward(SMALL, 5, 6, head=False)


def test_a_decoding_step_reads_every_weight_and_every_cached_token_once() -> None:
    _, read = decode_step(SMALL, batch=3, length=7)
    assert read == (144 + 40) * 2 + SMALL.lora * 4 + 3 * 7 * 8
    assert Device("slow memory", 1e9, 1.0).seconds(0, read) == read


def test_the_floors_of_the_paper_s_steps_on_an_h200() -> None:
    h200 = known_device("NVIDIA H200")
    assert h200 is not None
    assert training_seconds(h200, QWEN3_4B, 32, 1024, recomputed=True) == pytest.approx(1.05, abs=0.01)
    assert training_seconds(h200, QWEN3_4B, 32, 1024, recomputed=False) == pytest.approx(0.73, abs=0.01)
    assert scoring_seconds(h200, QWEN3_4B, 32, 512) == pytest.approx(0.17, abs=0.01)
    assert encoding_seconds(h200, XLM_R_BASE, 512, 256) == pytest.approx(0.03, abs=0.005)
    assert known_device("abacus") is None


def test_a_generation_that_serves_more_updates_is_shared_by_them_and_scored_once_more() -> None:
    device = Device("toy", 1.0, 1e30)
    common: dict[str, Any] = {"batch": 8, "micro_batch": 4, "prompt": 5, "completion": 3, "recomputed": False}
    short = grpo_terms(device, SMALL, SMALL, steps_per_generation=2, **common)
    long = grpo_terms(device, SMALL, SMALL, steps_per_generation=8, **common)
    assert set(short) == {"update", "generation", "reward"}
    assert set(long) == {*short, "old log-probabilities"}
    assert long["update"] == short["update"]
    # nothing is gained where operations bind: four times the completions cost four times as much
    assert long["generation"] == pytest.approx(short["generation"])
