"""Config of the judge: the miniature's parser, a language model behind an OpenAI-compatible server, or none."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, TypeAdapter, model_validator

from semalign.config.base import (
    Count,
    CountFromZero,
    PositiveShare,
    Rate,
    Seed,
    Share,
    Strict,
    without_null,
)
from semalign.config.data import Table
from semalign.config.names import TaskName
from semalign.config.secrets import check_variable, secret_of_address, secret_of_parameters, split

OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens")
"""What servers call the most tokens of an answer."""

OURS = {"model", "messages", "stream", "n", "tools", "functions"}


class ParserJudge(Strict):
    """The miniature's own: reads both candidates with the world's grammar."""

    kind: Literal["parser"] = Field(description="who compares")


class NoJudge(Strict):
    """Empty judge columns."""

    kind: Literal["none"] = Field(description="who compares")


class Prices(Strict):
    """What a million tokens cost, in one currency of your choice, the ceiling's."""

    input: Rate = Field(description="tokens of the prompt")
    output: Rate = Field(description="tokens of the answer, hidden reasoning among them")


def _check_url(url: str) -> str:
    parts = split(url)
    if "@" in parts.netloc or parts.query or parts.fragment or secret_of_address(url):
        raise ValueError(
            "holds a name, password, key or query; a key goes into the environment variable of api_key_env"
        )
    return url.rstrip("/")


def _check_parameters(parameters: dict[str, JsonValue]) -> dict[str, JsonValue]:
    for name in parameters:
        if name in OURS:
            raise ValueError(f"{name} is set by the workflow; take it out")
    if place := secret_of_parameters(parameters):
        raise ValueError(f"{place} looks like a secret; the key goes into the environment variable of api_key_env")
    return parameters


class Service(Strict):
    """A chat-completions server and a model on it."""

    model: str = Field(min_length=1, description="as the server names it; pin a dated snapshot where there is one")
    base_url: Annotated[str, AfterValidator(_check_url)] = Field(
        "https://api.openai.com/v1", description="any OpenAI-compatible server: vLLM, llama.cpp …"
    )
    api_key_env: Annotated[str, AfterValidator(check_variable)] = Field(
        "OPENAI_API_KEY", description="name of the environment variable that holds the key; a local server needs none"
    )
    parameters: Annotated[dict[str, JsonValue], BeforeValidator(without_null), AfterValidator(_check_parameters)] = (
        Field(
            default_factory=dict,
            description="sent as they are (temperature, max_completion_tokens, reasoning_effort …); leave out "
            "what the model refuses; null in an overlay: not sent",
        )
    )
    prices: Prices | None = Field(description="null: nothing is paid, as on a server of your own")

    @model_validator(mode="after")
    def _check_bound(self) -> "Service":
        if self.prices and self.output_limit() is None:
            raise ValueError(
                f"parameters must hold {' or '.join(OUTPUT_LIMITS)} (a whole number): without it costs have no bound"
            )
        return self

    def missing_key(self) -> str | None:
        """What to say where the server needs a key and the environment has none; None where all is well."""
        if self.base_url != Service.model_fields["base_url"].default or os.environ.get(self.api_key_env, "").strip():
            return None
        return (
            f"judge: {self.base_url} needs a key and the environment variable {self.api_key_env} is not set: export "
            "it, or name another with judge.api_key_env"
        )

    def output_limit(self) -> int | None:
        """The most tokens that an answer may have; None where the parameters do not say."""
        found = [self.parameters[name] for name in OUTPUT_LIMITS if name in self.parameters]
        return next((limit for limit in found if isinstance(limit, int) and limit > 0), None)


class SecondJudge(Service):
    """Another model that is asked the same, to see how far two judges agree."""

    share: PositiveShare = Field(1.0, description="of the items, drawn by the seed")


class Votes(Table):
    """A table of id and vote: 1 or 2, the better of `first` and `second` in the verdicts' file; 0, equal."""

    seed: Seed = Field(0, description="the run whose answers were voted on")


def _identity(service: Service) -> dict[str, Any]:
    return service.model_dump(include={"model", "base_url", "parameters"})


class LlmJudge(Service):
    """A language model behind an OpenAI-compatible server."""

    kind: Literal["openai"] = Field(description="who compares")
    ceiling: Rate | None = Field(
        None, description="the most that all answers in this folder's cache may cost; the run stops before it"
    )
    pilot: Count = Field(20, description="items judged first, from whose usage the whole cost is worked out")
    concurrency: Count = Field(8, description="calls at a time")
    max_retries: CountFromZero = Field(6, description="how often a call waits and tries again: 429, 5xx, time-outs")
    timeout: Rate = Field(120, gt=0, description="seconds until a call counts as lost")
    first_wait: Rate = Field(1.0, description="seconds before the first new try; doubled each time")
    longest_wait: Rate = Field(60.0, description="most seconds between tries, where the server asks for none")
    prompts: dict[TaskName, Literal["translation_zh_bo", "headline_bo", "any"] | Path | None] = Field(
        default_factory=dict,
        description="by task a template of your own, or the name of one of the project's (workflow/prompts/"
        "judge_<name>.txt); else `any`, which shows the task's own prompt",
    )
    self_agreement: Share = Field(0.1, description="share of the items, drawn by the seed, that are judged twice")
    second: SecondJudge | None = Field(None, description="null: no second judge")
    human_votes: Annotated[dict[TaskName, Votes], BeforeValidator(without_null)] = Field(
        default_factory=dict, description="votes of people on the same pairs, by task"
    )

    @model_validator(mode="after")
    def _check_ceiling(self) -> "LlmJudge":
        if self.second and _identity(self.second) == _identity(self):
            raise ValueError("second: is the judge itself; judge.self_agreement asks it again")
        priced = any(service.prices for service in self.services())
        if priced and self.ceiling is None:
            raise ValueError("prices are given but no ceiling: say in judge.ceiling what may be spent at most")
        if self.ceiling is not None and not priced:
            raise ValueError("a ceiling needs prices: without them no cost is known")
        return self

    def services(self) -> list[Service]:
        """The judge itself, and the second one if there is one."""
        return [self, *([self.second] if self.second else [])]

    def asked(self) -> dict[str, Any]:
        """What the verdicts depend on, the prompt aside."""
        second = _identity(self.second) | {"share": self.second.share} if self.second else None
        return _identity(self) | {"kind": self.kind, "self_agreement": self.self_agreement, "second": second}


_WITHOUT_SECRETS: dict[str, Callable[[Any], Any]] = {
    "base_url": _check_url,
    "api_key_env": check_variable,
    "parameters": _check_parameters,
}


def _checked(name: str, check: Callable[[Any], Any], value: Any) -> None:
    try:
        check(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _without_the_other_kinds(judge: Any) -> Any:
    """An overlay that turns the judge off or back leaves the keys of a language model behind, which hold no secret."""
    if isinstance(judge, dict) and judge.get("kind") in ("parser", "none"):
        second = judge.get("second")
        for service in (judge, second if isinstance(second, dict) else {}):
            for name, check in _WITHOUT_SECRETS.items():
                if isinstance(value := service.get(name), str | dict):
                    _checked(name, check, value)
        return {key: value for key, value in judge.items() if key == "kind" or key not in LlmJudge.model_fields}
    return judge


Judge = Annotated[
    Annotated[ParserJudge | NoJudge | LlmJudge, Field(discriminator="kind")],
    BeforeValidator(_without_the_other_kinds),
]


def llm_judge(dumped: Any) -> LlmJudge:
    """The judge that a validated config held, back from its JSON form."""
    return TypeAdapter(LlmJudge).validate_python(dumped)
