"""Searches on dev: the trials that a config declares, and what is refused before anything runs."""

from typing import Any

import pytest

from semalign.config.search import Drawn, Trial
from semalign.preflight.amounts import needs
from semalign.preflight.root import Config, validate
from tests.unit.shipped import changed, message

RATES: dict[str, Any] = {"of": "rl", "task": "mt", "grid": {"learning_rate": [1.0e-4, 3.0e-4], "beta": [0.0, 0.02]}}
DRAWN: dict[str, Any] = {
    "of": "strong_sft",
    "task": "mt",
    "random": {"learning_rate": {"log_uniform": [1.0e-4, 1.0e-2]}, "schedule": {"choice": ["linear", "constant"]}},
    "draws": 4,
}


def config(**searches: Any) -> Config:
    return validate(changed("search", searches))


def trials(**search: Any) -> list[Trial]:
    return config(one=search).trials()["one"]


def values(**search: Any) -> list[dict[str, Any]]:
    return [trial.values for trial in trials(**search)]


def test_a_grid_has_every_combination_but_the_configs_own() -> None:
    """The miniature's rl has a rate of 3.0e-4 and no KL: of four combinations that one is `rl` itself."""
    assert values(**RATES) == [
        {},
        {"beta": 0.0, "learning_rate": 1.0e-4},
        {"beta": 0.02, "learning_rate": 1.0e-4},
        {"beta": 0.02, "learning_rate": 3.0e-4},
    ]
    assert trials(**RATES)[0].model == "rl"
    assert trials(**RATES)[2].label == "beta 0.02, learning_rate 0.0001"


def test_a_trial_trains_with_its_values_and_all_else_of_its_section() -> None:
    rl = config(one=RATES).rl
    settings = trials(**RATES)[2].settings(rl)
    assert settings == rl.model_copy(update={"beta": 0.02, "learning_rate": 1.0e-4})


def test_folders_follow_from_the_values_alone() -> None:
    """A value more, another order, a whole number for a real one, and another search name the same folders."""
    before = {tuple(trial.values.items()): trial.model for trial in trials(**RATES)}
    assert len(set(before.values())) == 4
    grid = {"beta": [0.05, 0.02, 0], "learning_rate": [3.0e-4, 1.0e-4]}
    after = {tuple(trial.values.items()): trial.model for trial in trials(**RATES | {"grid": grid})}
    assert after.keys() > before.keys()
    assert {key: after[key] for key in before} == before


def test_short_trials_are_others_and_the_configs_own_values_are_one_of_them() -> None:
    short, whole = trials(**RATES | {"steps": 5}), trials(**RATES)
    assert short[0].model.startswith("rl-trial-")
    assert not {trial.model for trial in short} & {trial.model for trial in whole}


def test_draws_are_fixed_and_more_of_them_keep_the_first() -> None:
    found = values(**DRAWN)
    assert values(**DRAWN) == found
    assert values(**DRAWN | {"draws": 6})[: len(found)] == found
    assert values(**DRAWN | {"draw_seed": 1})[1:] != found[1:]
    rates = [one["learning_rate"] for one in found[1:]]
    assert len(set(rates)) == 4
    assert all(1.0e-4 <= rate <= 1.0e-2 and float(f"{rate:.3g}") == rate for rate in rates)
    assert {one["schedule"] for one in found[1:]} <= {"linear", "constant"}


def test_another_key_does_not_move_the_draws() -> None:
    alone = values(**DRAWN | {"random": {"learning_rate": {"log_uniform": [1.0e-4, 1.0e-2]}}})
    assert [one["learning_rate"] for one in alone[1:]] == [one["learning_rate"] for one in values(**DRAWN)[1:]]


def test_equal_draws_are_one_trial() -> None:
    assert values(**DRAWN | {"random": {"epochs": {"choice": [2, 2.0]}}, "draws": 9}) == [{}, {"epochs": 2.0}]


@pytest.mark.parametrize(
    ("drawn", "share", "value"),
    [
        ({"uniform": [1.0, 3.0]}, 0.25, 1.5),
        ({"uniform": [0.0, 1.0]}, 0.123456, 0.123),
        ({"log_uniform": [1.0e-4, 1.0e-2]}, 0.5, 1.0e-3),
        ({"log_uniform": [1.0, 1000.0]}, 1 / 3, 10.0),
        ({"uniform": [0.99951, 0.99959]}, 0.5, 0.99959),  # three digits would be 1, which lies outside
        ({"choice": ["a", "b", "c"]}, 0.0, "a"),
        ({"choice": ["a", "b", "c"]}, 0.34, "b"),
        ({"choice": ["a", "b", "c"]}, 0.999, "c"),
    ],
)
def test_a_draw_by_hand(drawn: dict[str, Any], share: float, value: Any) -> None:
    assert Drawn.model_validate(drawn).value(share) == value


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"grid": {"rate": [1.0]}}, "config key search.one: grid.rate: a search of rl may vary learning_rate, epochs"),
        ({"grid": {"rewards": [1.0]}}, "grid.rewards: a search of rl may vary"),
        ({"of": "strong_sft", "grid": {"beta": [0.1]}}, "grid.beta: a search of strong_sft may vary"),
        ({"grid": {"learning_rate": [1.0e-4, "fast"]}}, "grid.learning_rate.1: Input should be a valid number"),
        ({"grid": {"learning_rate": ["1e-4"]}}, "grid.learning_rate.0: '1e-4' is text to YAML"),
        ({"grid": {"temperature": [True]}}, "grid.temperature.0: Input should be a valid number, found True"),
        ({"grid": {"loss": ["ppo"]}}, "grid.loss.0: Input should be 'grpo'"),
        ({"grid": {"top_p": [0.5, 1.5]}}, "grid.top_p.1: Input should be less than or equal to 1, found 1.5"),
        ({"grid": {}}, "grid: is empty"),
        ({"grid": {"beta": []}}, "grid.beta: no value is given"),
        ({"grid": None}, "grid or random is needed, and not both"),
        ({"random": {"beta": {"choice": [0.1]}}, "draws": 2}, "grid or random is needed, and not both"),
        ({"draws": 2}, "draws is needed with random, and with nothing else"),
        ({"grid": {"beta": [0.1, 0.2], "top_p": [0.5, 0.6]}, "max_trials": 3}, "4 trials are more than max_trials (3)"),
        ({"grid": {"epochs": [1, 2]}, "steps": 5}, "grid.epochs: is not read where steps says"),
        ({"grid": {"learning_rate": [3.0e-4]}}, "search.one: every trial has the values of rl itself"),
        ({"task": "captions"}, "search.one.task: captions is not among tasks"),
        (
            {"grid": {"batch_size": [96]}},
            "search.one: the trial of batch_size 96: micro_batch_size must divide batch_size",
        ),
        ({"grid": {"num_generations": [5]}}, "the trial of num_generations 5: num_generations must divide batch_size"),
    ],
)
def test_what_cannot_be_tried_is_refused_with_its_key(changes: dict[str, Any], said: str) -> None:
    assert said in message(changed("search", {"one": RATES | changes}))


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        ({"beta": {}}, "search.one.random.beta: one of choice, uniform and log_uniform is needed, found none"),
        ({"beta": {"uniform": [0.2, 0.1]}}, "search.one.random.beta: uniform: the lower bound comes first"),
        ({"beta": {"log_uniform": [0, 0.1]}}, "search.one.random.beta: log_uniform: bounds above 0 are needed"),
        ({"beta": {"uniform": [-0.1, 0.1]}}, "random.beta.uniform.0: Input should be greater than or equal to 0"),
        ({"num_generations": {"uniform": [2, 8]}}, "num_generations is no real number; list its values under choice"),
        ({"beta": {"choice": []}}, "search.one.random.beta: choice: no value is given"),
    ],
)
def test_draws_that_cannot_be_made_are_refused_with_their_key(drawn: dict[str, Any], said: str) -> None:
    search = {"of": "rl", "task": "mt", "random": drawn, "draws": 2}
    assert said in message(changed("search", {"one": search}))


def test_processes_must_be_able_to_share_every_trials_batch() -> None:
    raw = changed("search", {"one": RATES | {"grid": {"batch_size": [64, 192]}}})
    for key in ("cold_sft", "strong_sft", "rl"):
        raw[key] |= {"batch_size": 128, "micro_batch_size": 64}
    raw |= {"processes": 2, "few_shot": None, "frontier": None}
    assert "search.one: the trial of batch_size 64: rl: batch_size 64 is no multiple of" in message(raw)


def test_data_must_suffice_for_every_trial() -> None:
    """64 completions are 8 prompts at a time with 8 of each, and 32 with 2 of each. The warm-up needs two updates: two
    such batches in an epoch, three where half an epoch is made. 8 and 16 prompts are what the config's own RL needs."""
    grid = {"num_generations": [2, 8], "epochs": [0.5, 1]}
    before = {(need.part, need.least) for need in needs(config(), "mt")}
    found = {need for need in needs(config(one=RATES | {"grid": grid}), "mt") if (need.part, need.least) not in before}
    assert {(need.part, need.least) for need in found} == {
        ("prompts", 32),
        ("prompts", 24),
        ("prompts", 64),
        ("prompts", 96),
    }
    assert all(need.reason.startswith("search.one") for need in found)
    assert needs(config(one=RATES | {"grid": grid}), "hg") == needs(config(), "hg")
    assert needs(config(one=RATES), "mt") == needs(config(), "mt")  # another rate needs nothing else


def test_an_overlay_takes_a_search_out_and_a_config_without_trainings_has_none() -> None:
    assert config(one=None).trials() == {}
    raw = changed("search", {"one": RATES})
    assert validate(raw | {"train": False}).trials() == {}
