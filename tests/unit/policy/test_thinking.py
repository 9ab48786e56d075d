"""Thinking is off in training and evaluation alike: with a template that has the switch, the same prompt tokens."""

from pathlib import Path
from typing import Any

import pytest
import torch

from semalign.config.training import Grpo, Lora, Sft
from semalign.generation.answers import generate
from semalign.policy.grpo import train_grpo
from semalign.policy.models import load_policy, new_adapter
from semalign.policy.sft import conversations, token_lengths, train_sft
from semalign.rewards.builtin import length_reward
from semalign.runtime.workspace import Workspace
from tests.conftest import work
from tests.unit.policy.test_policy_folder import BATCH, HERE, PROMPT, ROWS

# As Qwen3's: a prompt ends in an empty think block when thinking is switched off, and the last answer begins with one.
TEMPLATE = (
    "{% for turn in messages %}"
    "{% if turn.role == 'assistant' %}"
    "{{ '<|assistant|>\n' }}{% if loop.last %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{{ turn.content + eos_token }}"
    "{% else %}{{ '<|user|>\n' + turn.content + '\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}{% endif %}"
    "{% endif %}"
)


@pytest.fixture
def thinker(tiny_policy: Path) -> tuple[Any, Any]:
    """A model with a fresh adapter and a tokenizer with that template."""
    base, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    tokenizer.chat_template = TEMPLATE
    return new_adapter(base, Lora(rank=4, alpha=8, dropout=0.0), seed=0), tokenizer


def expected(tokenizer: Any) -> set[str]:
    return {f"<|user|>\n翻译：{row['source']}\n<|assistant|>\n<think>\n\n</think>\n\n" for row in ROWS}


def seen_by(model: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Keyword arguments of each call of a method of the base model, as calls are made."""
    base, calls = model.get_base_model(), list[dict[str, Any]]()
    method = getattr(base, name)

    def noted(*args: Any, **kwargs: Any) -> Any:
        calls.append({key: value for key, value in kwargs.items() if isinstance(value, torch.Tensor)})
        return method(*args, **kwargs)

    monkeypatch.setattr(base, name, noted)
    return calls


def prompts_given(tokenizer: Any, calls: list[dict[str, Any]]) -> set[tuple[int, ...]]:
    """Prompts of calls of `generate`, without their padding."""
    return {
        tuple(ids[mask == 1].tolist())
        for call in calls
        for ids, mask in zip(call["input_ids"], call["attention_mask"].bool().long(), strict=True)
    }


def test_sft_rollouts_and_evaluation_see_the_same_prompt_tokens(
    thinker: tuple[Any, Any], tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, tokenizer = thinker
    generated = seen_by(model, "generate", monkeypatch)
    texts = [PROMPT.format(source=row["source"]) for row in ROWS]
    generate(model, tokenizer, texts, max_new_tokens=2, batch_size=4, workspace=workspace, name="test")
    evaluation = prompts_given(tokenizer, generated)
    generated.clear()

    grpo = Grpo.model_validate(
        BATCH | {"num_generations": 2, "max_new_tokens": 2, "temperature": 1.0, "rewards": {"length": 1.0}}
    )
    reward = {"length": lambda completions, *_: [float(i) for i in range(len(completions))]}
    train_grpo(model, tokenizer, ROWS, PROMPT, reward, grpo, **HERE, workspace=workspace)
    rollouts = prompts_given(tokenizer, generated)

    batches = list[dict[str, Any]]()
    model.register_forward_pre_hook(lambda module, args, kwargs: batches.append(kwargs), with_kwargs=True)
    sft = Sft.model_validate(BATCH | {"max_tokens": 256})
    train_sft(model, tokenizer, ROWS, PROMPT, sft, **HERE, workspace=work(tmp_path / "sft"))
    examples = [
        (ids[mask == 1], labels[mask == 1])
        for batch in batches
        if "labels" in batch  # the others are looks at what the model computes
        for ids, mask, labels in zip(batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True)
    ]
    assert len(examples) == len(ROWS)
    in_training = {tuple(ids[labels == -100].tolist()) for ids, labels in examples}

    assert {tokenizer.decode(list(ids)) for ids in evaluation} == expected(tokenizer)
    assert rollouts == evaluation
    assert in_training == evaluation
    # what is learnt is the answer and its end alone: no part of the think block
    learnt = {tokenizer.decode(labels[labels != -100].tolist()) for _, labels in examples}
    assert learnt == {row["target"] + tokenizer.eos_token for row in ROWS}
    assert sorted(len(ids) for ids, _ in examples) == sorted(
        token_lengths(conversations(ROWS, PROMPT, tokenizer), tokenizer)
    )


def test_rewards_see_no_think_block(thinker: tuple[Any, Any], workspace: Workspace) -> None:
    model, tokenizer = thinker
    seen = list[str]()

    def reward(completions: list[str], references: list[str], sources: list[str]) -> list[float]:
        seen.extend(completions)
        return [value + i for i, value in enumerate(length_reward(completions, references, sources))]

    grpo = Grpo.model_validate(BATCH | {"num_generations": 2, "max_new_tokens": 4, "rewards": {"length": 1.0}})
    train_grpo(model, tokenizer, ROWS, PROMPT, {"length": reward}, grpo, **HERE, workspace=workspace)
    assert len(seen) == 2 * len(ROWS)
    assert not any("<think>" in text for text in seen)
