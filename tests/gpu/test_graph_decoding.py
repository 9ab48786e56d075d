"""Generation by CUDA graphs gives the tokens of the plain loop.

On a CPU, which has no graphs, a recording is played by running the step: what is tested there is that the inputs
arrive where a recording reads them.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import (
    CompileConfig,
    Gemma3TextConfig,
    GenerationConfig,
    PretrainedConfig,
    Qwen3Config,
)

from semalign.config.training import Lora
from semalign.policy import graph_decoding
from semalign.policy.graph_decoding import decode_plainly, decode_with_graphs, fixed_cache
from semalign.policy.models import merged_adapter, new_adapter
from tests.unit import random_models
from tests.unit.random_models import RECURRENT, SHAPE

DEVICE = os.environ.get("SEMALIGN_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")
NEW = 14
QWEN3 = Qwen3Config(**SHAPE)
GEMMA3 = Gemma3TextConfig(**SHAPE, sliding_window=64)


def model_of(config: PretrainedConfig) -> Any:
    return random_models.model_of(config).to(DEVICE)


def prompts(*lengths: int) -> dict[str, torch.Tensor]:
    return {name: one.to(DEVICE) for name, one in random_models.prompts(lengths).items()}


def decoding(**how: Any) -> GenerationConfig:
    found = GenerationConfig(
        **{"do_sample": False, "max_new_tokens": NEW, "eos_token_id": [1], "pad_token_id": 0} | how
    )
    if DEVICE == "cpu":  # where transformers takes the plain step unless it is told otherwise
        found.compile_config = CompileConfig()
        found.compile_config._compile_all_devices = True
    return found


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For each recording, how often it was played."""
    counts: list[int] = []
    real = graph_decoding.cuda_graph

    def record(step: Callable[[], Any]) -> Callable[[], Any]:
        replay = step if DEVICE == "cpu" else real(step)
        counts.append(0)

        def counted() -> Any:
            counts[-1] += 1
            return replay()

        return counted

    monkeypatch.setattr(graph_decoding, "cuda_graph", record)
    if DEVICE == "cpu":  # a step that runs counts by itself
        monkeypatch.setattr(graph_decoding, "_count", lambda cache: None)
    return counts


def both(model: Any, given: dict[str, torch.Tensor], how: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens by the plain loop and by graphs, drawn alike."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    found = []
    for prepare in (decode_plainly, decode_with_graphs):
        prepare(base)
        torch.manual_seed(5)
        with torch.inference_mode():
            found.append(model.generate(**given, generation_config=decoding(**how)))
    decode_plainly(base)
    return found[0], found[1]


@pytest.mark.parametrize("config", [QWEN3, GEMMA3], ids=["qwen3", "gemma3"])
@pytest.mark.parametrize(
    "how", [{}, {"do_sample": True, "top_k": 0, "num_return_sequences": 2}], ids=["greedy", "drawn"]
)
def test_graphs_give_the_tokens_of_the_plain_loop(config: PretrainedConfig, how: Any, played: list[int]) -> None:
    model = model_of(config)
    for lengths in ((9, 6, 4), (7, 7, 2), (12,)):
        plain, graphed = both(model, prompts(*lengths), how)
        assert torch.equal(plain, graphed)
        assert played.pop() == plain.shape[1] - max(lengths) - 2  # the first token is the prompt's, the second plain
    assert not played


def test_an_adapter_beside_the_weights_or_merged(played: list[int]) -> None:
    model = new_adapter(model_of(QWEN3), Lora(rank=4, alpha=16, dropout=0.0), seed=0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    given = prompts(8, 5)
    base_alone, _ = both(model.get_base_model().eval(), given, {})
    plain, graphed = both(model, given, {})
    assert torch.equal(plain, graphed)
    with merged_adapter(model):
        plain, graphed = both(model, given, {})
    assert torch.equal(plain, graphed)
    assert all(count > 5 for count in played)
    assert base_alone.shape == plain.shape


@pytest.mark.parametrize(
    "config",
    [
        Gemma3TextConfig(**SHAPE, sliding_window=8),
        RECURRENT,
    ],
    ids=["a window that fills up", "recurrent"],
)
def test_a_cache_without_a_fixed_form_is_decoded_plainly(config: PretrainedConfig, played: list[int]) -> None:
    model = model_of(config)
    assert fixed_cache(model, 9 + NEW) is None
    plain, graphed = both(model, prompts(9, 6), {})
    assert torch.equal(plain, graphed)
    assert not played


def test_nothing_is_left_on_the_model(played: list[int]) -> None:
    model = model_of(QWEN3)
    before = set(vars(model))
    decode_with_graphs(model)
    with torch.inference_mode():
        model.generate(**prompts(5), generation_config=decoding())
    decode_plainly(model)
    assert set(vars(model)) - before <= {"_previous_max_cache_length"}
