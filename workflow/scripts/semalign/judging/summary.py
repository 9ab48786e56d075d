"""What verdicts add up to: wins, ties and losses, biases, and how far judges agree."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from scipy import stats

from semalign.config.statistics import Statistics
from semalign.judging.protocol import ORDERS, OTHER
from semalign.runtime.files import Row
from semalign.statistics.bootstrap import bootstrap, mean_of_items

Figures = dict[str, Any]


def summarise(verdicts: Sequence[Row], names: tuple[str, str], statistics: Statistics) -> Figures:
    """The figures of a comparison; percent of all items unless said otherwise.

    win: by system, both orders agreeing. tie, unparsed: the rest; win.first + win.second + tie + unparsed = 100.
    net: wins of the second system less those of the first, with `net_interval`, a percentile bootstrap over items.
    sign_test_p: exact and two-sided, on the `decided` items alone. single_order_win: by the forward order alone.
    position_consistency: share of parsed items whose two orders agree. first_slot_share: of the decided calls, those
    for slot 1, 50 without bias; null when no call decided. winner_longer_by: mean characters by which the winner is
    longer than the loser, on decided items; longer_wins: the share of these, of unequal length, that the longer won.
    identical: items whose two candidates are the same text.
    """
    verdicts = sorted(verdicts, key=lambda row: str(row["id"]))  # the bootstrap draws by place
    n = len(verdicts)
    won = {i: sum(row["winner"] == i for row in verdicts) for i in (1, 2)}
    net = np.array([[{2: 100.0, 1: -100.0}.get(row["winner"], 0.0) for row in verdicts]])
    interval = bootstrap(mean_of_items([row["id"] for row in verdicts], net), statistics)
    calls = [row[order] for row in verdicts for order in ORDERS if row[order]]
    decided = won[1] + won[2]
    return {
        "n": n,
        "win": {name: _percent([row["winner"] == i for row in verdicts]) for i, name in enumerate(names, 1)},
        "tie": _percent([row["winner"] == 0 for row in verdicts]),
        "unparsed": _percent([row["winner"] is None for row in verdicts]),
        "net": float(net.mean()),
        "net_of": f"{names[1]} - {names[0]}",
        "net_interval": [_finite(interval.low), _finite(interval.high)],
        "decided": decided,
        "sign_test_p": float(stats.binomtest(won[2], decided).pvalue) if decided else None,
        "single_order_win": {
            name: _percent([row["forward"] == (OTHER[i] if row["swapped"] else i) for row in verdicts])
            for i, name in enumerate(names, 1)
        },
        "position_consistency": _percent([row["consistent"] for row in verdicts if row["consistent"] is not None]),
        "first_slot_share": _percent([call == 1 for call in calls]),
        "identical": sum(row["first"] == row["second"] for row in verdicts),
        **_lengths(verdicts),
        **_effort(verdicts),
    }


def agreement(verdicts: Sequence[Row], side: str) -> Figures | None:
    """How far the winners of a side round (`again`, `second_judge`) agree with the judge's; None where there was none.

    n: items that both parsed; unparsed: items of the round that one of them did not. agreement in percent; kappa:
    Cohen's, of the three outcomes, null where chance alone would agree on everything.
    """
    both = [(row["winner"], row[side]["winner"]) for row in verdicts if side in row]
    return _agreement(both) if both else None


def votes_agreement(verdicts: Sequence[Row], votes: Mapping[str, int], names: tuple[str, str]) -> Figures:
    """What people's votes (id: 1 or 2, the better of the row's `first` and `second`; 0, equal) say, and kappa."""
    voted = [row for row in verdicts if row["id"] in votes]
    human = [OTHER[votes[row["id"]]] if row["swapped"] else votes[row["id"]] for row in voted]
    n = len(voted)
    win = {name: 100 * human.count(i) / n for i, name in enumerate(names, 1)}
    of_people = {"win": win, "tie": 100 * human.count(0) / n, "net": win[names[1]] - win[names[0]], "votes": n}
    of_people["without_vote"] = len(verdicts) - n
    return of_people | _agreement([(row["winner"], vote) for row, vote in zip(voted, human, strict=True)])


def _agreement(both: Sequence[tuple[int | None, int | None]]) -> Figures:
    parsed = [(one, two) for one, two in both if one is not None and two is not None]
    n = len(parsed)
    same = sum(one == two for one, two in parsed)
    return {
        "n": n,
        "unparsed": len(both) - n,
        "agreement": 100 * same / n if n else None,
        "kappa": kappa([one for one, _ in parsed], [two for _, two in parsed]),
    }


def kappa(one: Sequence[int], two: Sequence[int]) -> float | None:
    """Cohen's κ = (p_o − p_e)/(1 − p_e) of two raters' labels; None without items and where p_e = 1."""
    n = len(one)
    if n == 0:
        return None
    expected = sum(one.count(label) * two.count(label) for label in {*one, *two})
    if expected == n * n:
        return None
    observed = sum(a == b for a, b in zip(one, two, strict=True))
    return (n * observed - expected) / (n * n - expected)


def _percent(found: Sequence[bool]) -> float | None:
    return 100 * sum(found) / len(found) if found else None


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _lengths(verdicts: Sequence[Row]) -> Figures:
    differences = []
    for row in verdicts:
        if row["winner"]:
            outputs = (row["second"], row["first"]) if row["swapped"] else (row["first"], row["second"])
            winner, loser = outputs if row["winner"] == 1 else reversed(outputs)
            differences.append(len(winner) - len(loser))
    unequal = [difference > 0 for difference in differences if difference]
    return {
        "winner_longer_by": fmean(differences) if differences else None,
        "longer_wins": 100 * fmean(unequal) if unequal else None,
    }


def _effort(verdicts: Sequence[Row]) -> Figures:
    """Calls that had to be repeated, what was wrong where no verdict was had, and tokens, side rounds included."""
    rounds = [part for row in verdicts for part in (row, row.get("again"), row.get("second_judge")) if part]
    problems = [problem for part in rounds for problem in part["problems"].values() if problem]
    return {
        "calls": sum(attempt for part in rounds for attempt in part["attempts"].values()),
        "calls_asked_again": sum(attempt - 1 for part in rounds for attempt in part["attempts"].values()),
        "problems": {problem: problems.count(problem) for problem in sorted(set(problems))},
        "input_tokens": sum(part["input_tokens"] for part in rounds),
        "output_tokens": sum(part["output_tokens"] for part in rounds),
    }
