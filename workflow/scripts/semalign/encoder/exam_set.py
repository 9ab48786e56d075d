"""What the exam of a sentence encoder is set on: pairs and probes it never saw, graded items and hard negatives."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, get_args

from semalign.config.models import HardNegative
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.text import perturbations

GRADES = ("near_identical", "paraphrase", "clause_replaced", "same_document", "random")  # most to least related
HARD_NEGATIVES: tuple[str, ...] = get_args(HardNegative)
PROBE_KINDS = ("paraphrase", "clause_replaced", *HARD_NEGATIVES)


class Item(NamedTuple):
    """One comparison: how similar is the candidate to the reference?"""

    kind: str
    reference: str
    candidate: str


def _require(rows: Iterable[Row], columns: Sequence[str], key: str) -> Iterable[Row]:
    for number, row in enumerate(rows, start=1):
        for column in columns:
            if column not in row:
                raise InputError(f"{key}: row {number} has no column {column!r}; map it in the config key {key}")
        yield row


def choose_pairs(pairs: Iterable[Row], seen: set[str], size: int, seed: int) -> tuple[list[Row], dict[str, int]]:
    """Up to `size` pairs of whole documents in random order, none trained on, none twice; and the counts.

    Raises InputError where fewer than two documents are left, or `size` is all of one.
    """
    documents: dict[str, list[Row]] = defaultdict(list)
    in_exam: dict[str, set[str]] = {"source": set(), "target": set()}
    trained_on: set[str] = set()
    pairs = list(pairs)
    whole = [row for row in pairs if "left_out" not in row]
    duplicates = 0
    for row in _require(whole, ("group", "source", "target"), "exam.pairs"):
        texts = {side: perturbations.canonical(row[side]) for side in in_exam}
        if not seen.isdisjoint(texts.values()):
            trained_on.add(str(row["group"]))
        if not all(texts.values()) or any(texts[side] in in_exam[side] for side in in_exam):
            duplicates += 1
            continue
        for side, text in texts.items():
            in_exam[side].add(text)
        documents[str(row["group"])].append(row)
    left_out = sum(len(documents.pop(group, [])) for group in trained_on)
    order = sorted(documents)
    random.Random(seed).shuffle(order)
    chosen = [row for group in order for row in documents[group]][:size]
    groups = len({str(row["group"]) for row in chosen})
    if groups < 2 and len(order) > 1:
        whole_document = len(documents[order[0]])
        raise InputError(
            f"config key exam.size: {size} pairs are all of one document of {whole_document} pairs, and pairs of two "
            f"documents at least are needed; set it above {whole_document}"
        )
    if groups < 2:
        raise InputError(
            f"config key exam.pairs: {groups} documents are left of {len(whole)} pairs ({duplicates} duplicate or "
            f"empty, {left_out} in documents the encoder was trained on); at least 2 that it has not seen are needed"
        )
    counts = {"left_out": len(pairs) - len(whole), "offered": len(whole)}
    counts |= {"duplicate_or_empty": duplicates, "trained_on": left_out}
    return chosen, counts | {"used": len(chosen), "documents": groups}


def choose_probes(probes: Iterable[Row], seen: set[str]) -> tuple[list[Item], dict[str, int]]:
    """The probes of which neither text was trained on, and the counts. Raises InputError on an unknown kind."""
    items = []
    offered = 0
    for row in _require(probes, ("kind", "reference", "candidate"), "exam.probes"):
        offered += 1
        if row["kind"] not in PROBE_KINDS:
            raise InputError(
                f"exam.probes: unknown kind {row['kind']!r} in row {offered}; known are {', '.join(PROBE_KINDS)}"
            )
        item = Item(row["kind"], row["reference"], row["candidate"])
        if seen.isdisjoint({perturbations.canonical(item.reference), perturbations.canonical(item.candidate)}):
            items.append(item)
    return items, {"offered": offered, "trained_on": offered - len(items), "used": len(items)}


def graded_items(pairs: Sequence[Row], probes: Sequence[Item], rng: random.Random) -> dict[str, list[Item]]:
    """The items of each grade, at most one a pair, drawn where there are more; see `exam.examine` for their definition.

    Grades of one size: rank correlation falls when one grade has many more items, all tied, than the others.
    """
    graded: dict[str, list[Item]] = {grade: [p for p in probes if p.kind == grade] for grade in GRADES}

    def add(grade: str, reference: str, candidate: str | None) -> None:
        if candidate is not None:
            graded[grade].append(Item(grade, reference, candidate))

    for pair in pairs:
        target = pair["target"]
        others = [p["target"] for p in pairs if p["group"] != pair["group"]]
        siblings = [p["target"] for p in pairs if p["group"] == pair["group"] and p is not pair]
        add("near_identical", target, perturbations.respace(target))
        add("clause_replaced", target, perturbations.replace_clause(target, rng.choice(others), rng))
        add("same_document", target, rng.choice(siblings) if siblings else None)
        add("random", target, min(others, key=lambda other: (abs(len(other) - len(target)), rng.random())))
    return {grade: rng.sample(items, min(len(items), len(pairs))) for grade, items in graded.items()}


def hard_negatives(pairs: Sequence[Row], probes: Sequence[Item], rng: random.Random) -> dict[str, list[Item]]:
    """The items of each kind of hard negative, those from probes first."""
    negatives: dict[str, list[Item]] = {kind: [p for p in probes if p.kind == kind] for kind in HARD_NEGATIVES}
    for pair in pairs:
        target, source = pair["target"], pair["source"]
        made = {
            "number_swapped": perturbations.swap_number(target, rng),
            "reordered": perturbations.reorder(target, rng),
            "repeated_twice": perturbations.repeat_twice(target),
            "source_copied": source,
            "truncated": perturbations.truncate(target),
            "code_mixed": perturbations.code_mix(target, source, rng),
        }
        for kind, candidate in made.items():
            if candidate is not None:
                negatives[kind].append(Item(kind, target, candidate))
    return negatives
