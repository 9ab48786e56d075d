"""What verdicts add up to, with figures worked out by hand; agreement; plans of costs."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from semalign.config.data import Task
from semalign.config.judge import LlmJudge, Votes
from semalign.config.names import TaskName
from semalign.config.statistics import Statistics
from semalign.judging.costs import Items, assumed_text_bytes, cost_bound, plan
from semalign.judging.protocol import Decision, comparisons, drawn, verdict_rows
from semalign.judging.summary import agreement, kappa, summarise, votes_agreement
from semalign.judging.votes import read_votes
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row

NAMES = ("sft", "rl")
SETTINGS = Statistics(resamples=500)


def verdicts(outcomes: list[tuple[str, str, int | None, int | None]], seed: int = 0) -> list[Row]:
    """Rows of (sft's output, rl's output, decision of the forward order, of the backward order, by system: 1, 2)."""
    first = [{"id": f"i{n}", "source": "s", "output": outcome[0]} for n, outcome in enumerate(outcomes)]
    second = [{"id": f"i{n}", "source": "s", "output": outcome[1]} for n, outcome in enumerate(outcomes)]
    asked = comparisons(first, second, seed)
    by_item = {f"i{n}": outcome for n, outcome in enumerate(outcomes)}
    decisions = []
    for comparison in asked:
        one, _, forward, backward = by_item[comparison.item]
        wanted = forward if comparison.order == "forward" else backward
        first_is_sft = comparison.first == one
        value = None if wanted is None else 0 if wanted == 0 else 1 if (wanted == 1) == first_is_sft else 2
        decisions.append(Decision(value, "because") if value is not None else Decision(None, "", "no text", 3))
    return verdict_rows([row["id"] for row in first], asked, decisions, seed)


OUTCOMES = [
    ("aa", "bbbb", 2, 2),  # rl, longer by 2
    ("a", "bb", 2, 2),  # rl, longer by 1
    ("aaa", "b", 1, 1),  # sft, longer by 2
    ("aa", "b", 2, 2),  # rl, shorter by 1
    ("a", "b", 1, 2),  # the orders disagree: a tie
    ("a", "c", 0, 0),  # a tie
    ("a", "d", None, 2),  # unparsed
    ("a", "e", None, None),  # unparsed
]


@pytest.mark.parametrize("seed", range(4))
def test_figures_worked_out_by_hand(seed: int) -> None:
    found = summarise(verdicts(OUTCOMES, seed), NAMES, SETTINGS)
    assert found["n"] == 8
    assert found["win"] == {"sft": 12.5, "rl": 37.5}
    assert (found["tie"], found["unparsed"], found["net"]) == (25.0, 25.0, 25.0)
    assert found["net_of"] == "rl - sft"
    assert found["net_interval"][0] < 25.0 < found["net_interval"][1]
    assert found["decided"] == 4
    assert found["sign_test_p"] == pytest.approx(0.625)  # 3 of 4: 2 · (4 + 1)/16
    assert found["position_consistency"] == pytest.approx(100 * 5 / 6)
    assert found["winner_longer_by"] == 1.0  # (2 + 1 + 2 − 1)/4
    assert found["longer_wins"] == 75.0
    assert found["problems"] == {"no text": 3}
    assert (found["calls"], found["calls_asked_again"]) == (13 + 9, 6)
    assert sum(found["win"].values()) + found["tie"] + found["unparsed"] == 100.0


def test_no_decided_item_gives_no_test_and_no_length() -> None:
    found = summarise(verdicts([("a", "b", 0, 0), ("a", "c", None, 1)]), NAMES, SETTINGS)
    assert (found["sign_test_p"], found["winner_longer_by"], found["longer_wins"]) == (None, None, None)
    everything_unparsed = summarise(verdicts([("a", "b", None, None)]), NAMES, SETTINGS)
    assert everything_unparsed["position_consistency"] is None
    assert everything_unparsed["first_slot_share"] is None
    assert everything_unparsed["net_interval"] == [None, None]  # one item has no spread


def test_swapped_slots_are_undone() -> None:
    rows = verdicts(OUTCOMES)
    assert {row["swapped"] for row in rows} == {True, False}
    for row, (sft, rl, *_) in zip(rows, OUTCOMES, strict=True):
        assert (row["first"], row["second"]) == ((rl, sft) if row["swapped"] else (sft, rl))


RATERS = st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.sampled_from([0, 1, 2])), min_size=1, max_size=30)


@given(RATERS)
def test_kappa_is_cohens(both: list[tuple[int, int]]) -> None:
    one, two = [a for a, _ in both], [b for _, b in both]
    found = kappa(one, two)
    if len({*one, *two}) == 1:
        assert found is None
    else:
        assert found == pytest.approx(cohen_kappa_score(one, two))
        assert found == kappa(two, one)
    assert kappa([], []) is None


def test_agreement_of_a_side_round() -> None:
    rows = verdicts(OUTCOMES)
    assert agreement(rows, "again") is None
    for row, winner in zip(rows[:4] + rows[6:], (2, 1, 1, None, 2, None), strict=True):
        row["again"] = {"winner": winner}
    found = agreement(rows, "again")
    assert found is not None
    assert (found["n"], found["unparsed"]) == (3, 3)
    assert found["agreement"] == pytest.approx(100 * 2 / 3)
    assert found["kappa"] == pytest.approx(kappa([2, 2, 1], [2, 1, 1]))


def test_votes_of_people_are_by_slot(tmp_path: Path) -> None:
    rows = verdicts(OUTCOMES)
    slot = {row["id"]: 2 if row["swapped"] else 1 for row in rows}  # where sft stood
    votes = {"i0": 3 - slot["i0"], "i1": 3 - slot["i1"], "i2": 3 - slot["i2"], "i4": 0, "i6": slot["i6"]}
    found = votes_agreement(rows, votes, NAMES)
    assert found["win"] == {"sft": 20.0, "rl": 60.0}
    assert (found["tie"], found["net"], found["votes"], found["without_vote"]) == (20.0, 40.0, 5, 3)
    assert (found["n"], found["unparsed"], found["agreement"]) == (4, 1, 75.0)


@pytest.mark.parametrize(
    ("name", "text"),
    [("v.csv", "id,vote\na,1\nb,0\n"), ("v.jsonl", '{"id": "a", "vote": 1}\n{"id": "b", "vote": "0", "by": "T"}\n')],
)
def test_votes_are_read_from_tables(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    votes = Votes.model_validate({"format": file.suffix[1:], "path": file})
    assert read_votes(votes) == {"a": 1, "b": 0}
    file.write_text(text.replace("0", ""))
    assert read_votes(votes) == {"a": 1}  # a blank is no vote
    file.write_text(text.replace("0", "").replace("1", '""' if name.endswith("l") else ""))
    with pytest.raises(InputError, match="holds no vote"):
        read_votes(votes)
    file.write_text(text.replace("1", "3", 1))
    with pytest.raises(InputError, match=rf"{name}:{1 + name.endswith('csv')}: the vote on 'a' is '3'; it must be 1,"):
        read_votes(votes)


def test_votes_are_on_items_of_the_test_set(tmp_path: Path) -> None:
    file = tmp_path / "v.csv"
    file.write_text("id,vote\na,1\nx,0\ny,\nz,2\n")
    votes = Votes.model_validate({"format": "csv", "path": file})
    assert read_votes(votes, {"a", "b", "x", "z"}) == {"a": 1, "x": 0, "z": 2}  # y has no vote
    with pytest.raises(InputError, match=r"v\.csv:3: the vote is on 'x', .* \(nor are 1 more\), .* like 'a'; take"):
        read_votes(votes, {"a", "b"})


def test_a_share_is_drawn_by_the_seed() -> None:
    ids = [str(i) for i in range(40)]
    assert drawn(ids, 0.0, 0, "again") == set()
    assert len(drawn(ids, 0.1, 0, "again")) == 4
    assert len(drawn(ids, 0.001, 0, "again")) == 1
    assert drawn(ids, 1.0, 0, "again") == set(ids)
    assert drawn(ids, 0.1, 0, "again") == drawn(ids, 0.1, 0, "again")
    assert drawn(ids, 0.1, 0, "again") != drawn(ids, 0.1, 1, "again")


TABLE = [{"format": "jsonl", "path": "x"}]


def judge(**changes: Any) -> LlmJudge:
    given = {"kind": "openai", "model": "m", "prices": {"input": 2.0, "output": 10.0}, "ceiling": 50.0}
    return LlmJudge.model_validate(given | {"parameters": {"max_tokens": 500}, "self_agreement": 0.1} | changes)


def test_a_plan_by_hand() -> None:
    """1,000 + 500 items, two seeds: 6,000 calls, a tenth of the items again; 100 bytes of template, 836 of texts."""
    templates: dict[TaskName, str] = {"mt": "x" * 100, "hg": "x" * 100}
    found = plan(judge(), {"mt": Items(1000, 836.0), "hg": Items(500, 836.0)}, templates, {"mt": 2, "hg": 2})
    assert (found.calls, found.most_calls) == (6600, 19800)
    assert (found.input_tokens, found.output_tokens) == (6600 * 1000, 6600 * 500)
    assert found.cost == pytest.approx(6.6 * 2 + 3.3 * 10)
    assert found.most_cost == pytest.approx(3 * (6.6 * 2 + 3.3 * 10))


def test_texts_that_do_not_exist_yet_are_taken_for_as_long_as_the_config_allows() -> None:
    task = {"source_language": "zh", "target_language": "bo", "metrics": ["bleu"], "prompt": "{source}", "train": TABLE}
    limits = {"max_tokens": 1000, "max_new_tokens": 200, "split": {"cold": 1, "dev": 1, "test": 1}}
    assert assumed_text_bytes(Task.model_validate(task | limits)) == 6 * (1000 + 2 * 200)


def test_a_plan_with_a_second_judge_that_costs_nothing_and_has_no_limit() -> None:
    second = {"model": "local", "base_url": "http://localhost:8000/v1", "prices": None, "share": 0.5}
    found = plan(judge(second=second, self_agreement=0.0), {"mt": Items(10, 100.0)}, {"mt": ""}, {"mt": 1})
    assert found.calls == 20 + 10
    assert found.output_tokens is None
    assert found.cost == pytest.approx(20 * cost_bound(judge(), 100))
