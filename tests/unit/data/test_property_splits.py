"""What must hold of a split, whatever the rows: nothing lost uncounted, nothing on two sides."""

import random
import unicodedata
from collections import Counter
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from semalign.config.data import Split
from semalign.data.splits import split_pairs
from semalign.runtime.errors import InputError

Rows = list[dict[str, Any]]

KEY = "tasks.mt.split"
ORDER = ["test", "dev", "cold", "rl"]  # the order in which parts are dealt
few = settings(max_examples=60, deadline=None)
SHUFFLES = st.randoms(use_true_random=False)


def shuffled(rows: Rows, order: random.Random) -> Rows:
    copy = list(rows)
    order.shuffle(copy)
    return copy


# One text in several guises: white space, canonical form, the other tsheg, capitals
GUISES = [
    lambda text: text,
    lambda text: f" {text}\u3000",
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: text.replace("་", "༌"),
    lambda text: text.upper(),
    lambda text: text.replace(" ", " \n\t"),
]


def source(number: int, guise: int) -> str:
    return str(GUISES[guise](f"é བོད་ {number} ж"))


@st.composite
def pools(draw: st.DrawFn) -> Rows:
    """Rows in groups, whose texts come again in other guises, and again in other groups."""
    cells = st.tuples(st.integers(0, 14), st.integers(0, 60), st.integers(0, 5), st.integers(0, 3))
    members = draw(st.lists(cells, min_size=25, max_size=50))
    return [
        {"id": f"r{n:02}", "group": f"g{group}", "source": source(text, guise), "target": f"t{target}"}
        for n, (group, text, guise, target) in enumerate(members)
    ]


SIZES = st.fixed_dictionaries(
    {
        "test": st.integers(1, 4),
        "dev": st.integers(1, 4),
        "cold": st.integers(1, 6),
        "rl": st.none() | st.integers(1, 8),
        "seed": st.integers(0, 9),
    }
)


def split(rows: Rows, sizes: dict[str, Any]) -> tuple[dict[str, Rows], dict[str, Any]]:
    """The split, where the pool is large enough."""
    try:
        return split_pairs(rows, None, Split.model_validate(sizes), key=KEY)
    except InputError:
        assume(False)
        raise


def number_of(row: dict[str, Any]) -> int:
    """Which text a row's source is, whatever its guise."""
    return int("".join(character for character in row["source"] if character.isdigit()))


@few
@given(pools(), SIZES)
def test_no_group_and_no_source_text_is_on_two_sides(pool: Rows, sizes: dict[str, Any]) -> None:
    parts, _ = split(pool, sizes)
    groups = [{row["group"] for row in parts[name]} for name in ORDER]
    assert sum(map(len, groups)) == len(set().union(*groups))
    texts = {name: {number_of(row) for row in parts[name]} for name in ORDER}
    assert texts["test"].isdisjoint(texts["dev"] | texts["cold"] | texts["rl"])
    assert texts["dev"].isdisjoint(texts["cold"] | texts["rl"])


@few
@given(pools(), SIZES)
def test_every_row_is_in_a_part_or_counted(pool: Rows, sizes: dict[str, Any]) -> None:
    parts, report = split(pool, sizes)
    placed = [row["id"] for name in ORDER for row in parts[name]]
    assert len(placed) == len(set(placed))
    dropped = sum(sum(counts.values()) for counts in report["dropped"].values())
    assert len(placed) + dropped + report["unused"] == len(pool)
    assert report["sizes"] == {name: len(parts[name]) for name in ORDER}
    assert report["groups"] == {name: len({row["group"] for row in parts[name]}) for name in ORDER}
    original = {row["id"]: row for row in pool}
    assert all(row == original[row["id"]] for name in ORDER for row in parts[name])
    if sizes["rl"] is None:
        assert report["unused"] == 0


@few
@given(pools(), SIZES)
def test_only_rows_that_share_a_text_are_dropped(pool: Rows, sizes: dict[str, Any]) -> None:
    parts, report = split(pool, sizes | {"rl": None})
    placed = {row["id"] for name in ORDER for row in parts[name]}
    expected = {"test": Counter[str](), "dev": Counter[str]()}
    for row in pool:
        if row["id"] in placed:
            continue
        for name in ("test", "dev"):
            targets = {held["target"] for held in parts[name] if number_of(held) == number_of(row)}
            if targets:
                expected[name]["same_pair" if row["target"] in targets else "same_source"] += 1
                break
        else:
            raise AssertionError(f"{row} is lost")
    none = {"same_group": 0, "same_pair": 0, "same_source": 0}  # groups are whole, so none is shared
    assert report["dropped"] == {name: none | dict(counts) for name, counts in expected.items()}


@few
@given(pools(), SIZES)
def test_a_part_has_its_size_and_no_group_too_many(pool: Rows, sizes: dict[str, Any]) -> None:
    parts, _ = split(pool, sizes)
    for name in ORDER:
        wanted, last = sizes[name], parts[name][-1]["group"]
        assert wanted is None or len(parts[name]) >= wanted
        assert wanted is None or sum(row["group"] != last for row in parts[name]) < wanted
        runs = [
            row["group"]
            for row, before in zip(parts[name], [{}, *parts[name]], strict=False)
            if row["group"] != before.get("group")
        ]
        assert len(runs) == len(set(runs))  # a group's rows follow one another


@few
@given(pools(), SIZES, SHUFFLES)
def test_the_order_of_the_rows_is_nothing(pool: Rows, sizes: dict[str, Any], order: random.Random) -> None:
    assert split(shuffled(pool, order), sizes) == split(pool, sizes)


@few
@given(pools(), SIZES, st.sampled_from(["dev", "cold", "rl"]), st.integers(1, 9))
def test_a_size_changes_no_part_before_it(pool: Rows, sizes: dict[str, Any], name: str, size: int) -> None:
    before, _ = split(pool, sizes)
    after, _ = split(pool, sizes | {name: size})
    earlier = ORDER[: ORDER.index(name)]
    assert {part: after[part] for part in earlier} == {part: before[part] for part in earlier}
    common = min(len(before[name]), len(after[name]))
    assert after[name][:common] == before[name][:common]  # the part itself only grows or shrinks at its end
