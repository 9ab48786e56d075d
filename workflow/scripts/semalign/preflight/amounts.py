"""Whether the data suffice: pairs, prompts, and updates after the warm-up.

Most of it follows from the config; the job check_amounts checks the rest once the data are divided.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Literal

from semalign.config.models import Encoder
from semalign.config.training import Grpo, Optimisation

if TYPE_CHECKING:
    from semalign.preflight.root import Config

Part = Literal["cold", "pairs", "rl", "prompts"]
HOLDERS: dict[Part, str] = {
    "cold": "the cold start of {task} has {found} pairs",
    "pairs": "cold start and RL of {task} have {found}",
    "rl": "RL of {task} has {found} pairs",
    "prompts": "{task} has {found} for RL",
}


@dataclass(frozen=True)
class Need:
    """At least so many of a part of a task's data, and why."""

    part: Part
    least: int
    reason: str  # with the config key

    def problem(self, task: str, found: int) -> str | None:
        """What to say where there are fewer; None where there are enough."""
        if found >= self.least:
            return None
        return f"{self.reason}, {HOLDERS[self.part].format(task=task, found=found)}"


def updates(training: Optimisation | Encoder, examples: int) -> int:
    """Updates on so many examples, as transformers counts them: an epoch's last batch may be short, epochs may be a
    fraction."""
    return ceil(training.epochs * -(-examples // training.batch_size))


def least_examples(training: Optimisation | Encoder) -> int:
    """The fewest examples that teach anything: the first update has no rate where there is a warm-up."""
    if training.warmup_ratio == 0 or training.epochs > 1:
        return 1
    return int(1 / training.epochs) * training.batch_size + 1


def prompts_together(rl: Grpo, processes: int) -> int:
    """Prompts whose completions are sampled together; GRPO leaves out what does not fill such a batch."""
    if rl.steps_per_generation is None or rl.micro_batch_size == "auto":
        return rl.batch_size // rl.num_generations
    return rl.micro_batch_size * processes * rl.steps_per_generation // rl.num_generations


def grpo_updates(rl: Grpo, prompts: int, processes: int) -> int:
    """Updates of GRPO on so many prompts."""
    together = prompts_together(rl, processes)
    completions = prompts // together * together * rl.num_generations
    return ceil(rl.epochs * -(-completions // rl.batch_size))


def least_prompts(rl: Grpo, processes: int, more_than: int = 0) -> int:
    """The fewest prompts with which GRPO makes more than so many updates, one of them at least with a rate."""
    together = prompts_together(rl, processes)
    before = max(more_than, 1 if rl.warmup_ratio else 0)
    generation = together * rl.num_generations / rl.batch_size  # updates
    batches = max(1, int((before / rl.epochs - 1) / generation))  # too few, by a few
    while grpo_updates(rl, batches * together, processes) <= before:
        batches += 1
    return batches * together


def needs(config: "Config", task: str) -> list[Need]:
    """What a task's data must hold for every training on them."""
    if not config.train:
        return []
    few = config.few_shot if config.few_shot and config.few_shot.task == task else None
    found = [
        _of_training("cold", "cold_sft", config.cold_sft),
        _of_training("pairs", "strong_sft", config.strong_sft),
        *_of_rl(config),
        *(Need("pairs", pairs, f"frontier.sft_pairs: {pairs} pairs are asked for") for pairs in _sizes(config)),
        *([Need("pairs", few.pairs, f"few_shot.pairs: {few.pairs} pairs are asked for")] if few else []),
    ]
    for name, entry in config.methods().items():
        most = int(max(entry.strengths))
        part: Part = "pairs" if entry.unit == "pairs" else "prompts" if "candidates" in entry.needs else "rl"
        if entry.unit in ("pairs", "prompts"):
            found.append(Need(part, most, f"frontier.methods.{name}.strengths: {most} {entry.unit} are asked for"))
    known = {(need.part, need.least) for need in found}
    return [*found, *(need for need in _of_searches(config, task) if (need.part, need.least) not in known)]


def problem(config: "Config") -> str | None:
    """What the config asks for and its own numbers cannot give, with the key; None where they can."""
    for name, task in config.tasks.items():
        if (split := task.split) is None:
            continue
        there: dict[Part, int | None] = {"cold": split.cold, "pairs": None, "rl": split.rl, "prompts": split.rl}
        if split.rl is not None:
            there["pairs"] = split.cold + split.rl
        for need in needs(config, name):
            if (found := there[need.part]) is not None and (message := need.problem(name, found)):
                return message
    for reason, asked, least in _given(config):
        if asked < least:
            return (
                f"{reason}: one update would be made, or none, and the first has no rate; {least} are needed, or "
                "warmup_ratio: 0"
            )
    return None


def _sizes(config: "Config") -> list[int]:
    return config.frontier.sft_pairs if config.frontier else []


def _of_training(part: Part, key: str, training: Optimisation) -> Need:
    least = least_examples(training)
    return Need(
        part,
        least,
        f"{key}: with its warm-up {least} pairs are needed, since fewer make one update (batch_size "
        f"{training.batch_size}, epochs {training.epochs:g}), whose rate is 0; lower batch_size, raise epochs, or set "
        "warmup_ratio: 0",
    )


def _of_searches(config: "Config", task: str) -> Iterator[Need]:
    """What the trials on a task need; with `steps` the data are gone over as often as these updates take."""
    for name, trials in config.trials().items():
        if (config.search or {})[name].task != task:
            continue
        for trial in trials:
            settings, key = trial.settings(getattr(config, trial.of)), f"search.{name}"
            if isinstance(settings, Grpo):
                yield _of_batch(key, settings, config.processes)
            if trial.steps is None and isinstance(settings, Grpo):
                yield _of_grpo(key, settings, config.processes)
            elif trial.steps is None:
                yield _of_training("pairs", key, settings)


def _of_batch(key: str, rl: Grpo, processes: int) -> Need:
    together = prompts_together(rl, processes)
    return Need(
        "prompts",
        together,
        f"{key}.batch_size: {together} prompts are sampled at a time (batch_size {rl.batch_size}, num_generations "
        f"{rl.num_generations}); lower it",
    )


def _of_grpo(key: str, rl: Grpo, processes: int) -> Need:
    least = least_prompts(rl, processes)
    return Need(
        "prompts",
        least,
        f"{key}: with its warm-up {least} prompts are needed, since fewer make one update, whose rate is 0; lower "
        "batch_size, raise epochs, or set warmup_ratio: 0",
    )


def _of_rl(config: "Config") -> Iterator[Need]:
    rl, processes = config.rl, config.processes
    yield _of_batch("rl", rl, processes)
    yield _of_grpo("rl", rl, processes)
    if config.frontier and config.frontier.rl_steps:
        last = max(config.frontier.rl_steps)
        least = least_prompts(rl, processes, last)
        yield Need(
            "prompts",
            least,
            f"frontier.rl_steps: step {last} must come before the last, for which RL needs {least} prompts",
        )


def _given(config: "Config") -> Iterator[tuple[str, int, int]]:
    """(key and value, examples, how many are needed) of trainings on a number of examples that a key gives."""
    strong = least_examples(config.strong_sft)
    if few := config.few_shot:
        yield f"few_shot.pairs: {few.pairs}", few.pairs, least_examples(few.sft)
    for pairs in _sizes(config):
        yield f"frontier.sft_pairs: {pairs}", pairs, strong
    for name, entry in config.methods().items():
        for strength in map(int, entry.strengths) if entry.unit in ("pairs", "prompts") else ():
            key = f"frontier.methods.{name}.strengths: {strength}"
            if isinstance(entry, Optimisation):
                yield key, strength, least_examples(entry)
            elif entry.unit == "pairs":
                yield key, strength + entry.further_examples(strength), strong
            else:
                yield key, strength, least_prompts(config.rl, config.processes)
