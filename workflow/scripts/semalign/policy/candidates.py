"""What the cold start answers to RL's prompts, and what each answer would have earned: methods learn from it."""

from collections.abc import Sequence

from semalign.rewards.builtin import Reward
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row


def scored(
    rows: Sequence[Row], answers: Sequence[Sequence[str]], rewards: dict[str, Reward], weights: dict[str, float]
) -> list[Row]:
    """A candidate for each answer: `id` and `source` of its row, `completion`, each reward by name, and `reward`, their
    weighted sum; those of one row side by side. `answers` holds those to each row."""
    pairs = [(row, text) for row, own in zip(rows, answers, strict=True) for text in own]
    completions = [text for _, text in pairs]
    references, sources = [row["target"] for row, _ in pairs], [row["source"] for row, _ in pairs]
    earned = {name: rewards[name](completions, references, sources) for name in weights}
    return [
        {"id": row["id"], "source": row["source"], "completion": text}
        | {name: values[number] for name, values in earned.items()}
        | {"reward": sum(weight * earned[name][number] for name, weight in weights.items())}
        for number, (row, text) in enumerate(pairs)
    ]


def by_prompt(candidates: Sequence[Row], prompts: int, key: str) -> list[list[Row]]:
    """The candidates of the first so many prompts, prompt by prompt.

    Raises InputError, naming the config's `key`, where there are fewer prompts.
    """
    groups: dict[str, list[Row]] = {}
    for row in candidates:
        groups.setdefault(row["id"], []).append(row)
    if prompts > len(groups):
        raise InputError(f"config key {key}: {prompts} prompts are asked for, and RL has {len(groups)}")
    return list(groups.values())[:prompts]
