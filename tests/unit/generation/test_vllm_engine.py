"""What vLLM is given and how its answers are read: what can be tested without it."""

from pathlib import Path

from semalign.config.training import Lora
from semalign.generation.answers import Completion
from semalign.generation.vllm_engine import completion, engine_arguments
from semalign.policy.models import load_policy, new_adapter, save_adapter


def test_an_engine_for_the_base_alone_and_for_an_adapter(tiny_policy: Path, tmp_path: Path) -> None:
    common = {
        "model": str(tiny_policy),
        "dtype": "bfloat16",
        "max_model_len": 300,
        "seed": 0,
        "generation_config": "vllm",
    }
    assert engine_arguments(tiny_policy, None, 300) == common
    model, _ = load_policy(tiny_policy, "float32", "cpu")
    save_adapter(new_adapter(model, Lora(rank=8, alpha=16), 0), tmp_path)
    adapted = {"enable_lora": True, "max_loras": 1, "max_lora_rank": 8}
    assert engine_arguments(tiny_policy, tmp_path, 300) == common | adapted


def test_an_answer_is_read_with_and_without_its_end_token(tiny_policy: Path) -> None:
    _, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    tokens, end = tokenizer("看书", add_special_tokens=False)["input_ids"], tokenizer.eos_token_id
    whole = Completion("看书", len(tokens), truncated=False)
    assert completion(tokenizer, [*tokens, end], "stop", {end}) == whole
    assert completion(tokenizer, tokens, "stop", {end}) == whole
    assert completion(tokenizer, tokens, "length", {end}) == Completion("看书", len(tokens), truncated=True)
    assert completion(tokenizer, [end], "stop", {end}) == Completion("", 0, truncated=False)
