"""What one job computes, and the updates of a training."""

from dataclasses import dataclass
from math import ceil

from semalign.config.training import Grpo, Optimisation


@dataclass(frozen=True)
class Work:
    """Of one job. Lengths are tokens; `kind` says which rate applies."""

    kind: str
    steps: int = 0
    sequences: int = 0  # trained, answered, scored or embedded, in all
    completions: int = 0  # sampled by GRPO
    batch: int = 0  # of a step
    micro_batch: int = 0
    steps_per_generation: int = 0
    prompt: float = 0
    completion: float = 0

    @property
    def tokens(self) -> float:
        return self.sequences * (self.prompt + self.completion)


def rows_a_pass(settings: Optimisation) -> int:
    """Examples a forward pass; with `auto` the whole batch, the most that it can be."""
    return settings.batch_size if settings.micro_batch_size == "auto" else settings.micro_batch_size


def sft_steps(settings: Optimisation, examples: int) -> int:
    """Updates: the last one of an epoch may be short."""
    return ceil(ceil(examples / settings.batch_size) * settings.epochs)


def grpo_steps(settings: Grpo, prompts: int) -> int:
    """Updates: trl leaves out the prompts of an epoch that do not fill a generation."""
    accumulation = settings.batch_size // rows_a_pass(settings)
    per_generation = (settings.steps_per_generation or accumulation) * rows_a_pass(settings)
    generations = prompts // max(1, per_generation // settings.num_generations)
    return ceil(generations * per_generation / settings.batch_size * settings.epochs)
