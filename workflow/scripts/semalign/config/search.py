"""Config of searches on dev: which values of RL's or strong SFT's settings are tried, and the trials that follow."""

import json
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from math import exp, log, prod
from random import Random
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from semalign.config.base import Count, CountFromTwo, Distinct, Seed, Strict, number
from semalign.config.names import TaskName, check_form
from semalign.config.training import Grpo, Optimisation, Sft

Value = float | int | str
Values = dict[str, Value]

OF_BOTH = ("learning_rate", "epochs", "batch_size", "warmup_ratio", "schedule", "max_grad_norm")
VARIED: dict[str, tuple[type[Optimisation], tuple[str, ...]]] = {
    "rl": (Grpo, (*OF_BOTH, "num_generations", "temperature", "top_p", "beta", "epsilon", "loss")),
    "strong_sft": (Sft, OF_BOTH),
}
"""What a search may vary of each training: what says how it learns, not what it may hold or where it runs."""


@dataclass(frozen=True)
class Trial:
    """A training with other values than those of its section `of`; `steps`: its updates, None: as its epochs say."""

    of: str
    values: Values
    steps: int | None

    @property
    def is_shipped(self) -> bool:
        """Has it the values of the config, changed in nothing but perhaps its length?"""
        return not self.values

    @property
    def model(self) -> str:
        """The name of its folder, which follows from its values alone: a trial that is there is not trained again."""
        if self.is_shipped and self.steps is None:
            return self.of
        whole = json.dumps({"values": self.values, "steps": self.steps}, sort_keys=True)
        return f"{self.of}-trial-{sha256(whole.encode()).hexdigest()[:10]}"

    @property
    def label(self) -> str:
        """Its values for a reader."""
        return ", ".join(f"{key} {shown(value)}" for key, value in self.values.items()) or f"{self.of} as configured"

    def settings(self, shipped: Optimisation) -> Optimisation:
        """The settings that it trains with. Raises ValueError where its values do not go together."""
        try:
            return type(shipped).model_validate(shipped.model_dump() | self.values)
        except ValidationError as error:
            raise ValueError(_said(error)) from None


def shown(value: Value) -> str:
    """A value as tables show it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _said(error: ValidationError) -> str:
    return error.errors()[0]["msg"].removeprefix("Value error, ")


SearchName = Annotated[str, AfterValidator(check_form)]
Bound = Annotated[float, BeforeValidator(number), Field(strict=True, allow_inf_nan=False)]
Bounds = Annotated[list[Bound], Field(min_length=2, max_length=2)]


class Drawn(Strict):
    """What a draw takes a value from: one of the three keys."""

    choice: list[Any] | None = Field(None, description="one of these, each as likely")
    uniform: Bounds | None = Field(None, description="a number between these two")
    log_uniform: Bounds | None = Field(None, description="a number between these two, its logarithm drawn evenly")

    @model_validator(mode="after")
    def _check(self) -> "Drawn":
        given = [name for name, value in self if value is not None]
        if len(given) != 1:
            raise ValueError(f"one of choice, uniform and log_uniform is needed, found {', '.join(given) or 'none'}")
        if self.choice is not None and not self.choice:
            raise ValueError("choice: no value is given")
        for name, bounds in (("uniform", self.uniform), ("log_uniform", self.log_uniform)):
            if bounds and not bounds[0] < bounds[1]:
                raise ValueError(f"{name}: the lower bound comes first, found {bounds}")
        if self.log_uniform and self.log_uniform[0] <= 0:
            raise ValueError(f"log_uniform: bounds above 0 are needed, found {self.log_uniform}")
        return self

    def listed(self) -> tuple[str, list[Any]]:
        """The key that is given, and the values under it."""
        return next((name, list(values)) for name, values in self if values is not None)

    def value(self, share: float) -> Value:
        """The value at a share of 0 to below 1 of the whole; of a range to three digits, as it is shown and shipped."""
        if self.choice is not None:
            return self.choice[int(share * len(self.choice))]
        low, high = self.uniform or self.log_uniform or [0.0, 0.0]
        found = low + share * (high - low) if self.uniform else exp(log(low) + share * (log(high) - log(low)))
        return min(max(float(f"{found:.3g}"), low), high)


class Search(Strict):
    """A grid, or random draws, of one training's values, compared on the task's dev set."""

    of: Literal["rl", "strong_sft"] = Field(description="the section whose values are varied, and the rule that trains")
    task: TaskName = Field(description="the task that is trained and answered")
    seeds: Annotated[list[Seed], Distinct] = Field(
        default=[0], min_length=1, description="each trial is trained once for each"
    )
    grid: dict[str, list[Any]] | None = Field(
        None, description="key of the section: values; every combination is a trial"
    )
    random: dict[str, Drawn] | None = Field(None, description="key of the section: what each draw takes a value from")
    draws: Count | None = Field(
        None, description="how many trials are drawn from `random`; more of them keep the first"
    )
    draw_seed: Seed = Field(0, description="of the draws")
    steps: CountFromTwo | None = Field(
        None,
        description="every trial, that of the config's own values too, makes so many updates, over which the rate's "
        "schedule spans; null: as many as its epochs make",
    )
    measure: Literal["similarity_independent", "metric"] = Field(
        "similarity_independent",
        description="what the trials are sorted by: similarity by the encoder that never rewards, or the task's metric",
    )
    retention: bool = Field(
        False, description="the primary benchmark is measured too; it is shown, and decides nothing"
    )
    max_trials: Count = Field(32, description="more than so many trials are an error")

    @model_validator(mode="after")
    def _check(self) -> "Search":
        if (self.grid is None) == (self.random is None):
            raise ValueError("grid or random is needed, and not both")
        if (self.random is None) != (self.draws is None):
            raise ValueError("draws is needed with random, and with nothing else")
        kind = "grid" if self.random is None else "random"
        given = self.grid if self.random is None else self.random
        if not given:
            raise ValueError(f"{kind}: is empty; name a key of {self.of} and its values")
        for key, values in (self.grid or {}).items():
            self._check_values(f"grid.{key}", key, values)
        for key, drawn in (self.random or {}).items():
            name, values = drawn.listed()
            if name != "choice" and key in VARIED[self.of][1] and _annotation(self.of, key) is not float:
                raise ValueError(f"random.{key}.{name}: {key} is no real number; list its values under choice")
            self._check_values(f"random.{key}.{name}", key, values)
        if self.steps is not None and "epochs" in given:
            raise ValueError(f"{kind}.epochs: is not read where steps says how long trials are; take one of them out")
        count = self.draws or prod(map(len, (self.grid or {}).values()))
        if count > self.max_trials:
            raise ValueError(
                f"{kind}: {count} trials are more than max_trials ({self.max_trials}); raise it, or name fewer"
            )
        return self

    def _check_values(self, place: str, key: str, values: list[Any]) -> None:
        keys = VARIED[self.of][1]
        if key not in keys:
            raise ValueError(f"{place}: a search of {self.of} may vary {', '.join(keys)}")
        if not values:
            raise ValueError(f"{place}: no value is given")
        for position, value in enumerate(values):
            try:
                _adapter(self.of, key).validate_python(value)
            except ValidationError as error:
                raise ValueError(f"{place}.{position}: {_said(error)}, found {value!r}") from None

    def varied(self) -> list[str]:
        """The keys that are varied, in an order of their own, since a reordered config changes nothing."""
        return sorted(self.grid or self.random or {})

    def combinations(self) -> list[Values]:
        """The values of each trial, none twice."""
        keys = self.varied()
        if self.grid is not None:
            found = [dict(zip(keys, values, strict=True)) for values in product(*(self.grid[key] for key in keys))]
        else:
            drawn = self.random or {}
            found = [
                {key: drawn[key].value(_share(self.draw_seed, key, draw)) for key in keys}
                for draw in range(self.draws or 0)
            ]
        plain: list[Values] = []
        for values in found:
            typed = {key: _adapter(self.of, key).validate_python(value) for key, value in values.items()}
            if typed not in plain:
                plain.append(typed)
        return plain

    def trials(self, shipped: Optimisation) -> list[Trial]:
        """The trials: first the config's own values, then those that differ from them. `shipped`: the section `of`."""
        own = Trial(self.of, {}, self.steps)
        different = [
            values
            for values in self.combinations()
            if any(getattr(shipped, key) != value for key, value in values.items())
        ]
        return [own, *(Trial(self.of, values, self.steps) for values in different)]


def _annotation(of: str, key: str) -> Any:
    return VARIED[of][0].model_fields[key].annotation


def _adapter(of: str, key: str) -> TypeAdapter[Any]:
    metadata = VARIED[of][0].model_fields[key].metadata
    kind = _annotation(of, key)
    return TypeAdapter(Annotated[kind, *metadata] if metadata else kind)


def _share(seed: int, key: str, draw: int) -> float:
    """Uniform in [0, 1), of its own for each key and draw: another key or more draws move none of the others."""
    return Random(f"{seed}/{key}/{draw}").random()
