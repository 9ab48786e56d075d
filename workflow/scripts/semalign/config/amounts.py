"""Whether there is enough of everything: pairs, prompts, and updates after the warm-up.

`problem` tells what is known from the config alone. Where a number is known only once the data are read, the job
check_amounts asks the same functions (see `semalign.preflight`).
"""

from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING

from semalign.config.models import Encoder
from semalign.config.training import Grpo, Optimisation

if TYPE_CHECKING:
    from semalign.config.whole import Config


def updates(training: Optimisation | Encoder, examples: int) -> int:
    """Updates on so many examples, as transformers counts them: an epoch's last batch may be short, epochs may be a fraction."""
    return ceil(training.epochs * -(-examples // training.batch_size))


def prompts_a_generation(rl: Grpo, processes: int) -> int:
    """Prompts whose completions are sampled together; GRPO leaves out what does not fill such a batch."""
    if rl.steps_per_generation is None or rl.micro_batch_size == "auto":
        return rl.batch_size // rl.num_generations
    return rl.micro_batch_size * processes * rl.steps_per_generation // rl.num_generations


def grpo_updates(rl: Grpo, prompts: int, processes: int) -> int:
    """Updates of GRPO on so many prompts."""
    together = prompts_a_generation(rl, processes)
    used = prompts // together * together
    return ceil(rl.epochs * -(-used * rl.num_generations // rl.batch_size))


def warmup_problem(key: str, training: Optimisation | Encoder, number: int, on: str) -> str | None:
    """Why a training of one update learns nothing; None where it learns. The rate is 0 as the warm-up begins."""
    if number != 1 or training.warmup_ratio == 0:
        return None
    return (
        f"{key}: {on} make one update, which falls into the warm-up, whose rate begins at 0: nothing would be learnt; "
        f"set {key}.warmup_ratio: 0, a smaller {key}.batch_size or more {key}.epochs"
    )


def prompts_problem(key: str, rl: Grpo, prompts: int, processes: int, on: str) -> str | None:
    """Why GRPO cannot be trained on so many prompts, which the config's `key` gives; None where it can."""
    together = prompts_a_generation(rl, processes)
    if prompts < together:
        return (
            f"{key}: {on} are fewer than the {together} that GRPO samples at a time (rl.batch_size {rl.batch_size}, "
            f"rl.num_generations {rl.num_generations}); give more, or a smaller rl.batch_size"
        )
    return warmup_problem("rl", rl, grpo_updates(rl, prompts, processes), f"{on} ({key})")


def problem(config: "Config") -> str | None:
    """What of the config's amounts cannot be, with its key; None where all can."""
    return next(_problems(config), None)


def _problems(config: "Config") -> Iterator[str]:
    """`split.cold` and `split.rl` may be exceeded by the rest of a group, never undercut."""
    for name, task in config.tasks.items():
        cold, rl = task.split.cold, task.split.rl
        yield from _found(
            warmup_problem("cold_sft", config.cold_sft, updates(config.cold_sft, cold), f"{cold} pairs of {name}")
        )
        if rl is not None:
            yield from _too_many(config, name, cold + rl, rl)
            pairs = f"{cold + rl} pairs of {name}"
            yield from _found(
                warmup_problem("strong_sft", config.strong_sft, updates(config.strong_sft, cold + rl), pairs)
            )
            key = f"tasks.{name}.split.rl"
            yield from _found(prompts_problem(key, config.rl, rl, config.processes, f"{rl} prompts"))
    if config.few_shot:
        sft, pairs = config.few_shot.sft, config.few_shot.pairs
        yield from _found(warmup_problem("few_shot.sft", sft, updates(sft, pairs), f"few_shot.pairs: {pairs}"))
    for pairs in config.frontier.sft_pairs if config.frontier else ():
        number = updates(config.strong_sft, pairs)
        yield from _found(warmup_problem("strong_sft", config.strong_sft, number, f"frontier.sft_pairs: {pairs}"))
    yield from _of_methods(config)


def _found(problem: str | None) -> Iterator[str]:
    if problem:
        yield problem


def _too_many(config: "Config", name: str, pairs: int, prompts: int) -> Iterator[str]:
    """What asks for more than cold start and RL of a task have."""
    asked = {"frontier.sft_pairs": max(config.frontier.sft_pairs, default=0) if config.frontier else 0}
    if config.few_shot and config.few_shot.task == name:
        asked["few_shot.pairs"] = config.few_shot.pairs
    for key, number in asked.items():
        if number > pairs:
            yield f"{key}: {number} pairs are asked for, cold start and RL of {name} have {pairs}"
    for method, entry in config.methods().items():
        there = {"pairs": pairs, "prompts": prompts}.get(entry.unit)
        if there is not None and max(entry.strengths) > there:
            yield (
                f"frontier.methods.{method}.strengths: {max(entry.strengths)} {entry.unit} are asked for, and {name} "
                f"has {there}"
            )
    last = max(config.frontier.rl_steps, default=0) if config.frontier else 0
    steps = grpo_updates(config.rl, prompts, config.processes)
    if last >= steps:
        yield f"frontier.rl_steps: step {last} is not before the last of RL in {name} ({steps})"


def _of_methods(config: "Config") -> Iterator[str]:
    for name, entry in config.methods().items():
        key = f"frontier.methods.{name}"
        for strength in entry.strengths:
            on = f"{key}.strengths: {strength:g} {entry.unit}"
            if isinstance(entry, Optimisation):
                yield from _found(warmup_problem(key, entry, updates(entry, int(strength)), on))
            elif entry.unit == "pairs":
                examples = int(strength) + entry.further_examples(int(strength))
                number = updates(config.strong_sft, examples)
                yield from _found(warmup_problem("strong_sft", config.strong_sft, number, on))
            elif entry.unit == "prompts":
                prompts = int(strength)
                yield from _found(
                    prompts_problem(f"{key}.strengths", config.rl, prompts, config.processes, f"{prompts} prompts")
                )
