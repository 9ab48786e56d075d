from typing import Any

import pytest

from semalign.config.data import Split
from semalign.data.splits import split_pairs
from semalign.runtime.errors import InputError

KEY = "tasks.mt.split"


def rows(count: int, size: int = 1, prefix: str = "r") -> list[dict[str, Any]]:
    """Rows with texts of their own, `size` to a group."""
    return [
        {"id": f"{prefix}{n:04}", "group": f"{prefix}{n // size}", "source": f"{prefix}s{n}", "target": f"{prefix}t{n}"}
        for n in range(count)
    ]


def split(
    train: list[Any], held_out: list[Any] | None = None, /, **sizes: int | None
) -> tuple[dict[str, list[Any]], Any]:
    defaults: dict[str, Any] = {"cold": 5, "rl": None, "dev": 3, "test": None if held_out else 4}
    return split_pairs(train, held_out, Split.model_validate(defaults | sizes), key=KEY)


def ids(part: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in part]


def test_sizes_are_exact_where_groups_are_single_rows() -> None:
    parts, report = split(rows(100), rl=20)
    assert {name: len(part) for name, part in parts.items()} == {"cold": 5, "rl": 20, "dev": 3, "test": 4}
    assert report["asked"] == {"cold": 5, "rl": 20, "dev": 3, "test": 4} == report["sizes"] == report["groups"]
    assert report["unused"] == 68
    assert split(rows(100))[1]["sizes"]["rl"] == 88


def test_the_deal_is_the_same_on_every_python() -> None:
    # random.Random(0).shuffle of ten sorted ids, worked out from the Mersenne Twister's first numbers
    parts, _ = split(rows(10), cold=2, dev=1, test=2)
    order = [7, 8, 1, 5, 3, 4, 2, 0, 9, 6]
    assert [n for name in ("test", "dev", "cold", "rl") for n in ids(parts[name])] == [f"r{n:04}" for n in order]
    assert ids(split(rows(10), cold=2, dev=1, test=2, seed=1)[0]["test"]) != ids(parts["test"])


def test_without_a_pool_there_is_a_test_set_alone() -> None:
    parts, report = split_pairs([], rows(4, size=2), None, key="tasks.mt.test")
    assert parts == {"test": rows(4, size=2), "dev": [], "cold": [], "rl": []}
    assert (report["sizes"]["test"], report["groups"]["test"], report["sizes"]["rl"]) == (4, 2, 0)
    with pytest.raises(InputError, match=r"config key tasks\.mt\.test: the test set is empty"):
        split_pairs([], [], None, key="tasks.mt.test")


def test_training_rows_that_overlap_a_given_test_set_are_dropped() -> None:
    train = rows(30)
    train[0] |= {"group": "d1"}
    train[1] |= {"source": " X\u0f0cy  z "}
    train[2] |= {"source": "x\u0f0bY z", "target": "t"}
    train[3] |= {"target": "T"}
    test = [
        {"id": "t1", "group": "d1", "source": "one", "target": "two"},
        {"id": "t2", "group": "d2", "source": "x\u0f0by z", "target": "T"},
    ]
    parts, report = split(train, test, cold=5, dev=3)
    assert parts["test"] == test
    assert report["dropped"]["test"] == {"same_group": 1, "same_pair": 1, "same_source": 1}
    rest = {name for part in ("cold", "rl", "dev") for name in ids(parts[part])}
    assert rest == {row["id"] for row in train[3:]}
    assert report["targets_seen_in_training"]["test"] == int("r0003" not in ids(parts["dev"]))


@pytest.mark.parametrize(
    ("count", "sizes", "expected"),
    [
        (3, {}, "tasks.mt.split.test: 4 pairs are asked for, 3 are left of 3 in the training pool; ask"),
        (
            6,
            {},
            "tasks.mt.split.dev: 3 pairs are asked for, 2 are left of 6 in the training pool (4 to test, 0 dropped",
        ),
        (
            11,
            {},
            "tasks.mt.split.cold: 5 pairs are asked for, 4 are left of 11 in the training pool (4 to test, 3 to dev",
        ),
        (12, {}, "tasks.mt.split.rl: at least one pair is needed, 0 are left of 12"),
        (14, {"rl": 3}, "tasks.mt.split.rl: 3 pairs are asked for, 2 are left of 14"),
        (20, {"test": None}, "tasks.mt.split: the test set is empty"),
    ],
)
def test_too_few_rows_names_key_and_numbers(count: int, sizes: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError) as caught:
        split(rows(count), **sizes)
    assert str(caught.value).startswith(f"config key {expected}")
