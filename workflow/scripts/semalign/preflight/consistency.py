"""Constraints between the sections of a config."""

from typing import TYPE_CHECKING

from semalign.config.data import Task
from semalign.config.given_models import problem as given_problem
from semalign.config.judge import LlmJudge
from semalign.config.training import Grpo, Optimisation
from semalign.miniature import distinct
from semalign.preflight import amounts, comparisons

if TYPE_CHECKING:
    from semalign.preflight.root import Config

BUILT_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The linear projections of the policy that `policy.pretraining` describes."""

VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


def check(config: "Config") -> None:
    """Raise ValueError, with the key, where sections contradict each other."""
    for name, task in config.tasks.items():
        for language in (task.source_language, task.target_language):
            if language not in config.languages:
                raise ValueError(
                    f"tasks.{name}: language {language!r} is not among languages: {list(config.languages)}"
                )
        if config.train and not task.train:
            raise ValueError(
                f"tasks.{name}.train: no pairs to train on; give sources and split, or set `train: false`, which "
                "measures the base and models alone"
            )
        if problem := _published_problem(config, task):
            raise ValueError(f"tasks.{name}.published: {problem}")
    if problem := given_problem(config.models, config.tasks, config.methods()):
        raise ValueError(problem)
    if problem := comparisons.problem(config):
        raise ValueError(problem)
    _retention(config)
    _corpus(config)
    _experiments(config)
    _batches(config)
    _searches(config)
    if config.judge.kind == "parser" and config.world is None:
        raise ValueError("judge.kind: parser reads the miniature's language and needs `world`")
    _judge(config)
    if config.policy.path is None:
        for module in config.lora.target_modules or ():
            if module.rpartition(".")[2] not in BUILT_MODULES:
                raise ValueError(
                    f"lora.target_modules: {module} matches no module of the policy of policy.pretraining; it has "
                    f"{', '.join(BUILT_MODULES)}"
                )
    seeds = {"seeds": config.seeds} | {f"search.{name}.seeds": s.seeds for name, s in (config.search or {}).items()}
    for key, seed in [(key, seed) for key, own in seeds.items() for seed in own] if config.processes > 1 else ():
        if seed + config.processes > 2**32:
            raise ValueError(f"{key}: {seed} is too large: each of {config.processes} processes adds its number to it")
    if problem := (config.world and distinct.problem(config.world)) or amounts.problem(config):
        raise ValueError(problem)


def _published_problem(config: "Config", task: Task) -> str | None:
    """Why the paper's figures are of other languages than a task's."""
    if task.published is None:
        return None
    found = tuple(config.languages[name].script for name in (task.source_language, task.target_language))
    wanted = ("Han" if task.published == "paper_mt" else "Tibetan", "Tibetan")
    if found == wanted:
        return None
    return (
        f"{task.published} is from {wanted[0]} to {wanted[1]} script, and this task from {found[0]} to {found[1]}; "
        "set it to null"
    )


def _judge(config: "Config") -> None:
    by_task = {
        key: [task for task, entry in getattr(config.judge, key, {}).items() if entry]
        for key in ("prompts", "human_votes")
    }
    for key, names in by_task.items():
        for task in names:
            if task not in config.tasks:
                raise ValueError(
                    f"judge.{key}.{task}: {task} is not among tasks: {list(config.tasks)}; take it out with null"
                )
    for task, votes in config.judge.human_votes.items() if isinstance(config.judge, LlmJudge) else ():
        if not config.train:
            raise ValueError(
                f"judge.human_votes.{task}: people vote on answers of strong_sft and rl, which `train: false` does not "
                "train; set it to null"
            )
        if votes.seed not in config.seeds:
            raise ValueError(f"judge.human_votes.{task}.seed: {votes.seed} is not among seeds: {config.seeds}")


def _retention(config: "Config") -> None:
    for name in config.retention.benchmarks.keys() & {*config.tasks, "replay"}:
        raise ValueError(f"retention.benchmarks: {name} is the name of a folder of other data; give it another")
    if config.forgetting and config.passages_of() is None:
        raise ValueError(
            "forgetting: no benchmark has passages; add an extractive or perplexity one, or set forgetting: null"
        )
    for number, item in enumerate(config.statistics.primary):
        known = ["retention", config.retention.main_column, "judge_net"]
        if item.measure not in known:
            raise ValueError(
                f"statistics.primary.{number}.measure: {item.measure!r} is none of {', '.join(known)}; `retention` "
                "is the primary benchmark's own figure"
            )


def _corpus(config: "Config") -> None:
    corpus = config.policy.pretraining.corpus if config.policy.pretraining and config.policy.path is None else []
    texts = {f"policy.pretraining.corpus.{number}": item for number, item in enumerate(corpus)}
    for name, entry in config.methods().items():
        replayed = getattr(entry, "texts", [])
        texts |= {f"frontier.methods.{name}.texts.{number}": item for number, item in enumerate(replayed)}
    for key, item in texts.items():
        if item.kind == "questions" and not config.retention.extractive:
            raise ValueError(f"{key}: questions are shown with the prompt of an extractive benchmark; add one")
    for number, item in enumerate(corpus):
        if item.task is not None and item.task not in config.tasks:
            raise ValueError(
                f"policy.pretraining.corpus.{number}.task: {item.task} is not among tasks: {list(config.tasks)}"
            )


def _batches(config: "Config") -> None:
    trainings: dict[str, Optimisation] = {"cold_sft": config.cold_sft, "strong_sft": config.strong_sft, "rl": config.rl}
    if config.few_shot:
        trainings["few_shot.sft"] = config.few_shot.sft
    for name, entry in config.methods().items():
        if isinstance(entry, Optimisation):
            trainings[f"frontier.methods.{name}"] = entry
    problems = [training.batch_problem(key, config.processes) for key, training in trainings.items()]
    for problem in [*problems, config.rl.generation_problem("rl", config.processes)]:
        if problem:
            raise ValueError(problem)
    _loading(config)
    for key in config.with_vllm():
        if (config.device, config.policy.dtype) != ("cuda", "bfloat16"):
            raise ValueError(
                f"{key}: vllm needs device: cuda and policy.dtype: bfloat16, found {config.device} and "
                f"{config.policy.dtype}"
            )
    if config.generation_engine == "vllm" and config.lora.rank not in VLLM_RANKS:
        raise ValueError(f"generation_engine: vllm knows lora.rank {', '.join(map(str, VLLM_RANKS))} alone")


def _searches(config: "Config") -> None:
    for name, trials in config.trials().items():
        search = (config.search or {})[name]
        if search.task not in config.tasks:
            raise ValueError(f"search.{name}.task: {search.task} is not among tasks: {list(config.tasks)}")
        if len(trials) == 1:
            raise ValueError(f"search.{name}: every trial has the values of {search.of} itself; name others")
        for trial in trials:
            try:
                settings = trial.settings(getattr(config, search.of))
            except ValueError as error:
                raise ValueError(f"search.{name}: the trial of {trial.label}: {error}") from None
            problems = [settings.batch_problem(search.of, config.processes)]
            if isinstance(settings, Grpo):
                problems.append(settings.generation_problem(search.of, config.processes))
            for problem in filter(None, problems):
                raise ValueError(f"search.{name}: the trial of {trial.label}: {problem}")


def _loading(config: "Config") -> None:
    policy, graphs = config.policy, str(config.policy.cuda_graphs).lower()
    found = {"device": str(config.device), "policy.dtype": str(policy.dtype), "policy.cuda_graphs": graphs}
    wanted = {"device": "cuda", "policy.dtype": "bfloat16", "policy.cuda_graphs": "false"}
    for key in policy.on_a_gpu():
        if wrong := [f"{name}: {value}" for name, value in wanted.items() if found[name] != value]:
            raise ValueError(f"{key} needs {' and '.join(wrong)}")
    if policy.quantization and config.processes > 1:
        raise ValueError(f"policy.quantization: nf4 is for one GPU and needs processes: 1, found {config.processes}")
    for key in config.with_vllm() if policy.quantization else ():
        raise ValueError(f"{key}: vllm reads the base unquantised; with policy.quantization: nf4 it must be hf")
    for key in config.padding_free() if policy.attention != "flash_attention_2" else ():
        raise ValueError(
            f"{key}.padding_free: needs policy.attention: flash_attention_2; {policy.attention} would need a mask "
            "of all tokens by all to keep conversations apart"
        )


def _experiments(config: "Config") -> None:
    needed = {
        "ablation.task": config.ablation and config.ablation.task,
        "encoder_ablation.task": config.encoder_ablation and config.encoder_ablation.task,
        "few_shot.task": config.few_shot and config.few_shot.task,
        "few_shot.source_task": config.few_shot and config.few_shot.source_task,
    } | {f"statistics.primary.{i}.task": item.task for i, item in enumerate(config.statistics.primary)}
    for key, task in needed.items():
        if task and task not in config.tasks:
            raise ValueError(f"{key}: {task} is not among tasks: {list(config.tasks)}")
    for name, entry in config.methods().items():
        if problem := entry.problem(config.rl, config.languages):
            raise ValueError(f"frontier.methods.{name}.{problem}")
    if config.encoder_ablation and not config.rl.rewards.get("similarity"):
        raise ValueError(
            "encoder_ablation: rl.rewards gives similarity no weight, so no encoder would matter; set "
            "encoder_ablation: null"
        )
    every = config.rl.snapshot_steps
    for step in config.frontier.rl_steps if config.frontier else []:
        if every is None or step % every:
            raise ValueError(f"frontier.rl_steps: {step} is no multiple of rl.snapshot_steps ({every})")
