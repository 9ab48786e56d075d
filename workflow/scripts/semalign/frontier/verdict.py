"""What the frontier says, from its figures alone: a table of the declared measure, and plain sentences."""

from collections.abc import Iterable
from math import sqrt
from typing import Any

import pandas as pd
from scipy import stats

from semalign.frontier.curves import ADEQUACY, KL, PRIMARY, cost_of
from semalign.frontier.taxes import Tax
from semalign.statistics.retained import title
from semalign.statistics.spread import mean_sd

RULE = (
    "The declared measure: adequacy is similarity_independent, the tax what the base has lost in {cost} and "
    "in KL (nats per token); by any other adequacy the comparisons are exploratory. `area` is the mean tax over the "
    "adequacies from the cold start's to that which RL ends with; `end` the tax at the latter, where a method first "
    "reaches it (RL's own at its end), both interpolated along the method's strength and ± the standard deviation over "
    "seeds (ddof 1). Intervals are percentile bootstraps over test items and passages, drawn alike for all methods and "
    "seeds; ∞ where the resamples in which a method does not get there are too many for an end. A difference is called "
    "one only if all seeds get there, all have one sign, their mean lies beyond two standard deviations, and the "
    "interval leaves zero out: a declared rule, no test. `way` is how much of the way from the cold start's adequacy "
    "to RL's a method goes, `seeds` how many go all of it; a difference of areas is taken over what both go."
)


def table(found: Iterable[Tax]) -> pd.DataFrame:
    """The declared measure for reading, as texts: a row a task, cost and method, the smallest area first."""
    lines = []
    taxes = [tax for tax in found if tax.primary]
    own = [tax for tax in taxes if tax.measure == "area" and tax.against is None]
    for area in _cheapest_first(own):
        alike = {
            (tax.measure, tax.against): tax
            for tax in taxes
            if (tax.task, tax.cost, tax.method) == (area.task, area.cost, area.method)
        }
        record = area.record()
        line = {"task": area.task, "cost": _name(area.cost), "method": area.method}
        line |= {"way": "" if record["reach"] is None else f"{record['reach']:.0%}"}
        line |= {"seeds": f"{record['seeds_reached']} of {record['seeds']}"}
        for measure in ("area", "end"):
            line |= {measure: _spread(alike[measure, None]), f"{measure} interval": _interval(alike[measure, None])}
            for against in ("rl", "sft"):
                if difference := alike.get((measure, against)):
                    line[f"{measure} − {against}"] = f"{_spread(difference, '+')} {_interval(difference)}".strip()
                    line[f"{measure}, verdict on {against}"] = difference.verdict() or ""
        lines.append(line)
    columns = list(dict.fromkeys(name for line in lines for name in line))
    return pd.DataFrame(lines, columns=columns).fillna("")


def _name(cost: str) -> str:
    return "KL" if cost == KL else title(cost)


def _cheapest_first(areas: list[Tax]) -> list[Tax]:
    """By task and cost; what does not reach RL's adequacy in all seeds comes last, by how far it goes."""
    groups = list(dict.fromkeys((tax.task, tax.cost) for tax in areas))

    def key(tax: Tax) -> tuple[int, bool, float]:
        whole = None not in tax.values
        order = tax.mean if whole else -(tax.record()["reach"] or 0.0)
        return groups.index((tax.task, tax.cost)), not whole, order or 0.0

    return sorted(areas, key=key)


def _spread(tax: Tax, sign: str = "") -> str:
    """Mean ± standard deviation over the seeds that reach RL's adequacy."""
    return mean_sd(tax.known, 3, sign)


def _interval(tax: Tax) -> str:
    if tax.low is None:
        return ""
    return f"[{tax.low:z.3f}, {'∞' if tax.high is None else f'{tax.high:z.3f}'}]"


def answers(found: Iterable[Tax]) -> list[dict[str, Any]]:
    """For each task, which methods beat RL, then SFT, at the adequacy that RL ends with, and the sentence that says so.

    A method beats another if it is shown to cost less by the primary benchmark or by KL, and by neither to cost more.
    """
    ends = [tax for tax in found if tax.primary and tax.measure == "end" and tax.against]
    pairs = dict.fromkeys((tax.task, tax.against) for tax in ends)
    return [
        _answer(task, str(against), [tax for tax in ends if (tax.task, tax.against) == (task, against)])
        for task, against in pairs
    ]


def _answer(task: str, against: str, taxes: list[Tax]) -> dict[str, Any]:
    groups: dict[str, list[str]] = {
        name: [] for name in ("beats", "mixed", "costs_more", "inconclusive", "not_reached")
    }
    shown: dict[str, str] = {}
    for method in dict.fromkeys(tax.method for tax in taxes):
        own = [tax for tax in taxes if tax.method == method]
        verdicts = {tax.verdict() for tax in own}
        groups[_group(verdicts)].append(method)
        different = [f"{_spread(t, '+')} {cost_of(t.cost)}" for t in own if t.verdict() in ("costs less", "costs more")]
        reached = f"reached in {len(own[0].known)} of {len(own[0].values)} seeds"
        partly = [reached] if 0 < len(own[0].known) < len(own[0].values) else []
        if not own[0].known and (way := own[0].record()["reach"]) is not None:
            partly = [f"{way:.0%} of the way"]
        if different or partly:
            shown[method] = ", ".join([*different, *partly])

    def listed(names: list[str]) -> str:
        return ", ".join(f"{name} ({shown[name]})" if name in shown else name for name in names)

    name, beats = against.upper(), groups["beats"]
    said = f"{name} is beaten by {listed(beats)}." if beats else f"No method is shown to beat {name}."
    others = {
        "mixed": "Shown to cost less by one figure and more by the other: ",
        "costs_more": f"Shown to cost more than {name}: ",
        "inconclusive": "Inconclusive: ",
        "not_reached": "In no seed as adequate as RL in the end, and so not compared there: ",
    }
    parts = [said, *(f"{words}{listed(groups[of])}." for of, words in others.items() if groups[of])]
    return {"task": task, "against": against} | groups | {"sentence": " ".join(parts)}


def _group(verdicts: set[Any]) -> str:
    if verdicts == {"not reached"}:
        return "not_reached"
    less, more = "costs less" in verdicts, "costs more" in verdicts
    if less and more:
        return "mixed"
    return "beats" if less else "costs_more" if more else "inconclusive"


def order(found: Iterable[Tax]) -> list[str]:
    """The methods by area, a sentence a task and cost."""
    own = [tax for tax in found if tax.primary and tax.measure == "area" and tax.against is None]
    sentences = []
    for task, cost in dict.fromkeys((tax.task, tax.cost) for tax in own):
        ranked = _cheapest_first([tax for tax in own if (tax.task, tax.cost) == (task, cost)])
        whole = [f"{tax.method} {_spread(tax)}" for tax in ranked if None not in tax.values]
        rest = [f"{tax.method} ({len(tax.known)} of {len(tax.values)} seeds)" for tax in ranked if None in tax.values]
        said = f"{task}, mean tax from the cold start's adequacy to RL's, in {cost_of(cost)}, the least first: "
        said += f"{', '.join(whole) or 'none'}."
        sentences.append(
            said + (f" Without one, since they do not get there in all seeds: {', '.join(rest)}." if rest else "")
        )
    return sentences


def multiplicity(found: Iterable[Tax], seeds: int) -> str:
    """How many comparisons were made, and what chance alone makes of so many."""
    differences = [tax for tax in found if tax.against is not None]
    declared = [tax for tax in differences if tax.primary]
    others = [tax for tax in differences if not tax.primary]

    def called(taxes: list[Tax]) -> int:
        return sum(tax.verdict() in ("costs less", "costs more") for tax in taxes)

    ends = [tax for tax in declared if tax.measure == "end"]
    said = (
        f"By the declared measure {len(declared)} comparisons were made, of which {called(declared)} show a "
        f"difference; the verdicts rest on {len(ends)} of them, at RL's end, of which {called(ends)} do. "
        f"Of {len(others)} exploratory ones (by {' and '.join(name for name in ADEQUACY if name != PRIMARY)}) "
        f"{called(others)} do. None is adjusted for their number."
    )
    if seeds < 2:
        return f"{said} One seed can show no difference."
    share = chance(seeds)
    return (
        f"{said} Where nothing differs and seeds are normal, the rule over {seeds} seeds calls {share:.1%} of "
        f"comparisons a difference, {share * len(ends):.1f} of {len(ends)}; the interval over test items makes "
        "it fewer."
    )


def chance(seeds: int) -> float:
    """How often the mean of so many normal values around zero lies beyond two of their standard deviations (ddof 1)."""
    return float(2 * stats.t.sf(2 * sqrt(seeds), seeds - 1))


def note(found: Iterable[Tax], seeds: int) -> str:
    """All of it, in paragraphs."""
    taxes = list(found)
    sentences = [
        f"{answer['task']}, at the adequacy that RL ends with: {answer['sentence']}" for answer in answers(taxes)
    ]
    of = [f"{_name(cost)} ({cost_of(cost).partition(' of ')[0]})" for cost in dict.fromkeys(tax.cost for tax in taxes)]
    rule = RULE.format(cost=of[0]) if of else RULE
    return "\n\n".join([*sentences, *order(taxes), multiplicity(taxes, seeds), rule])
