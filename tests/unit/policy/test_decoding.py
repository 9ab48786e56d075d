"""The project's loop on a CPU makes the tokens of transformers' `generate`, greedily and drawn from the same seed."""

from typing import Any

import pytest
import torch
from transformers import (
    Gemma3TextConfig,
    GenerationConfig,
    LlamaConfig,
    Phi3Config,
    Qwen3Config,
    StoppingCriteria,
    StoppingCriteriaList,
)

from semalign.policy.decoding import decode_on_cpu
from tests.unit.random_models import RECURRENT, SHAPE, model_of, prompts

NEW = 14
LONG: dict[str, Any] = {"pad_token_id": 0, "max_position_embeddings": 64, "original_max_position_embeddings": 12}
FACTORS = {"short_factor": [1.0] * 4, "long_factor": [8.0, 6.0, 4.0, 2.0]}
ALONE = {"angles that follow the text's length", "recurrent"}
WINDOW = Gemma3TextConfig(**SHAPE, sliding_window=8, layer_types=["sliding_attention", "full_attention"])
CONFIGS = {
    "qwen3": Qwen3Config(**SHAPE),
    "llama": LlamaConfig(**SHAPE),
    "a window that fills up": WINDOW,
    "angles that follow the text's length": Phi3Config(
        **SHAPE | LONG, rope_parameters={"rope_type": "longrope", "rope_theta": 1e4, **FACTORS}
    ),
    "recurrent": RECURRENT,
}
DRAWN = {"do_sample": True, "top_k": 0, "num_return_sequences": 3}


def read_by(model: Any) -> list[tuple[int, int]]:
    """From now on the shapes of what the model reads."""
    read: list[tuple[int, int]] = []

    def note(module: Any, args: Any, kwargs: Any) -> None:
        read.append(tuple(kwargs["input_ids"].shape))

    model.register_forward_pre_hook(note, with_kwargs=True)
    return read


def both(model: Any, given: dict[str, torch.Tensor], how: dict[str, Any], **more: Any) -> list[torch.Tensor]:
    """The tokens of transformers' loop and of the project's, drawn alike, and what is drawn next."""
    ends = {"do_sample": False, "max_new_tokens": NEW, "eos_token_id": [1, 5], "pad_token_id": 0}
    found = []
    for prepare in (lambda model: None, decode_on_cpu):
        prepare(model)
        torch.manual_seed(5)
        found.append(model.generate(**given, generation_config=GenerationConfig(**ends | how), **more))
        found.append(torch.rand(3))
    return found


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(
    "how",
    [{}, DRAWN, DRAWN | {"temperature": 0.7, "top_p": 0.8}, DRAWN | {"top_p": 0.0}, {"repetition_penalty": 1.3}],
    ids=["greedy", "drawn", "drawn, cold and narrow", "the likeliest", "a setting that the loop does not know"],
)
def test_the_tokens_are_those_of_transformers(name: str, how: dict[str, Any]) -> None:
    model = model_of(CONFIGS[name])
    read = read_by(model)
    for given in (prompts((9, 6, 4)), prompts((12,)), prompts((7, 7, 2), copies=8)):
        theirs, next_, ours, ours_next = both(model, given, how)
        assert torch.equal(ours, theirs)
        assert torch.equal(ours_next, next_)  # a training that goes on draws the same
        del vars(model)["generate"]
    alone = name in ALONE or "repetition_penalty" in how
    assert ((3, 7) in read) == (not alone)  # three prompts of eight copies


def test_an_answer_ends_where_a_criterion_says_so() -> None:
    class AtToken(StoppingCriteria):
        def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
            return (input_ids[:, 9:] % 7 == 3).any(-1)

    stops: Any = StoppingCriteriaList([AtToken()])
    theirs, _, ours, _ = both(model_of(CONFIGS["qwen3"]), prompts((9, 6, 4)), DRAWN, stopping_criteria=stops)
    assert torch.equal(ours, theirs)
    assert (ours[:, -1] == 0).any()  # some ended before others


def test_a_shared_prompt_is_read_once_and_ended_answers_leave_the_batch() -> None:
    model = model_of(CONFIGS["qwen3"])
    decode_on_cpu(model)
    read = read_by(model)
    settings = GenerationConfig(max_new_tokens=NEW, eos_token_id=list(range(1, 30)), pad_token_id=0, **DRAWN)
    model.generate(**prompts((7, 5), copies=4), generation_config=settings)
    assert read[0] == (2, 7)
    assert read[1][0] > read[2][0]
    assert all(width == 1 for _, width in read[1:])
