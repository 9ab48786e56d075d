"""A transformers trainer that says how far it is."""

from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from semalign.runtime.progress import Progress


class StepProgress(TrainerCallback):
    """Says how far a training is.

    figures: {name in the trainer's log: as it is shown}. tokens: counts those so far, where the trainer's log does not.
    """

    def __init__(self, figures: dict[str, str], tokens: Callable[[], int] | None = None) -> None:
        self.figures, self.tokens = figures, tokens
        self.latest: dict[str, float] = {}
        self.progress: Progress | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        done = state.global_step  # above 0 where a checkpoint is taken up
        self.progress = Progress("step", state.max_steps, done)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        if state.global_step < state.max_steps and state.global_step % int(args.logging_steps):
            self._update(state)  # of the others, on_log knows the figures

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.latest |= {name: float(logs[name]) for name in [*self.figures, "num_tokens"] if logs and name in logs}
        self._update(state)

    def _update(self, state: TrainerState) -> None:
        assert self.progress is not None  # a trainer logs nothing before it begins
        tokens = self.tokens() if self.tokens else self.latest.get("num_tokens")
        shown = {words: self.latest[name] for name, words in self.figures.items() if name in self.latest}
        self.progress.update(state.global_step, tokens, figures=shown)
