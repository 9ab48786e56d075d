"""The judging protocol with comparers whose verdicts are known."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from semalign.config.statistics import Statistics
from semalign.judging.protocol import by_comparer, comparisons, verdict_rows
from semalign.judging.summary import summarise as summarise_with
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.runtime.workspace import Workspace


def judged(first: list[Row], second: list[Row], compare: Callable[[str, str, str], int], seed: int) -> list[Row]:
    """The same in a workspace of its own."""
    with TemporaryDirectory() as folder:
        return judge_pairs(first, second, compare, seed, Workspace(Path(folder), 3600))


def judge_pairs(
    first: list[Row], second: list[Row], compare: Callable[[str, str, str], int], seed: int, workspace: Workspace
) -> list[Row]:
    """Verdicts of a comparer that is asked one comparison after the other."""
    asked = comparisons(first, second, seed)
    return verdict_rows([row["id"] for row in first], asked, by_comparer(compare, workspace)(asked), seed)


def summarise(verdicts: list[Row], names: tuple[str, str]) -> dict[str, Any]:
    return summarise_with(verdicts, names, Statistics(resamples=100))


def answers(outputs: list[str]) -> list[Row]:
    return [{"id": str(i), "source": "s", "output": output} for i, output in enumerate(outputs)]


def longer(source: str, one: str, two: str) -> int:
    return 0 if len(one) == len(two) else 1 if len(one) > len(two) else 2


FIRST = answers(["aaa", "a", "aa", "aaaa", "aa"])
SECOND = answers(["aa", "aa", "aa", "a", "aaa"])


@pytest.mark.parametrize("seed", range(5))
def test_a_fair_comparer_is_read_the_same_whatever_the_slots(seed: int) -> None:
    verdicts = judged(FIRST, SECOND, longer, seed)
    assert [v["winner"] for v in verdicts] == [1, 2, 0, 1, 2]
    assert [v["winner"] for v in judged(SECOND, FIRST, longer, seed)] == [2, 1, 0, 2, 1]
    summary = summarise(verdicts, ("rl", "sft"))
    assert summary["win"] == {"rl": 40.0, "sft": 40.0}
    assert summary["single_order_win"] == {"rl": 40.0, "sft": 40.0}
    assert summary["tie"] == 20.0
    assert summary["position_consistency"] == 100.0
    assert summary["first_slot_share"] == 50.0


@pytest.mark.parametrize("slot", [1, 2])
def test_a_comparer_that_looks_at_the_slot_alone_wins_nothing(slot: int) -> None:
    verdicts = judged(FIRST, SECOND, lambda source, one, two: slot, seed=0)
    summary = summarise(verdicts, ("rl", "sft"))
    assert summary["win"] == {"rl": 0.0, "sft": 0.0}
    assert summary["tie"] == 100.0
    assert summary["position_consistency"] == 0.0
    assert summary["first_slot_share"] == {1: 100.0, 2: 0.0}[slot]
    assert sum(summary["single_order_win"].values()) == 100.0


def test_slots_come_from_the_seed() -> None:
    seen = {tuple(v["swapped"] for v in judged(FIRST, SECOND, longer, seed)) for seed in range(20)}
    assert len(seen) > 1
    assert judged(FIRST, SECOND, longer, 3) == judged(FIRST, SECOND, longer, 3)


def test_every_call_shows_both_candidates_once_in_each_order() -> None:
    calls: list[tuple[str, str]] = []

    def note(source: str, one: str, two: str) -> int:
        calls.append((one, two))
        return 0

    compare: Callable[[str, str, str], int] = note
    judged(FIRST, SECOND, compare, 0)
    expected = [(a["output"], b["output"]) for a, b in zip(FIRST, SECOND, strict=True)]
    assert sorted(calls) == sorted(expected + [(b, a) for a, b in expected])


def test_answers_to_other_items_are_refused() -> None:
    with pytest.raises(InputError, match="same items"):
        judged(FIRST, SECOND[:-1], longer, 0)


def test_what_was_decided_is_not_asked_again(workspace: Workspace) -> None:
    whole = judged(FIRST, SECOND, longer, 0)
    asked = 0

    def until_killed(source: str, one: str, two: str) -> int:
        nonlocal asked
        asked += 1
        if asked == 6:
            raise KeyboardInterrupt
        return longer(source, one, two)

    with pytest.raises(KeyboardInterrupt):
        judge_pairs(FIRST, SECOND, until_killed, 0, workspace)
    (workspace.folder / "decisions.jsonl").open("a").write('{"item": "4", "ord')  # as a kill leaves it
    asked = 100
    assert judge_pairs(FIRST, SECOND, until_killed, 0, workspace) == whole
    assert asked == 100 + 10 - 5  # of ten calls five were answered
