"""The arithmetic of tables and of the frontier against the standard library, exact fractions and symmetry."""

import itertools
import math
import re
import statistics
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.config.statistics import Statistics
from semalign.frontier.curves import mean_tax, reach, tax_at
from semalign.frontier.taxes import Tax
from semalign.statistics.intervals import about_seeds, interval
from semalign.tables import paper_request, paper_tables
from semalign.tables.tables import Cell, Row, Table, latex_text
from tests.unit.drawn import TASKS, bounds, measured, scored
from tests.unit.scored import CMRC

few = settings(max_examples=40, deadline=None)
FEW_RESAMPLES = Statistics(resamples=100)


# Tables from runs


@settings(max_examples=3, deadline=None)
@given(figures=measured())
def test_a_table_has_the_mean_and_spread_of_its_seeds_and_their_gaps(
    tmp_path_factory: pytest.TempPathFactory, figures: dict[tuple[str, str, int], list[float]]
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    seeds = scored(folder, figures)
    models = ["base", "cold_sft", "strong_sft", "rl"]
    table = paper_tables.build(
        paper_request.Request(folder, "table3", list(TASKS), models, seeds, {}, True, Statistics(resamples=20), [CMRC])
    )
    rows = {(row["task"], row["model"]): row for row in table.frame().to_dict("records")}

    def of(task: str, model: str, figure: str) -> list[float]:
        """A model's figure by seed."""
        values = [figures[task, model, seed] for seed in seeds]
        if figure == "metric":
            return [statistics.fmean(value) for value in values]
        return [100 * statistics.fmean([float(share > 0.5) for share in value]) for value in values]

    for task, figure in itertools.product(TASKS, ("metric", "cmrc_avg")):
        strong, rl = of(task, "strong_sft", figure), of(task, "rl", figure)
        gap = [b - a for a, b in zip(strong, rl, strict=True)]
        for model, values in (("strong_sft", strong), ("rl", rl), ("gap", gap)):
            row = rows[task, model]
            assert row[figure] == pytest.approx(statistics.mean(values), abs=1e-12)
            if len(seeds) > 1:
                assert row[f"{figure}_sd"] == pytest.approx(statistics.stdev(values), abs=1e-12)
            else:
                assert pd.isna(row[f"{figure}_sd"])
            assert row[f"{figure}_low"] <= row[f"{figure}_high"] + 1e-12
            assert (row["seeds"], row[f"{figure}_n"]) == (len(seeds), 4)
        row = rows[task, "gap"]
        assert row[figure] == pytest.approx(rows[task, "rl"][figure] - rows[task, "strong_sft"][figure], abs=1e-9)
        assert table.sidecar["figures_by_seed"][f"{task}/gap"]["0"][figure] == pytest.approx(gap[0], abs=1e-12)
    assert rows["mt", "base"]["seeds"] == 1
    assert len(rows) == 2 * 5


@settings(max_examples=8, deadline=None)
@given(
    figures=measured(), figure=st.sampled_from(["metric", "similarity", "cmrc_avg", "nll_mean", "kl_p90", "judge_net"])
)
def test_an_interval_of_runs_does_not_hang_on_their_order(
    tmp_path_factory: pytest.TempPathFactory, figures: dict[tuple[str, str, int], list[float]], figure: str
) -> None:
    folder = tmp_path_factory.mktemp("runs")
    seeds = scored(folder, figures)
    rl, strong = ([f"mt/{model}/{seed}" for seed in seeds] for model in ("rl", "strong_sft"))
    asked = Statistics(resamples=30)
    found = interval(folder, "mt", figure, rl, None, asked, [CMRC])
    turned = interval(folder, "mt", figure, rl[::-1], None, asked, [CMRC])
    assert found is not None
    assert turned is not None
    assert bounds(found) == pytest.approx(bounds(turned), abs=1e-6)
    nothing = interval(folder, "mt", figure, rl, rl, asked, [CMRC])
    assert nothing is not None
    assert (nothing.low, nothing.high, nothing.p) == (0.0, 0.0, 1.0)
    ahead = interval(folder, "mt", figure, rl, strong, asked, [CMRC])
    back = interval(folder, "mt", figure, strong, rl, asked, [CMRC])
    assert ahead is not None
    assert back is not None
    assert bounds(ahead) == pytest.approx((-back.high, -back.low), abs=1e-6)


# Cells and their texts

FIGURES = st.floats(-1e6, 1e6) | st.floats(-1e-6, 1e-6) | st.integers(-100, 100).map(float)


@few
@given(st.lists(FIGURES, min_size=1, max_size=5), st.none() | FIGURES)
def test_a_cell_has_the_mean_and_spread_of_its_values(values: list[float], paper: float | None) -> None:
    cell = Cell(values, paper=paper)
    exact = sum(map(Fraction, values)) / len(values)
    assert cell.mean == pytest.approx(float(exact), rel=1e-12, abs=1e-15)
    if len(values) == 1:
        assert cell.sd is None
    else:
        variance = sum((Fraction(value) - exact) ** 2 for value in values) / (len(values) - 1)
        assert cell.sd == pytest.approx(math.sqrt(variance), rel=1e-9, abs=1e-15)
    assert cell.difference == (None if paper is None else cell.mean - paper)


@few
@given(
    st.lists(FIGURES, min_size=1, max_size=3),
    FIGURES,
    FIGURES,
    st.sampled_from(["metric", "cmrc_avg", "judge_win"]),
    st.booleans(),
)
def test_a_cell_can_be_read_back_from_its_text(
    values: list[float], low: float, width: float, name: str, signed: bool
) -> None:
    cell = Cell(values, low=low, high=low + abs(width), n=4, paper=low)
    table = Table([name], [name], [Row({"task": "mt", "model": "rl"}, {name: cell}, len(values), signed)], 0.95, "")
    shown, between, paper, difference = table.lines()[name]
    digits = {"metric": 4, "cmrc_avg": 2, "judge_win": 1}[name]

    def near(text: str, value: float) -> bool:
        return math.isclose(float(text), value, rel_tol=0.051, abs_tol=0.50001 * 10**-digits)

    mean_text, *spread = shown.split(" ± ")
    assert near(mean_text, cell.mean)
    assert [near(text, cell.sd or 0.0) for text in spread] == [True] * (len(values) > 1)
    assert re.match(r"[-+]" if signed else r"-?\d", mean_text)
    assert all(itertools.starmap(near, zip(between.strip("[]").split(", "), (low, low + abs(width)), strict=True)))
    assert near(paper, low)
    assert near(difference, cell.mean - low)
    assert difference[0] in "+-"


@few
@given(st.integers(2, 6))
def test_the_smallest_p_of_a_rank_test_is_counted(seeds: int) -> None:
    ranks = range(2 * seeds)
    sums = [sum(chosen) for chosen in itertools.combinations(ranks, seeds)]
    extreme = sum(s in (min(sums), max(sums)) for s in sums) / len(sums)
    assert f"is {extreme:.2g}." in about_seeds(seeds)


PIECES = re.compile(
    r"\\textbackslash\{\}|\\textasciitilde\{\}|\\textasciicircum\{\}|\$\\?\w*[-+]?\$|\\[_%&#${}]|.", re.DOTALL
)
MEANING = {
    r"\textbackslash{}": "\\",
    r"\textasciitilde{}": "~",
    r"\textasciicircum{}": "^",
    r"$\pm$": "±",
    r"$\Vert$": "‖",
    r"$\cdot$": "·",
    "$-$": "-",
    "$+$": "+",
}


@few
@given(st.text(st.sampled_from("aZ_%&#${}~^±‖·\\ -+09བ"), max_size=14))
def test_latex_text_means_the_text(text: str) -> None:
    pieces = PIECES.findall(latex_text(text))
    assert all(piece not in ("$", "&", "%", "#", "_", "^", "~", "{", "}", "\\") for piece in pieces)
    assert "".join(MEANING.get(piece, piece.removeprefix("\\")) for piece in pieces) == text


# The frontier


CURVES = st.lists(st.tuples(st.integers(0, 20), st.integers(-20, 20)), min_size=1, max_size=6)


def sides(curve: list[tuple[int, int]]) -> tuple[list[float], list[float]]:
    return [float(adequacy) for adequacy, _ in curve], [float(tax) for _, tax in curve]


def exact(curve: list[tuple[int, int]], target: Fraction) -> Fraction:
    """The tax where the curve first reaches the target, which it does."""
    first = next(n for n, (adequacy, _) in enumerate(curve) if adequacy >= target)
    if first == 0:
        return Fraction(curve[0][1])
    (a, c), (b, d) = curve[first - 1], curve[first]
    return c + (target - a) / (b - a) * (d - c)


@few
@given(CURVES, st.integers(0, 20))
def test_a_tax_is_read_at_the_first_crossing_in_exact_fractions(curve: list[tuple[int, int]], target: int) -> None:
    adequacy, tax = sides(curve)
    found = float(tax_at(adequacy, tax, target))
    assert (found == math.inf) is (max(adequacy) < target)
    if found < math.inf:
        assert found == pytest.approx(float(exact(curve, Fraction(target))))
        assert min(tax) - 1e-9 <= found <= max(tax) + 1e-9


@few
@given(CURVES, st.integers(0, 20), st.integers(0, 20))
def test_an_area_is_the_mean_of_the_taxes_in_exact_fractions(curve: list[tuple[int, int]], low: int, high: int) -> None:
    adequacy, tax = sides(curve)
    found = float(mean_tax(adequacy, tax, low, high))
    if high <= low:
        assert math.isnan(found)
    elif max(adequacy) < high:
        assert found == math.inf
    else:  # between whole numbers it is linear, and all its jumps are at one: the middle of each stretch is its mean
        middles = [exact(curve, n + Fraction(1, 2)) for n in range(low, high)]
        assert found == pytest.approx(float(sum(middles) / (high - low)))
        share = float(reach(adequacy, low, high))
        assert share == 1.0


@few
@given(CURVES, st.integers(0, 20), st.integers(-5, 5), st.integers(1, 5))
def test_taxes_go_with_their_costs(curve: list[tuple[int, int]], target: int, shift: int, scale: int) -> None:
    adequacy, tax = sides(curve)
    moved = [scale * value + shift for value in tax]
    assert float(tax_at(adequacy, moved, target)) == pytest.approx(scale * float(tax_at(adequacy, tax, target)) + shift)
    areas = [float(mean_tax(adequacy, taxes, 0, target)) for taxes in (tax, moved)]
    assert areas[1] == pytest.approx(scale * areas[0] + shift, nan_ok=True)


@few
@given(st.lists(st.none() | st.integers(-3, 3), min_size=1, max_size=5), st.integers(-4, 4), st.integers(0, 4))
def test_a_verdict_needs_every_seed_one_sign_two_deviations_and_the_items(
    differences: list[int | None], low: int, width: int
) -> None:
    values = [None if value is None else float(value) for value in differences]
    known = [value for value in values if value is not None]
    ends = (float(low), float(low + width)) if len(known) == len(values) else (None, None)

    def tax(of: list[float | None], low: float | None, high: float | None) -> Tax:
        return Tax("mt", "similarity", "cmrc_avg", "end", "a", "rl", of, low, high, 0, 0, [1.0] * len(of))

    found = tax(values, *ends)
    assert found.record()["seeds_reached"] == len(known)
    clear = len(known) == len(values) > 1 and abs(statistics.mean(known)) > 2 * statistics.stdev(known)
    sure = clear and (min(known) > 0 or max(known) < 0) and not low <= 0 <= low + width
    expected = "inconclusive" if known else "not reached"
    if sure:
        expected = "costs more" if known[0] > 0 else "costs less"
    assert found.verdict() == found.record()["verdict"] == expected
    turned = tax([None if v is None else -v for v in values], *((-ends[1], -ends[0]) if ends[0] is not None else ends))
    other = {"costs more": "costs less", "costs less": "costs more"}
    assert turned.verdict() == other.get(expected, expected)
