"""The whole configuration: every section, and what must hold between them.

The YAML files under `config/` are laid over one another and validated here before anything runs. Field descriptions
are the reference: `config/schema.json` is generated from them.
"""

import json
import os
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from semalign.config.audit import Audit
from semalign.config.base import Count, Distinct, Rate, Seed, Strict, deep_merge, without_null
from semalign.config.data import Language, Task, World
from semalign.config.downloads import Downloads, UrlDownload
from semalign.config.given_models import GivenModel, ModelName
from semalign.config.given_models import problem as given_problem
from semalign.config.judge import Judge, LlmJudge
from semalign.config.metrics import FunctionMetric, function_of
from semalign.config.models import Encoders, Exam, Policy
from semalign.config.names import TaskName
from semalign.config.retention import Extractive, Perplexity, Retention
from semalign.config.secrets import secrets_in
from semalign.config.statistics import Statistics
from semalign.config.training import Grpo, Lora, Optimisation, Sft
from semalign.methods.base import Method
from semalign.miniature import distinct
from semalign.preflight import amounts
from semalign.preflight.experiments import Ablation, EncoderAblation, FewShot, Forgetting, Frontier, Report
from semalign.preflight.explanation import explained
from semalign.runtime.errors import InputError

BUILT_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The linear projections of the policy that `policy.pretraining` describes."""

VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


_UNTRAINED = {"judge": {"kind": "none"}}  # which compares what was trained
_OF_TRAINING = {"epochs": 1, "learning_rate": 1.0, "batch_size": 8, "micro_batch_size": 8}
"""For sections of trainings that a config without trainings leaves out; nothing reads them."""


class Config(Strict):
    """The whole of it."""

    device: Literal["cpu", "cuda"] = Field("cpu", description="where models run; cuda jobs claim one GPU each")
    processes: Count = Field(
        1,
        description="how many share one SFT or GRPO training, on a GPU each with cuda; a global batch stays what it is",
    )
    gradient_checkpointing: bool | None = Field(
        None,
        description="SFT and GRPO compute activations twice instead of keeping them; null: with cuda; changes no "
        "result and reruns nothing",
    )
    seeds: Annotated[list[Seed], Distinct] = Field(min_length=1, description="one complete run each")
    languages: dict[str, Language] = Field(description="each language that a task names, by a name of your own")
    downloads: Annotated[Downloads, BeforeValidator(without_null)] = Field(
        default_factory=dict, description="what is fetched into results/downloads/<name>; named by that path elsewhere"
    )
    mirror: str | None = Field(
        None, description="a folder of downloads (<name>/<file>) from which they are taken instead; reruns nothing"
    )
    licences: dict[str, str] = Field(
        default_factory=dict, description="of your own files: file or folder: licence, for results/sources.csv"
    )
    world: World | None = Field(None, description="the generated world of the miniature; null: all data are your own")
    tasks: Annotated[dict[TaskName, Task], BeforeValidator(without_null)] = Field(
        min_length=1, description="by a name of your own (small letters, digits, _); null in an overlay: not this one"
    )
    train: bool = Field(
        True,
        description="false: nothing is trained but encoders; the base and `models` are measured, and the sections of "
        "trainings, ablations, few_shot, frontier and judge are not read",
    )
    models: Annotated[dict[ModelName, GivenModel], BeforeValidator(without_null)] = Field(
        default_factory=dict,
        description="models trained elsewhere, by a name of your own (small letters, digits, _), measured beside ours; "
        "null in an overlay: not this one",
    )
    retention: Retention = Field(description="benchmarks of what the model must keep")
    policy: Policy = Field(description="the language model that is taught")
    lora: Lora = Field(default_factory=Lora, description="the adapter, the same in every run")
    cold_sft: Sft = Field(description="the cold start: a short SFT that bootstraps script and format")
    strong_sft: Sft = Field(description="SFT from the base on all that cold start and RL see")
    rl: Grpo = Field(description="GRPO from the cold start")
    encoders: Encoders = Field(description="the two sentence encoders")
    exam: Exam = Field(description="what both encoders must pass before GRPO begins")
    generation_batch_size: Count = Field(64, description="greedy decoding; recorded, since it can change bf16 output")
    generation_engine: Literal["hf", "vllm"] = Field(
        "hf",
        description="what answers the test sets; vllm needs envs/requirements-vllm.txt, cuda and a bfloat16 policy",
    )
    checkpoint_seconds: Rate = Field(
        30, description="a training writes down where it is this often at most; changes no result and reruns nothing"
    )
    tracking: Literal["none", "trackio", "tensorboard", "wandb"] = Field(
        "none",
        description="where trainings also show their curves, offline, in results/tracking; needs "
        "envs/requirements-<name>.txt; changes no result and reruns nothing",
    )
    tracking_project: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64)] | None = Field(
        None,
        description="the project of trackio and wandb; null: the working folder's name, with - for all but letters and "
        "digits; changes no result and reruns nothing",
    )
    judge: Judge = Field(description="who compares rl with strong_sft")
    ablation: Ablation | None = Field(None, description="null: no table 5")
    encoder_ablation: EncoderAblation | None = Field(None, description="null: no RL with other reward encoders")
    few_shot: FewShot | None = Field(None, description="null: no table 4")
    frontier: Frontier | None = Field(None, description="null: no frontier")
    forgetting: Forgetting | None = Field(None, description="null: no table 6")
    statistics: Statistics = Field(default_factory=Statistics, description="intervals and tests")
    audit: Audit = Field(default_factory=Audit, description="signs of a gamed reward")
    report: Report = Field(default_factory=Report, description="results/report.html")

    @model_validator(mode="before")
    @classmethod
    def _inherit(cls, raw: Any) -> Any:
        """An encoder of the ablation is what it changes of the reward encoder; without trainings what compares them is
        off."""
        if isinstance(raw, dict) and raw.get("train") is False:
            raw = raw | dict.fromkeys(("ablation", "encoder_ablation", "few_shot", "frontier")) | _UNTRAINED
            raw["statistics"] = {**(raw.get("statistics") or {}), "primary": []}
            raw |= {key: raw.get(key) or _OF_TRAINING for key in ("cold_sft", "strong_sft", "rl")}
        match raw:
            case {
                "encoders": {"reward": dict() as reward},
                "encoder_ablation": {"encoders": dict() as changes} as ablation,
            }:
                encoders = {name: deep_merge(reward, change) for name, change in changes.items()}
                return raw | {"encoder_ablation": ablation | {"encoders": encoders}}
        return raw

    @model_validator(mode="after")
    def _check(self) -> "Config":
        for name, task in self.tasks.items():
            for language in (task.source_language, task.target_language):
                if language not in self.languages:
                    raise ValueError(
                        f"tasks.{name}: language {language!r} is not among languages: {list(self.languages)}"
                    )
            if self.train and not task.train:
                raise ValueError(
                    f"tasks.{name}.train: no pairs to train on; give sources and split, or set `train: false`, which "
                    "measures the base and models alone"
                )
            if problem := self._published_problem(task):
                raise ValueError(f"tasks.{name}.published: {problem}")
        if problem := given_problem(self.models, self.tasks, self.methods()):
            raise ValueError(problem)
        self._check_retention()
        self._check_corpus()
        self._check_experiments()
        self._check_batches()
        if self.judge.kind == "parser" and self.world is None:
            raise ValueError("judge.kind: parser reads the miniature's language and needs `world`")
        self._check_judge()
        if self.policy.path is None:
            for module in self.lora.target_modules or ():
                if module.rpartition(".")[2] not in BUILT_MODULES:
                    raise ValueError(
                        f"lora.target_modules: {module} matches no module of the policy of policy.pretraining; it has "
                        f"{', '.join(BUILT_MODULES)}"
                    )
        for seed in self.seeds if self.processes > 1 else ():
            if seed + self.processes > 2**32:
                raise ValueError(
                    f"seeds: {seed} is too large: each of {self.processes} processes adds its number to it"
                )
        if problem := (self.world and distinct.problem(self.world)) or amounts.problem(self):
            raise ValueError(problem)
        return self

    def _published_problem(self, task: Task) -> str | None:
        """Why the paper's figures are of other languages than a task's."""
        if task.published is None:
            return None
        found = tuple(self.languages[name].script for name in (task.source_language, task.target_language))
        wanted = ("Han" if task.published == "paper_mt" else "Tibetan", "Tibetan")
        if found == wanted:
            return None
        return (
            f"{task.published} is from {wanted[0]} to {wanted[1]} script, and this task from {found[0]} to {found[1]}; "
            "set it to null"
        )

    def _check_judge(self) -> None:
        by_task = {
            key: [task for task, entry in getattr(self.judge, key, {}).items() if entry]
            for key in ("prompts", "human_votes")
        }
        for key, names in by_task.items():
            for task in names:
                if task not in self.tasks:
                    raise ValueError(
                        f"judge.{key}.{task}: {task} is not among tasks: {list(self.tasks)}; take it out with null"
                    )
        for task, votes in self.judge.human_votes.items() if isinstance(self.judge, LlmJudge) else ():
            if votes.seed not in self.seeds:
                raise ValueError(f"judge.human_votes.{task}.seed: {votes.seed} is not among seeds: {self.seeds}")

    def _check_retention(self) -> None:
        for name in self.retention.benchmarks.keys() & {*self.tasks, "replay"}:
            raise ValueError(f"retention.benchmarks: {name} is the name of a folder of other data; give it another")
        if self.forgetting and self.passages_of() is None:
            raise ValueError(
                "forgetting: no benchmark has passages; add an extractive or perplexity one, or set forgetting: null"
            )
        for number, item in enumerate(self.statistics.primary):
            known = ["retention", self.retention.main_column, "judge_net"]
            if item.measure not in known:
                raise ValueError(
                    f"statistics.primary.{number}.measure: {item.measure!r} is none of {', '.join(known)}; `retention` "
                    "is the primary benchmark's own figure"
                )

    def _check_corpus(self) -> None:
        corpus = self.policy.pretraining.corpus if self.policy.pretraining and self.policy.path is None else []
        texts = {f"policy.pretraining.corpus.{number}": item for number, item in enumerate(corpus)}
        for name, entry in self.methods().items():
            replayed = getattr(entry, "texts", [])
            texts |= {f"frontier.methods.{name}.texts.{number}": item for number, item in enumerate(replayed)}
        for key, item in texts.items():
            if item.kind == "questions" and not self.retention.extractive:
                raise ValueError(f"{key}: questions are shown with the prompt of an extractive benchmark; add one")
        for number, item in enumerate(corpus):
            if item.task is not None and item.task not in self.tasks:
                raise ValueError(
                    f"policy.pretraining.corpus.{number}.task: {item.task} is not among tasks: {list(self.tasks)}"
                )

    def _check_batches(self) -> None:
        trainings: dict[str, Optimisation] = {"cold_sft": self.cold_sft, "strong_sft": self.strong_sft, "rl": self.rl}
        if self.few_shot:
            trainings["few_shot.sft"] = self.few_shot.sft
        for name, entry in self.methods().items():
            if isinstance(entry, Optimisation):
                trainings[f"frontier.methods.{name}"] = entry
        problems = [training.batch_problem(key, self.processes) for key, training in trainings.items()]
        for problem in [*problems, self.rl.generation_problem("rl", self.processes)]:
            if problem:
                raise ValueError(problem)
        self._check_loading()
        for key in self.with_vllm():
            if (self.device, self.policy.dtype) != ("cuda", "bfloat16"):
                raise ValueError(
                    f"{key}: vllm needs device: cuda and policy.dtype: bfloat16, found {self.device} and "
                    f"{self.policy.dtype}"
                )
        if self.generation_engine == "vllm" and self.lora.rank not in VLLM_RANKS:
            raise ValueError(f"generation_engine: vllm knows lora.rank {', '.join(map(str, VLLM_RANKS))} alone")

    def _check_loading(self) -> None:
        policy, graphs = self.policy, str(self.policy.cuda_graphs).lower()
        found = {"device": str(self.device), "policy.dtype": str(policy.dtype), "policy.cuda_graphs": graphs}
        wanted = {"device": "cuda", "policy.dtype": "bfloat16", "policy.cuda_graphs": "false"}
        for key in policy.on_a_gpu():
            if wrong := [f"{name}: {value}" for name, value in wanted.items() if found[name] != value]:
                raise ValueError(f"{key} needs {' and '.join(wrong)}")
        if policy.quantization and self.processes > 1:
            raise ValueError(f"policy.quantization: nf4 is for one GPU and needs processes: 1, found {self.processes}")
        for key in self.with_vllm() if policy.quantization else ():
            raise ValueError(f"{key}: vllm reads the base unquantised; with policy.quantization: nf4 it must be hf")
        for key in self.padding_free() if policy.attention != "flash_attention_2" else ():
            raise ValueError(
                f"{key}.padding_free: needs policy.attention: flash_attention_2; {policy.attention} would need a mask "
                "of all tokens by all to keep conversations apart"
            )

    def padding_free(self) -> list[str]:
        """The trainings that put conversations into one row."""
        trainings: dict[str, Sft] = {"cold_sft": self.cold_sft, "strong_sft": self.strong_sft}
        trainings |= {"few_shot.sft": self.few_shot.sft} if self.few_shot else {}
        for name, entry in self.methods().items():
            if isinstance(entry, Sft):
                trainings[f"frontier.methods.{name}"] = entry
        return [key for key, training in trainings.items() if training.padding_free]

    def with_vllm(self) -> list[str]:
        """The keys that ask for vLLM."""
        engines = {"rl.generation": self.rl.generation, "generation_engine": self.generation_engine}
        return [key for key, engine in engines.items() if engine == "vllm"]

    def rewards(self) -> dict[str, dict[str, float]]:
        """Every mapping of rewards to weights, by its config key."""
        variants = self.ablation.variants if self.ablation else {}
        of_variants = {f"ablation.variants.{name}.rewards": variant.rewards for name, variant in variants.items()}
        of_methods = {
            f"frontier.methods.{name}.{key}": rewards
            for name, entry in self.methods().items()
            for key, rewards in entry.own_rewards.items()
        }
        return ({"rl.rewards": self.rl.rewards} if self.train else {}) | of_variants | of_methods

    def metric_functions(self) -> dict[str, FunctionMetric]:
        """The metrics that are functions, by their config keys."""
        entries = {
            f"tasks.{name}.metrics.{number}": function_of(entry)
            for name, task in self.tasks.items()
            for number, entry in enumerate(task.metrics)
        }
        return {key: entry for key, entry in entries.items() if entry}

    def methods(self) -> dict[str, Method]:
        """The entries of `frontier.methods`."""
        return dict(self.frontier.methods or {}) if self.frontier else {}

    def passages_of(self) -> str | None:
        """The benchmark whose passages, or texts, `forgetting` measures: the first that has some, the primary one
        before the others."""
        having = [name for name, entry in self.retention.ordered.items() if isinstance(entry, Extractive | Perplexity)]
        return next(iter(having), None)

    def environment_secrets(self) -> dict[str, str]:
        """The values of the environment variables that hold a key or token, by their names."""
        services = self.judge.services() if isinstance(self.judge, LlmJudge) else []
        names = {service.api_key_env for service in services} | {"HF_TOKEN", "OPENAI_API_KEY"}
        for entry in self.downloads.values():
            if isinstance(entry, UrlDownload) and entry.token_env:
                names.add(entry.token_env)
        return {name: os.environ.get(name, "").strip() for name in sorted(names)}

    def _check_experiments(self) -> None:
        needed = {
            "ablation.task": self.ablation and self.ablation.task,
            "encoder_ablation.task": self.encoder_ablation and self.encoder_ablation.task,
            "few_shot.task": self.few_shot and self.few_shot.task,
            "few_shot.source_task": self.few_shot and self.few_shot.source_task,
        } | {f"statistics.primary.{i}.task": item.task for i, item in enumerate(self.statistics.primary)}
        for key, task in needed.items():
            if task and task not in self.tasks:
                raise ValueError(f"{key}: {task} is not among tasks: {list(self.tasks)}")
        for name, entry in self.methods().items():
            if problem := entry.problem(self.rl, self.languages):
                raise ValueError(f"frontier.methods.{name}.{problem}")
        if self.encoder_ablation and not self.rl.rewards.get("similarity"):
            raise ValueError(
                "encoder_ablation: rl.rewards gives similarity no weight, so no encoder would matter; set "
                "encoder_ablation: null"
            )
        every = self.rl.snapshot_steps
        for step in self.frontier.rl_steps if self.frontier else []:
            if every is None or step % every:
                raise ValueError(f"frontier.rl_steps: {step} is no multiple of rl.snapshot_steps ({every})")


def validate(raw: dict[str, Any]) -> Config:
    """The validated config. Raises InputError with one line for each wrong key: its path and what would be right."""
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        shape = Config.model_json_schema()
        known = [name for part in (shape, *shape["$defs"].values()) for name in part.get("properties", {})]
        raise InputError(explained(error, raw, known)) from error
    if problems := secrets_in(raw, config.environment_secrets()):
        raise InputError("\n".join(problems))
    return config


def schema() -> str:
    """The JSON schema of the config, as text."""
    return json.dumps(Config.model_json_schema(), ensure_ascii=False, indent=2) + "\n"
