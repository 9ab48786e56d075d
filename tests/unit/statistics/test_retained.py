"""Benchmarks of every kind as columns, figures, intervals and taxes; on runs written by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semalign.config.statistics import Statistics
from semalign.frontier.resampling import drawn
from semalign.metrics.choices import score_choices
from semalign.metrics.perplexity import score_texts
from semalign.statistics import runs
from semalign.statistics.bootstrap import bootstrap
from semalign.statistics.intervals import estimator, interval
from semalign.statistics.retained import Retained, described, lost, measure_of, title
from tests.unit.scored import CMRC, write_lines, write_run

SETTINGS = Statistics(resamples=200)
XCOPA = Retained("xcopa", "multiple_choice", ["acc", "acc_norm"])
NEWS = Retained("news", "perplexity", ["nll", "ppl", "bits_per_byte"])
ALL = [CMRC, XCOPA, NEWS]


def write(results: Path, run: str, right: list[int], nats: list[float]) -> None:
    """Items of two choices, of which `right` says the likelier; texts of 1, 2, 3 … tokens and twice as many bytes."""
    write_run(results, run, ["mt"], [0.5, 0.6])
    rows: list[dict[str, Any]] = [
        {"id": str(i), "group": str(i), "choices": ["a", "b"], "label": 0} for i in range(len(right))
    ]
    found = {"xcopa": score_choices(rows, [[-1.0 - place, -2.0 + place] for place in right])}
    texts = [{"id": str(i), "group": str(i)} for i in range(len(nats))]
    tokens = [i + 1 for i in range(len(nats))]
    found["news"] = score_texts(texts, [-value for value in nats], tokens, [2 * count for count in tokens])
    folder = results / run / "retention"
    folder.mkdir(parents=True)
    for name, (scores, items) in found.items():
        (folder / f"{name}.json").write_text(json.dumps(scores))
        write_lines(folder / f"{name}.jsonl", items)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write(tmp_path, "base", [0, 0, 0, 1], [1.0, 1.0, 4.0])
    write(tmp_path, "mt/rl/0", [0, 1, 0, 1], [2.0, 2.0, 5.0])
    return tmp_path


def test_names_follow_from_columns() -> None:
    assert (CMRC.main, XCOPA.main, NEWS.main) == ("cmrc_avg", "xcopa_acc", "news_nll")
    assert list(CMRC.columns) == ["cmrc_avg", "cmrc_f1", "cmrc_em"]
    assert (list(CMRC.aside), XCOPA.aside) == (["cmrc_answer_length"], {})
    assert (CMRC.exact, XCOPA.exact, NEWS.exact) == ("em", "acc", None)
    assert (CMRC.loss, XCOPA.loss, NEWS.loss) == (-1, -1, 1)  # more nats are a loss, too
    assert described("cmrc_avg") == "reading comprehension\n(CMRC AVG, %)"
    assert (title("my_quiz_acc"), lost("cmrc_avg"), lost("news_nll")) == (
        "MY QUIZ ACC",
        "points of CMRC AVG",
        "nats of NEWS NLL",
    )
    assert measure_of("x_acc_norm") != measure_of("x_acc")
    for column in ("metric", "nll_mean", "kl_p10", "judge_win", "similarity"):
        assert measure_of(column) is None


def test_figures_stand_under_their_columns(results: Path) -> None:
    found = runs.figures(results, "mt/rl/0", "mt", ALL)
    assert (found["cmrc_avg"], found["xcopa_acc"]) == (100.0, 50.0)
    assert found["news_nll"] == pytest.approx(9 / 6)
    assert found["news_bits_per_byte"] == pytest.approx(9 / 12 / np.log(2))
    assert runs.details(results, "base", ALL)["retention"].keys() == {"xcopa", "news"}
    assert "retention" not in runs.details(results, "base", [CMRC])


def test_estimators_give_the_figures_and_their_differences(results: Path) -> None:
    found = runs.figures(results, "mt/rl/0", "mt", ALL)
    for column in ("xcopa_acc", "xcopa_acc_norm", "news_nll", "news_bits_per_byte", "cmrc_avg"):
        whole = estimator(results, "mt", column, ["mt/rl/0"], ALL)
        assert whole is not None
        assert whole.whole() == pytest.approx(found[column])
    assert estimator(results, "mt", "news_ppl", ["mt/rl/0"], ALL) is None  # no mean over items
    difference = interval(results, "mt", "news_nll", ["mt/rl/0"], ["base"], SETTINGS, ALL)
    assert difference is not None
    # one nat more in texts of 1, 2, 3 tokens: between 1/3 and 1 a token, whatever is drawn
    assert 1 / 3 - 1e-9 <= difference.low <= difference.high <= 1 + 1e-9
    one = estimator(results, "mt", "xcopa_acc", ["mt/rl/0"], ALL)
    assert one is not None
    assert bootstrap(one, SETTINGS).n == 4


def test_the_frontier_draws_whichever_benchmark_is_primary(results: Path) -> None:
    for primary in ALL:
        found = drawn(results, "mt", ["base", "mt/rl/0"], False, SETTINGS, primary)[primary.main]
        for run in ("base", "mt/rl/0"):
            assert found[run][0] == pytest.approx(runs.figures(results, run, "mt", [primary])[primary.main])
            assert len(found[run]) == 1 + SETTINGS.resamples


def test_models_with_other_tokenizers_are_not_compared_by_token(tmp_path: Path) -> None:
    write(tmp_path, "base", [1, 0], [1.0, 2.0])
    write(tmp_path, "models/same", [1, 1], [1.5, 2.5])
    write(tmp_path, "models/other", [1, 1], [1.5, 2.5])
    file = tmp_path / "models" / "other" / "retention" / "news.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    write_lines(file, [row | {"tokens": 3 * row["tokens"]} for row in rows])
    assert runs.apart(tmp_path, "models/same", "base", ALL) == []
    assert runs.apart(tmp_path, "models/other", "base", ALL) == ["news_nll", "news_ppl"]
