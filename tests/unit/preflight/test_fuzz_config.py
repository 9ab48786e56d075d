"""Anything as the config: it is valid, or an InputError says a line a key."""

import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semalign.preflight.root import Config, validate
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_lines
from tests.unit.fuzz import (
    LEAVES,
    fuzz_few,
    in_time,
    outcome,
)
from tests.unit.shipped import SHIPPED

# The config


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in it."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=4) | st.sampled_from(
    ["mt", "format", "path", "[key]", "kind", "source", "rewards", "0"]
)
ANYTHING = st.recursive(
    LEAVES
    | st.dates()
    | st.binary(max_size=3)
    | st.sampled_from(["jsonl", "squad", "mt", "1e-3", "\0", "a\nb", math.nan]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.integers(), inner, max_size=3),
    max_leaves=6,
)


def checked(raw: Any) -> None:
    with in_time():
        try:
            assert isinstance(validate(raw), Config)
            return
        except InputError as error:
            message = str(error)
    assert all(line.startswith(("config key ", "config: ")) for line in message.splitlines()), message


@fuzz_few
@given(ANYTHING)
def test_anything_as_the_config(raw: Any) -> None:
    checked(raw)


@fuzz_few
@given(st.lists(st.tuples(st.sampled_from(list(places(SHIPPED))), ANYTHING), min_size=1, max_size=3))
def test_anything_in_a_place_of_the_config(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    raw = copy.deepcopy(SHIPPED)
    for path, value in changes:
        holder: Any = raw
        try:
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = copy.deepcopy(value)
        except (TypeError, LookupError):  # an earlier change took the place away
            continue
    checked(raw)


@fuzz_few
@given(st.sampled_from([path for path in places(SHIPPED) if isinstance(path[-1], str)]), NAMES, ANYTHING)
def test_an_unknown_key_anywhere_in_the_config(path: tuple[Any, ...], name: str, value: Any) -> None:
    raw = copy.deepcopy(SHIPPED)
    holder: Any = raw
    for key in path[:-1]:
        holder = holder[key]
    holder[name] = value
    checked(raw)


@pytest.mark.parametrize("key", ["a\nconfig key seeds: b", "\r", ""])
def test_a_key_with_a_line_break_has_one_line_and_a_name(key: str) -> None:
    raw = copy.deepcopy(SHIPPED) | {key: 1}
    with pytest.raises(InputError) as caught:
        validate(raw)
    assert str(caught.value).splitlines()[0].startswith(f"config key {key!r}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_a_figure_too_long_to_be_shown() -> None:
    checked(copy.deepcopy(SHIPPED) | {"checkpoint_seconds": 16**5000})  # YAML reads it from 0xff…


def test_a_path_with_a_nul() -> None:
    assert outcome(lambda: read_lines("a\0b"), Path("a\0b")) is None
