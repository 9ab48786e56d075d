"""The configuration: every key, its type, its default and what it means.

The YAML files under `config/` are laid over one another and validated here before anything runs. Field descriptions
are the reference: `config/schema.json` is generated from them.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from semalign.config.base import Count, Strict
from semalign.config.data import Cmrc, Language, Task, World
from semalign.config.models import Encoders, Exam, Policy
from semalign.config.training import Grpo, Lora, Sft
from semalign.errors import InputError


class Judge(Strict):
    kind: Literal["parser", "none"] = Field(description="parser: the miniature's own; none: empty columns")


class Config(Strict):
    """The whole of it."""

    seeds: list[Annotated[int, Field(ge=0)]] = Field(min_length=1, description="one complete run each")
    languages: dict[str, Language]
    world: World | None = None
    tasks: dict[Literal["mt", "hg"], Task] = Field(min_length=1)
    cmrc: Cmrc
    policy: Policy
    lora: Lora = Field(default_factory=Lora)
    cold_sft: Sft
    strong_sft: Sft
    rl: Grpo
    encoders: Encoders
    exam: Exam
    generation_batch_size: Count = Field(64, description="greedy decoding; recorded, since it can change bf16 output")
    judge: Judge

    @model_validator(mode="after")
    def _check(self) -> "Config":
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds: {self.seeds} repeats a seed")
        for name, task in self.tasks.items():
            for language in (task.source_language, task.target_language):
                if language not in self.languages:
                    raise ValueError(f"tasks.{name}: language {language!r} is not among languages: {list(self.languages)}")
        if self.judge.kind == "parser" and self.world is None:
            raise ValueError("judge.kind: parser reads the miniature's language and needs `world`")
        return self


def validate(raw: dict[str, Any]) -> Config:
    """The validated config. Raises InputError with one line for each wrong key: its path and what would be right."""
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        lines = []
        for e in error.errors():
            key = ".".join(str(part) for part in e["loc"]) or "config"
            message = "unknown key" if e["type"] == "extra_forbidden" else e["msg"].removeprefix("Value error, ")
            lines.append(f"config key {key}: {message}")
        raise InputError("\n".join(lines)) from error


def schema() -> str:
    """The JSON schema of the config, as text."""
    return json.dumps(Config.model_json_schema(), ensure_ascii=False, indent=2) + "\n"
