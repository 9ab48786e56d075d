"""SFT with replay: among the task's pairs, a share of text in the language that the model must keep.

Scialom et al. 2022, "Fine-tuned Language Models are Continual Learners", arXiv 2205.12393. All else is as in
`strong_sft`.
"""

from collections.abc import Collection
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from semalign.config.base import Distinct, InnerShare
from semalign.config.data import CorpusItem
from semalign.config.training import Grpo
from semalign.methods.base import WHICH, Counts, History, Need, Trained, TrainingInputs, strong_sft
from semalign.runtime.files import Row


class Settings(Trained):
    method: Literal["replay"] = WHICH
    strengths: Counts
    share: InnerShare = Field(description="of the training examples that are replayed")
    texts: Annotated[list[CorpusItem], Distinct] = Field(
        min_length=1, description="what is replayed, as base training reads it"
    )
    language: str = Field(description="one of `languages`: only texts, or answers, in its script are replayed")

    unit: ClassVar[str] = "pairs"
    needs: ClassVar[frozenset[Need]] = frozenset({"pairs", "replay"})
    recipes: ClassVar[frozenset[str]] = frozenset({"lora", "strong_sft"})

    @property
    def start_model(self) -> str:
        return "base"

    def problem(self, rl: Grpo, languages: Collection[str]) -> str | None:
        if self.language in languages:
            return None
        return f"language: {self.language!r} is not among languages: {list(languages)}"

    def further_examples(self, pairs: int) -> int:
        return texts_beside(pairs, self.share)

    def passes(self, strength: float) -> float:
        """The pairs, and what is replayed among them."""
        return strength / (1 - self.share)


def texts_beside(pairs: int, share: float) -> int:
    """Texts beside so many pairs, where they are this share of all examples."""
    return round(pairs * share / (1 - share))


def drawn(texts: list[Row], pairs: int, share: float, seed: int) -> list[Row]:
    """So many of the texts, in a seeded order, that they are this share of all examples. Raises InputError where there
    are fewer."""
    import random

    from semalign.runtime.errors import InputError

    wanted = texts_beside(pairs, share)
    if wanted > len(texts):
        raise InputError(
            f"replay: a share of {share} beside {pairs} pairs takes {wanted} texts, and there are {len(texts)}; lower "
            "share or the strengths, or give more texts"
        )
    return random.Random(seed).sample(texts, wanted)


def train(settings: Settings, strength: float, given: TrainingInputs) -> tuple[Any, dict[str, Any], History]:
    from semalign.policy.sft import train_sft

    model, tokenizer = given.model()
    pairs = given.first(strength)
    replayed = drawn(list(given.replay), len(pairs), settings.share, given.seed)
    recipe = strong_sft(given)
    return model, *train_sft(model, tokenizer, pairs, given.prompt, recipe, **given.where, replayed=replayed)
