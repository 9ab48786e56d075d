"""Each test against scipy or statsmodels called directly, or a count by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from semalign.config.statistics import Statistics
from semalign.statistics.comparison_notes import note, shown
from semalign.statistics.comparisons import Request, compare
from tests.unit.scored import CMRC, write_judge, write_likelihood, write_run

SETTINGS = Statistics.model_validate(
    {"resamples": 300, "primary": [{"task": "hg", "measure": "cmrc_avg"}, {"task": "hg", "measure": "judge_net"}]}
)
RL = [[0.9, 0.5, 0.7, 0.4, 0.8, 0.6], [0.8, 0.5, 0.6, 0.4, 0.7, 0.6]]
STRONG = [[0.2, 0.6, 0.3, 0.4, 0.1, 0.5], [0.3, 0.5, 0.2, 0.4, 0.1, 0.4]]
RIGHT = {"rl": [100.0] * 8, "strong_sft": [100.0, 0, 0, 100, 0, 0, 0, 100], "cold_sft": [100.0] * 8}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for seed in (0, 1):
        for model, values in (("rl", RL[seed]), ("strong_sft", STRONG[seed]), ("cold_sft", RL[seed])):
            write_run(tmp_path, f"hg/{model}/{seed}", ["hg"], values, RIGHT[model])
            write_likelihood(tmp_path, f"hg/{model}/{seed}", [1.0, 2.0, 3.0, 4.0], [0.1, 0.2, 0.3, 0.4])
        write_judge(tmp_path, "hg", seed, [2, 2, 2, 0, 2, 1])
    return tmp_path


def request(results: Path, **changes: Any) -> Request:
    values: dict[str, Any] = {"tasks": ["hg"], "seeds": [0, 1], "languages": {}, "judged": True, "forgetting": True}
    return Request(results, statistics=SETTINGS, retention=[CMRC], **(values | changes))


def found(results: Path) -> dict[tuple[str, str, str], dict[Any, Any]]:
    """Rows by second system, measure and seed; the judge's two tests of a seed share a key."""
    records: list[dict[Any, Any]] = compare(request(results)).to_dict("records")
    return {(row["b"], row["measure"], row["seed"]): row for row in records}


def test_rank_tests_are_scipys(results: Path) -> None:
    rows = found(results)
    d = np.array(RL[0]) - np.array(STRONG[0])
    d = d[d != 0]
    row = rows["strong_sft", "similarity", "0"]
    assert row["p"] == pytest.approx(stats.wilcoxon(d).pvalue)
    assert (row["n"], row["units"]) == (6, 5)
    mean = np.array(RL).mean(axis=0) - np.array(STRONG).mean(axis=0)
    assert rows["strong_sft", "similarity", "all"]["difference"] == pytest.approx(mean.mean())


def test_mcnemar_is_the_binomial_test_of_the_discordant(results: Path) -> None:
    rows = found(results)
    row = rows["strong_sft", "cmrc_em", "1"]
    assert row["units"] == 5
    assert row["p"] == pytest.approx(stats.binomtest(0, 5).pvalue)
    assert row["difference"] == pytest.approx(100 - 37.5)
    assert ("strong_sft", "cmrc_em", "all") not in rows


def test_the_judges_sign_test_leaves_unparsed_items_out(results: Path) -> None:
    for seed in (0, 1):
        write_judge(results, "hg", seed, [2, 2, 2, 1], unparsed=2)
    (row,) = (
        compare(request(results))
        .query("measure == 'judge_net' and seed == '0' and test == 'sign test, exact'")
        .to_dict("records")
    )
    assert (row["statistic"], row["units"], row["n"]) == (3, 4, 6)
    assert row["p"] == pytest.approx(0.625)


def test_the_judges_sign_test_leaves_ties_out(results: Path) -> None:
    rows = compare(request(results))
    signs = rows[(rows["test"] == "sign test, exact") & (rows["seed"] == "0")].iloc[0]
    assert signs["p"] == pytest.approx(stats.binomtest(4, 5).pvalue)
    assert signs["difference"] == pytest.approx(100 * (4 - 1) / 6)


def test_declared_comparisons_alone_are_adjusted_by_holm(results: Path) -> None:
    rows = compare(request(results))
    declared = rows[rows["primary"]].sort_values("p")
    assert set(declared["measure"]) == {"cmrc_avg", "judge_net"}
    assert set(declared["seed"]) == {"all"}
    smaller, larger = declared["p"]
    doubled = min(1.0, 2 * smaller)
    assert declared["p_holm"].tolist() == pytest.approx([doubled, max(doubled, larger)])
    assert rows[~rows["primary"]]["p_holm"].isna().all()


def test_a_declared_comparison_that_was_not_measured_still_counts(results: Path) -> None:
    rows = compare(request(results, judged=False))
    [only] = rows[rows["primary"]].to_dict("records")
    assert only["p_holm"] == pytest.approx(min(1, 2 * only["p"]))


def test_a_rounding_error_is_no_difference(results: Path) -> None:
    write_run(results, "hg/rl/2", ["hg"], RL[0], RIGHT["rl"])
    write_run(results, "hg/strong_sft/2", ["hg"], [value + 1e-7 for value in RL[0]], RIGHT["rl"])
    write_run(results, "hg/cold_sft/2", ["hg"], RL[0], RIGHT["rl"])
    rows = compare(request(results, seeds=[2], judged=False, forgetting=False))
    ranks = rows[(rows["measure"] == "similarity") & (rows["b"] == "strong_sft") & (rows["seed"] == "2")].iloc[0]
    assert (ranks["units"], ranks["effect"]) == (0, 0.0)


def test_passages_are_drawn_whole_and_equal_systems_do_not_differ(results: Path) -> None:
    rows = found(results)
    row = rows["strong_sft", "cmrc_avg", "all"]
    assert (row["n"], row["units"]) == (8, 4)
    same = rows["cold_sft", "kl_mean", "all"]
    assert (same["difference"], same["p"]) == (0.0, 1.0)


def test_what_was_not_measured_has_no_rows(results: Path) -> None:
    measures = set(compare(request(results, judged=False, forgetting=False))["measure"])
    assert not measures & {"judge_net", "kl_mean", "nll_mean"}


def test_rows_for_reading(results: Path) -> None:
    table = shown(compare(request(results)))
    assert table.map(lambda cell: isinstance(cell, str)).all().all()
    assert "nan" not in table.to_string()
    assert "p of a rank test of 3 runs against 3 is 0.1." in note(SETTINGS, 3, [CMRC])
    assert "One seed proves nothing" in note(SETTINGS, 1, [CMRC])
    alone = note(SETTINGS, 3, [CMRC], trained=False)
    assert "All rows are exploratory" in alone
    assert "rl" not in alone.split()


def test_the_judge_of_models_trained_elsewhere(results: Path) -> None:
    """Theirs wins 2 and 4 of 6 items against strong SFT and loses 3 and none; against RL it wins 1 of 6 and loses 5."""
    for run in ("base", "models/theirs"):
        write_run(results, run, ["hg"], RL[0], RIGHT["rl"])
    for seed, winners in ((0, [2, 2, 1, 1, 1, 0]), (1, [2, 2, 2, 2, 0, 0])):
        write_judge(results, "hg", f"theirs-strong_sft-{seed}", winners, models=("strong_sft", "theirs"))
        write_judge(results, "hg", f"theirs-rl-{seed}", [2, 1, 1, 1, 1, 1], models=("rl", "theirs"))
    write_judge(results, "hg", "theirs-base", [2, 2, 2, 2, 2, 0], models=("base", "theirs"))
    against = {"models/theirs": ["strong_sft", "rl", "base"]}
    asked = request(results, forgetting=False, given={"models/theirs": ["hg"]}, opponents=against)
    records: list[dict[Any, Any]] = compare(asked).to_dict("records")
    of_judge = [row for row in records if row["measure"] == "judge_net"]
    rows = {(row["a"], row["b"], row["seed"], row["test"]): row for row in of_judge}
    net, sign = "bootstrap of items", "sign test, exact"
    assert rows["theirs", "strong_sft", "all", net]["difference"] == pytest.approx(100 * (-1 + 4) / 12)
    assert rows["theirs", "strong_sft", "1", sign]["p"] == pytest.approx(2 * 0.5**4)
    row = rows["rl", "theirs", "0", sign]
    assert (row["statistic"], row["units"]) == (5, 6)  # RL is a, as in all other tests
    assert rows["rl", "theirs", "0", net]["mean_a"] == pytest.approx(500 / 6)
    assert rows["theirs", "base", "all", sign]["p"] == pytest.approx(2 * 0.5**5)  # one run each: no seeds
    assert ("theirs", "base", "0", sign) not in rows
    assert [key for key, row in rows.items() if row["primary"]] == [("rl", "strong_sft", "all", net)]  # as declared
