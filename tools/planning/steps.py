"""What one job computes."""

from dataclasses import dataclass

from semalign.config.training import Optimisation


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
