"""Rejection sampling: SFT from the cold start on the best, by the reward, of its own answers to each prompt.

Yuan et al. 2023, "Scaling Relationship on Learning Mathematical Reasoning with Large Language Models", arXiv
2308.01825.
"""

from typing import Any, ClassVar, Literal

from semalign.config.training import Sft
from semalign.methods.base import WHICH, Counts, FromColdStart, History, Need, TrainingInputs


class Settings(FromColdStart, Sft):
    method: Literal["best_of_n"] = WHICH
    strengths: Counts

    unit: ClassVar[str] = "prompts"
    needs: ClassVar[frozenset[Need]] = frozenset({"candidates"})


def train(settings: Settings, strength: float, given: TrainingInputs) -> tuple[Any, dict[str, Any], History]:
    """Of candidates that earned the same the first is the best."""
    from semalign.policy.candidates import by_prompt
    from semalign.policy.sft import train_sft

    best = [max(own, key=lambda row: row["reward"]) for own in by_prompt(given.candidates, int(strength), given.key)]
    rows = [{"source": row["source"], "target": row["completion"]} for row in best]
    model, tokenizer = given.model()
    return model, *train_sft(model, tokenizer, rows, given.prompt, settings, **given.where)
