"""How much each job computes: steps, tokens, completions, by the config's own numbers."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from semalign.config.names import TaskName
from semalign.config.retention import MultipleChoice, Perplexity
from semalign.config.search import Trial
from semalign.config.training import Optimisation
from semalign.data.questions import read_questions
from semalign.data.sources import first_file, read_pairs
from semalign.methods.base import Trained
from semalign.preflight.amounts import grpo_updates, updates
from semalign.preflight.root import Config
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from tools.planning.dag import Job
from tools.planning.rows import Rows, Source, read_training, rows_of
from tools.planning.steps import Work, rows_a_pass

PART = re.compile(r"results/data/(?P<task>\w+)/(?P<part>cold|rl|dev|mixed)\.jsonl")
ITEMS = 1000  # of a benchmark without a limit


@dataclass(frozen=True)
class Bounds:
    """What the config leaves to the data, where it was given; a plan states which of them it took."""

    rl_pairs: Mapping[TaskName, int]  # where split.rl is null
    test_pairs: Mapping[TaskName, int]  # where a task's test set is a file
    questions: int | None  # where a benchmark's limit is null
    encoder_rows: int | None
    pair_tokens: int | None  # a conversation of prompt and answer; None: the most that the config lets through
    prompt_tokens: int | None
    completion_tokens: int | None
    answer_tokens: int | None  # of the longest answer in a batch at evaluation


def _is_on_dev(run: str) -> bool:
    return run.count("/") == 3  # <task>/<model>/<seed>/dev, of a search


class Plan:
    """The work of a config's jobs under bounds; `taken` collects what was assumed and why, `counted` the rows of files
    that are here."""

    def __init__(self, config: Config, bounds: Bounds) -> None:
        self.config, self.bounds = config, bounds
        self.taken: dict[str, str] = {}
        self.counted: dict[str, str] = {}
        self._rows: dict[str, int] = {}

    def work(self, job: Job) -> Work | None:
        """None for a job without a model."""
        method = getattr(self, f"_{job.rule}", None)
        return method(**job.wildcards) if method else None

    def _given(self, option: str, value: int | None, why: str) -> int | None:
        if value is not None:
            self.taken[f"{option}{value}"] = why
        return value

    def _count(
        self,
        key: str,
        sources: Sequence[Source],
        read: Callable[[Any], Iterator[Row]],
        of_world: str,
        option: str,
    ) -> int:
        """The rows of all sources of a config key. Raises InputError, naming the option, where that is not known."""
        if key not in self._rows:
            found = [self._rows_of(source, read, of_world) for source in sources]
            for source, rows in zip(sources, found, strict=True):
                if rows is None:
                    raise InputError(
                        f"config key {key}: {first_file(source)} is not here yet, and how many rows it has is not "
                        f"known, so the plan needs a number: {option}"
                    )
            known = [rows for rows in found if rows is not None]
            self._rows[key] = sum(rows.number for rows in known)
            published, counted = (
                sum(rows.number for rows in known if rows.known == how) for how in ("published", "counted")
            )
            if published:
                self.taken[f"{key}, {published} rows"] = f"as published; {option} says otherwise"
            if counted:
                self.counted[key] = f"{counted} rows"
        return self._rows[key]

    def _rows_of(self, source: Source, read: Callable[[Any], Iterator[Row]], of_world: str) -> Rows | None:
        path = first_file(source).as_posix()
        for task in self.config.tasks:  # what the workflow will make
            if (part := PART.fullmatch(path)) and part["task"] == task:
                split = self.config.tasks[task].pool
                return Rows({"rl": self._rl_pairs(task), "dev": split.dev}.get(part["part"], split.cold), "set")
        if self.config.world and path.startswith("results/world/"):
            return Rows(int(getattr(self.config.world, of_world)), "set")
        return rows_of(source, read, self.config)

    def _length(self, name: str, most: int, why: str) -> int:
        value = getattr(self.bounds, name)
        if value is None:
            self.taken[f"--{name.replace('_', '-')} not given"] = f"the most that the config lets through ({why})"
            return most
        self.taken[f"--{name.replace('_', '-')} {value}"] = f"mean length; at most {most} by {why}"
        return min(value, most)

    def _tasks_of(self, run: str) -> list[TaskName]:
        if given := self.config.models.get(run.removeprefix("models/")):
            return [task for task in self.config.tasks if given.tasks is None or task in given.tasks]
        return [task for task in self.config.tasks if run == "base" or run.startswith(f"{task}/")]

    def _rl_pairs(self, task: TaskName) -> int:
        settings, option = self.config.tasks[task], f"--rl-pairs {task}="
        split = settings.pool
        if split.rl is not None:
            return split.rl
        given = self._given(option, self.bounds.rl_pairs.get(task), f"tasks.{task}.split.rl is null")
        if given is not None:
            return given
        key = f"tasks.{task}.train"
        pool = self._count(key, settings.train, read_pairs, f"{task}_train", f"{option}…")
        left = pool - split.cold - split.dev - (split.test or 0)
        if left <= 0:
            raise InputError(f"config key {key}: its {pool} pairs leave none for RL beside tasks.{task}.split")
        self.taken[f"{left} pairs for RL on {task}"] = f"the most that {key} leaves; the filters may drop some"
        return left

    def test_pairs(self, task: TaskName) -> int:
        """Items of a task's test set."""
        settings, option = self.config.tasks[task], f"--test-pairs {task}="
        if settings.split is not None and settings.split.test is not None:
            return settings.split.test
        key, of_world = f"tasks.{task}.test", f"{task}_test"
        if self._is_of_world(settings.test):
            return self._count(key, settings.test, read_pairs, of_world, f"{option}…")
        given = self._given(option, self.bounds.test_pairs.get(task), f"tasks.{task}.test is a file")
        return given or self._count(key, settings.test, read_pairs, of_world, f"{option}…")

    def _pairs(self, run: str) -> int:
        """Pairs that a run answers."""
        tasks = self._tasks_of(run)
        return sum(self.config.tasks[task].pool.dev if _is_on_dev(run) else self.test_pairs(task) for task in tasks)

    def _questions(self) -> int:
        """Questions of all benchmarks that are answered."""
        return sum(self._questions_of(name) for name in self.config.retention.extractive)

    def _questions_of(self, name: str) -> int:
        key, settings = f"retention.benchmarks.{name}.test", self.config.retention.extractive[name]
        if settings.limit is not None:
            found = [self._rows_of(source, read_questions, "cmrc_test") for source in settings.test]
            known = [rows.number for rows in found if rows]
            return min(settings.limit, sum(known)) if len(known) == len(found) else settings.limit
        of_world = self._is_of_world(settings.test)
        given = None if of_world else self._given("--questions ", self.bounds.questions, f"{key} is a file")
        return given or self._count(key, settings.test, read_questions, "cmrc_test", "--questions …")

    def _is_of_world(self, sources: Sequence[Source]) -> bool:
        return bool(self.config.world) and first_file(sources[0]).as_posix().startswith("results/world/")

    def _train_base(self) -> Work:
        made = self.config.policy.pretraining
        assert made is not None  # else the rule is not there
        length = self._length("pair_tokens", made.max_tokens, "policy.pretraining.max_tokens")
        return Work("sft", made.steps, made.steps * made.batch_size, batch=made.batch_size, prompt=length)

    def _train_sft(self, task: TaskName, model: str, seed: str) -> Work:
        config, split, trial = self.config, self.config.tasks[task].pool, self.config.trial(model)
        if model == "cold_sft":
            settings, pairs = config.cold_sft, split.cold
        elif model == "strong_sft" or trial:
            settings = config.strong_sft.model_copy(update=trial.values if trial else {})
            pairs = split.cold + self._rl_pairs(task)
        elif model.startswith("sft-"):
            settings, pairs = config.strong_sft, int(model.removeprefix("sft-"))
        else:
            assert config.few_shot is not None  # else no run is called so
            settings, pairs = config.few_shot.sft, config.few_shot.pairs
        most = min(config.tasks[task].max_tokens, settings.max_tokens)
        length = self._length("pair_tokens", most, f"tasks.{task}.max_tokens")
        if trial and trial.steps:
            return Work("sft", trial.steps, trial.steps * settings.batch_size, batch=settings.batch_size, prompt=length)
        seen = ceil(pairs * settings.epochs)
        return Work("sft", updates(settings, pairs), seen, batch=settings.batch_size, prompt=length)

    def _train_grpo(self, task: TaskName, model: str, seed: str) -> Work:
        return self._grpo(self._rl_pairs(task), self.config.trial(model))

    def _train_method(self, task: TaskName, model: str, seed: str) -> Work | None:
        name, _, strength = model.partition("@")
        entry, config = self.config.methods()[name], self.config
        assert isinstance(entry, Trained)  # else the rule is another
        passes = entry.passes(float(strength))
        if passes is None or "reward" in entry.needs:
            return self._grpo(self._rl_pairs(task) if passes is None else round(passes))
        if passes == 0:
            return None
        settings = entry if isinstance(entry, Optimisation) else config.strong_sft
        length = self._length("pair_tokens", config.tasks[task].max_tokens, f"tasks.{task}.max_tokens")
        seen = ceil(passes * settings.epochs)
        return Work("sft", updates(settings, ceil(passes)), seen, batch=settings.batch_size, prompt=length)

    def _grpo(self, prompts: int, trial: Trial | None = None) -> Work:
        rl = self.config.rl.model_copy(update=trial.values if trial else {})
        steps = (trial and trial.steps) or grpo_updates(rl, prompts, self.config.processes)
        served = rl.steps_per_generation or rl.batch_size // rows_a_pass(rl)
        return Work(
            "grpo, long generations" if served * rows_a_pass(rl) > rl.batch_size else "grpo",
            steps,
            steps * rl.batch_size,
            steps * rl.batch_size,
            rl.batch_size,
            rows_a_pass(rl),
            served,
            self._length("prompt_tokens", rl.max_prompt_tokens, "rl.max_prompt_tokens"),
            self._length("completion_tokens", rl.max_new_tokens, "rl.max_new_tokens"),
        )

    def _answers(self, count: int, most_new: int, most: int) -> Work:
        """A test set answered in batches; a batch ends with its longest answer."""
        batch = self.config.generation_batch_size
        prompt = self._length("prompt_tokens", most, "the task's max_tokens")
        answer = self._length("answer_tokens", most_new, "max_new_tokens")
        return Work("generation", ceil(count / batch), count, batch=batch, prompt=prompt, completion=answer)

    def _sampled(self, answers: int, most_new: int, most: int) -> Work:
        return replace(self._answers(answers, most_new, most), completions=answers)

    def _sample_candidates(self, task: TaskName, seed: str) -> Work:
        rl = self.config.rl
        return self._sampled(self._rl_pairs(task) * rl.num_generations, rl.max_new_tokens, rl.max_prompt_tokens)

    def _choose_answers(self, task: TaskName, model: str, seed: str) -> Work:
        settings, samples = self.config.tasks[task], int(model.rpartition("@")[2])
        return self._sampled(self.test_pairs(task) * samples, settings.max_new_tokens, settings.max_tokens)

    def _generate(self, run: str) -> Work:
        tasks = self._tasks_of(run)
        count = self._pairs(run) + (0 if _is_on_dev(run) else self._questions())
        answered = [entry.max_new_tokens for entry in self.config.retention.extractive.values()]
        new = max([*answered, *(self.config.tasks[task].max_new_tokens for task in tasks)])
        return self._answers(count, new, max(self.config.tasks[task].max_tokens for task in tasks))

    def _measure_threshold(self, task: TaskName, seed: str, threshold: str) -> Work:
        settings = self.config.tasks[task]
        return self._answers(settings.pool.dev, settings.max_new_tokens, settings.max_tokens)

    def _measure_likelihood(self, run: str) -> Work:
        forgetting = self.config.forgetting
        assert forgetting is not None  # else the rule is not there
        times = 2 if run == "base" else 1  # the base is measured against itself as well
        length = self._length("pair_tokens", forgetting.max_tokens, "forgetting.max_tokens")
        return Work("likelihood", 1, times * forgetting.passages, batch=forgetting.batch_size, prompt=length)

    def _measure_benchmark(self, run: str, name: str) -> Work | None:
        """Choices or texts, at most as long as `max_tokens` allows; None for the harness, whose tasks are not known."""
        entry = self.config.retention.benchmarks[name]
        if not isinstance(entry, MultipleChoice | Perplexity):
            return None
        items = entry.limit or ITEMS
        if entry.limit is None:
            self.taken[f"{ITEMS} items of {name}"] = "its test set is a file; give it a limit, or take this for a guess"
        each = 1 if isinstance(entry, Perplexity) else len(entry.choices) if isinstance(entry.choices, list) else 4
        length = self._length("pair_tokens", entry.max_tokens, f"retention.benchmarks.{name}.max_tokens")
        return Work("likelihood", 1, items * each, batch=entry.batch_size, prompt=length)

    def _embedded(self, pairs: int) -> Work:
        """Both texts of each pair, by both encoders."""
        length = self._length("completion_tokens", self.config.encoders.reward.max_tokens, "encoders.*.max_tokens")
        return Work("reward", 1, 4 * pairs, prompt=length)

    def _score_similarity(self, run: str) -> Work:
        return self._embedded(self._pairs(run))

    def _audit_rollouts(self, task: TaskName, model: str, seed: str) -> Work:
        steps = min(self.config.audit.steps, grpo_updates(self.config.rl, self._rl_pairs(task), self.config.processes))
        return self._embedded(steps * self.config.rl.batch_size)

    def _examine_encoder(self, encoder: str) -> Work:
        return self._embedded(self.config.exam.size)

    def _train_encoder(self, encoder: str) -> Work:
        ablation = self.config.encoder_ablation
        settings = {**dict(self.config.encoders), **(ablation.encoders if ablation else {})}[encoder]
        made = self._is_of_world(settings.train)
        why = f"train of the encoder {encoder} is a file"
        given = None if made else self._given("--encoder-rows ", self.bounds.encoder_rows, why)
        key = f"encoders.{encoder}.train" if encoder in dict(self.config.encoders) else f"encoder_ablation: {encoder}"
        rows = given or self._count(key, settings.train, read_training, "encoder_triplets", "--encoder-rows …")
        length = self._length("completion_tokens", settings.max_tokens, "encoders.*.max_tokens")
        seen = ceil(rows * settings.epochs)
        texts = 3 if made else 2  # most of the world's rows hold a hard negative each
        return Work("encoder", ceil(seen / settings.batch_size), texts * seen, batch=settings.batch_size, prompt=length)
