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
from semalign.config.judge import Judge, LlmJudge
from semalign.config.metrics import FunctionMetric, function_of
from semalign.config.models import Encoder, Encoders, Exam, Policy
from semalign.config.names import TaskName
from semalign.config.retention import Extractive, Perplexity, Retention
from semalign.config.search import Search, SearchName, Trial
from semalign.config.secrets import secrets_in
from semalign.config.statistics import Statistics
from semalign.config.training import Grpo, Lora, Sft
from semalign.methods.base import Method
from semalign.preflight.consistency import check
from semalign.preflight.experiments import Ablation, EncoderAblation, FewShot, Forgetting, Frontier, Report
from semalign.preflight.explanation import explained
from semalign.runtime.errors import InputError

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
        "result of SFT, and those of GRPO by rounding",
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
        "trainings, ablations, few_shot, frontier and search are not read",
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
    warm_start: bool = Field(
        True,
        description="with the cpu of one machine, many jobs are forks of a process that has imported the libraries; "
        "changes no result and reruns nothing",
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
    judge: Judge = Field(description="who compares rl with strong_sft, and `models` with what they name")
    ablation: Ablation | None = Field(None, description="null: no table 5")
    encoder_ablation: EncoderAblation | None = Field(None, description="null: no RL with other reward encoders")
    few_shot: FewShot | None = Field(None, description="null: no table 4")
    frontier: Frontier | None = Field(None, description="null: no frontier")
    forgetting: Forgetting | None = Field(None, description="null: no table 6")
    search: Annotated[dict[SearchName, Search], BeforeValidator(without_null)] | None = Field(
        None,
        description="searches on dev, by a name of your own (small letters, digits, _): `make search`; null: none, or "
        "not this one",
    )
    statistics: Statistics = Field(default_factory=Statistics, description="intervals and tests")
    audit: Audit = Field(default_factory=Audit, description="signs of a gamed reward")
    report: Report = Field(default_factory=Report, description="results/report.html")

    @model_validator(mode="before")
    @classmethod
    def _inherit(cls, raw: Any) -> Any:
        """An encoder of the ablation is what it changes of the reward encoder; without trainings what compares them is
        off."""
        if isinstance(raw, dict) and raw.get("train") is False:
            raw = raw | dict.fromkeys(("ablation", "encoder_ablation", "few_shot", "frontier", "search"))
            if raw.get("world") is None and (raw.get("judge") or {}).get("kind") == "parser":
                raw |= {"judge": {"kind": "none"}}  # the miniature's, left under a config of other data
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
        check(self)
        return self

    def all_encoders(self) -> dict[str, Encoder]:
        """Every encoder, by its config key."""
        ablated = self.encoder_ablation.encoders if self.encoder_ablation else {}
        of_ablation = {f"encoder_ablation.encoders.{name}": encoder for name, encoder in ablated.items()}
        return {f"encoders.{name}": encoder for name, encoder in self.encoders} | of_ablation

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

    def trials(self) -> dict[str, list[Trial]]:
        """The trials of each search, the first of which has the config's own values."""
        return {name: search.trials(getattr(self, search.of)) for name, search in (self.search or {}).items()}

    def trial(self, model: str) -> Trial | None:
        """The trial that a model is; None of other models."""
        of_searches = (trial for trials in self.trials().values() for trial in trials)
        return next((trial for trial in of_searches if trial.model == model != trial.of), None)

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
