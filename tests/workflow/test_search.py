"""A search on dev beside a finished run: what it trains, what it reads, and what a change of it trains again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tests.conftest import TINY
from tests.workflow.run import plans, snakemake

RATE: dict[str, Any] = {"of": "rl", "task": "mt", "grid": {"learning_rate": [1.0e-2]}}
OF_A_TRIAL = {"train_grpo": 1, "generate": 1, "score_text": 1, "score_similarity": 1, "tabulate_search": 1}
Laid = Callable[[dict[str, Any]], list[Path]]


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Laid:
    """The tiny config with a search laid over it."""

    def files(search: dict[str, Any]) -> list[Path]:
        file = tmp_path_factory.mktemp("search") / "search.yaml"
        file.write_text(yaml.safe_dump({"search": {"rate": search}}))
        return [TINY, file]

    return files


@pytest.fixture(scope="module")
def searched(untouched: Path, tmp_path_factory: pytest.TempPathFactory, laid: Laid) -> Path:
    """The finished run with the search made in it."""
    folder = shutil.copytree(untouched, tmp_path_factory.mktemp("searched") / "run")
    made = snakemake(folder, "search", overlays=laid(RATE))
    assert made.returncode == 0, made.stdout + made.stderr
    return Path(folder)


def trial(searched: Path) -> str:
    [model] = [path.name for path in (searched / "results" / "mt").glob("rl-trial-*")]
    return model


def test_a_trial_answers_dev_and_the_configs_own_model_is_not_trained_again(searched: Path) -> None:
    results = searched / "results"
    dev = [json.loads(line)["id"] for line in (results / "data/mt/dev.jsonl").read_text().splitlines()]
    for model in ("rl", trial(searched)):
        answers = (results / "mt" / model / "0/dev/predictions.jsonl").read_text().splitlines()
        assert [(row["testset"], row["id"]) for row in map(json.loads, answers)] == [("mt", name) for name in dev]
    assert not (results / "mt" / trial(searched) / "0/predictions.jsonl").exists()
    rates = [
        max(json.loads(line)["learning_rate"] for line in (results / "mt" / model / "0/training.jsonl").open())
        for model in ("rl", trial(searched))
    ]
    assert rates[1] == pytest.approx(rates[0] * 1.0e-2 / 3.0e-4)
    cold = results / "mt/cold_sft/0/adapter/adapter_model.safetensors"
    assert cold.read_bytes() != (results / "mt" / trial(searched) / "0/adapter/adapter_model.safetensors").read_bytes()


def test_the_table_has_both_and_its_overlay_is_accepted(searched: Path, laid: Laid) -> None:
    folder = searched / "results/search"
    frame = pd.read_csv(folder / "rate.csv").set_index("trial")
    assert set(frame.index) == {"rl", trial(searched)}
    assert frame.loc["rl", "choice"] == "as configured"
    for model in frame.index:
        scored = json.loads((searched / "results/mt" / model / "0/dev/scores/similarity.json").read_text())
        assert frame.loc[model, "similarity_independent"] == pytest.approx(scored["mt"]["independent"]["value"])
        assert frame.loc[model, "similarity_independent_n"] == 16
    assert frame["similarity_independent"].is_monotonic_decreasing
    changes = yaml.safe_load((folder / "rate.yaml").read_text())
    advice = json.loads((folder / "rate.json").read_text())["recommendation"]
    values = advice["values"]
    assert changes == ({"rl": values, "search": {"rate": None}} if values else {"rl": {}})
    [planned] = plans(searched, [[*laid(RATE), folder / "rate.yaml"]])
    assert "error" not in planned


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({}, {}),
        ({"grid": {"learning_rate": [1.0e-2, 1.0e-4]}}, OF_A_TRIAL),
        ({"grid": {"learning_rate": [1.0e-4]}}, OF_A_TRIAL),
        ({"grid": {"learning_rate": [1.0e-2, 3.0e-4]}}, {}),  # which is the config's own
        ({"measure": "metric"}, {"tabulate_search": 1}),
        ({"max_trials": 5}, {}),
        ({"retention": True}, dict.fromkeys(OF_A_TRIAL, 2) | {"tabulate_search": 1, "train_grpo": 0}),
        ({"seeds": [0, 1]}, {"train_sft": 1, "measure_threshold": 1, "train_grpo": 2, "check_grpo": 1}),
    ],
)
def test_a_change_trains_only_what_is_new(
    searched: Path, laid: Laid, changes: dict[str, Any], again: dict[str, int]
) -> None:
    [planned] = plans(searched, [laid(RATE | changes)], target="search")
    expected = {rule: count for rule, count in again.items() if count}
    if "seeds" in changes:  # both models of the new seed are trained and measured as those of the first were
        expected |= {"generate": 2, "score_text": 2, "score_similarity": 2, "tabulate_search": 1}
    assert {rule: count for rule, count in planned.items() if rule != "search"} == expected


def test_all_trains_no_trial(searched: Path, laid: Laid) -> None:
    more = RATE | {"grid": {"learning_rate": [1.0e-2, 1.0e-4]}}
    assert [{rule: n for rule, n in one.items() if rule != "all"} for one in plans(searched, [laid(more)])] == [{}]


def test_nothing_answers_a_test_set_with_a_trial(searched: Path, laid: Laid) -> None:
    for file in ("predictions.jsonl", "scores/text.json", "likelihood.json"):
        asked = snakemake(searched, "-n", f"results/mt/{trial(searched)}/0/{file}", overlays=laid(RATE))
        assert asked.returncode != 0
        assert "MissingRuleException" in asked.stdout + asked.stderr


def test_without_a_search_there_is_nothing_to_make(searched: Path) -> None:
    made = snakemake(searched, "-n", "search", overlays=[TINY])
    assert made.returncode != 0
    assert "config key search: no search is declared" in made.stdout + made.stderr
