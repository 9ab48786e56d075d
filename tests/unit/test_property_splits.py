"""What must hold of preparation and of a split, whatever the rows: nothing lost uncounted, nothing on two sides."""

import random
import unicodedata
from collections import Counter
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from semalign.config.data import Language, Split
from semalign.errors import InputError
from semalign.preparation import EXAMPLES, filter_length, prepare_pairs, prepare_questions
from semalign.splits import comparable, split_pairs

Rows = list[dict[str, Any]]

KEY = "tasks.mt.split"
ORDER = ["test", "dev", "cold", "rl"]  # the order in which parts are dealt
TIBETAN = Language(script="Tibetan", excluded_scripts=["Han"], latin_share=0.1, bleu_tokens="tibetan")
CHINESE = Language(script="Han", excluded_scripts=["Tibetan"], latin_share=0.5, bleu_tokens="zh")

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
@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 5), st.integers(0, 5))
def test_guises_of_a_text_compare_equal_and_texts_do_not(one: int, two: int, first: int, second: int) -> None:
    assert (comparable(source(one, first)) == comparable(source(two, second))) is (one == two)


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


@few
@given(pools(), SIZES, st.integers(1, 3))
def test_a_test_set_of_its_own_is_as_one_that_was_cut(pool: Rows, sizes: dict[str, Any], seed: int) -> None:
    parts, report = split(pool, sizes)
    # given what was cut as the test set, and the rest in the order of its groups: nothing of it may come back
    rest = [row for row in pool if row["id"] not in {held["id"] for held in parts["test"]}]
    own = Split.model_validate(sizes | {"test": None, "seed": seed})
    try:
        again, given_report = split_pairs(rest, parts["test"], own, key=KEY)
    except InputError:
        return
    assert again["test"] == parts["test"]
    assert given_report["dropped"]["test"] == report["dropped"]["test"]


# Preparation

KINDS: dict[str, list[tuple[str, str]]] = {
    "empty_source": [("", "བོད"), (" \u3000\n", "x"), ("", "")],
    "empty_target": [("中", ""), ("x", "\t")],
    "wrong_script_source": [("hello", "བོད"), ("123", "བོད"), ("中བ", "བོད"), ("<think>中", "བ")],
    "wrong_script_target": [("中", "中"), ("文", "abc"), ("文", "།"), ("中", "བ</think>")],
}
PAIR = st.sampled_from(["中", "文", "é文", "中 "])
GOOD = st.tuples(PAIR, st.sampled_from(["བ", "གྷ", "\u0f43", " བ", "བོད"]))
LABELLED = st.one_of(
    *[st.tuples(st.just(kind), st.sampled_from(texts)) for kind, texts in KINDS.items()],
    st.tuples(st.just("good"), GOOD),
)


def pairs(texts: list[tuple[str, str]]) -> Rows:
    return [{"id": f"r{n}", "group": "g", "source": a, "target": b} for n, (a, b) in enumerate(texts)]


@few
@given(st.lists(LABELLED, max_size=20), GOOD)
def test_pairs_are_dropped_for_what_is_wrong_with_them(
    labelled: list[tuple[str, tuple[str, str]]], last: tuple[str, str]
) -> None:
    labelled = [*labelled, ("good", last)]
    rows = pairs([texts for _, texts in labelled])
    kept, report = prepare_pairs(iter(rows), CHINESE, TIBETAN, origin="here").all()
    reasons: dict[str, list[str]] = {}
    seen: dict[tuple[str, str], str] = {}
    for row, (kind, (one, two)) in zip(rows, labelled, strict=True):
        texts = (unicodedata.normalize("NFD", one).strip(), unicodedata.normalize("NFD", two).strip())
        if kind == "good" and seen.setdefault(texts, row["id"]) != row["id"]:
            kind = "duplicate"
        if kind != "good":
            reasons.setdefault(kind, []).append(row["id"])
    assert [row["id"] for row in kept] == list(seen.values())
    assert report["dropped"] == {kind: len(names) for kind, names in reasons.items()}
    assert report["examples"] == {kind: names[:EXAMPLES] for kind, names in reasons.items()}
    assert (report["read"], report["kept"]) == (len(rows), len(kept))


@few
@given(st.lists(LABELLED, max_size=20), GOOD, SHUFFLES)
def test_order_changes_no_count_and_no_text_kept(
    labelled: list[tuple[str, tuple[str, str]]], last: tuple[str, str], order: random.Random
) -> None:
    rows = pairs([texts for _, texts in [*labelled, ("good", last)]])
    kept, report = prepare_pairs(rows, CHINESE, TIBETAN, origin="here").all()
    other, other_report = prepare_pairs(shuffled(rows, order), CHINESE, TIBETAN, origin="here").all()
    assert sorted((row["source"], row["target"]) for row in other) == sorted((r["source"], r["target"]) for r in kept)
    assert other_report["dropped"] == report["dropped"]


def questions(cells: list[tuple[str, str, list[str]]]) -> Rows:
    return [
        {"id": str(n), "group": "g", "context": context, "question": question, "answers": answers}
        for n, (context, question, answers) in enumerate(cells)
    ]


TEXTS = st.sampled_from(["", " ", "甲", "乙甲"])
QUESTIONS = st.tuples(TEXTS, TEXTS, st.lists(st.sampled_from(["甲", "丙", "乙甲"]), max_size=2) | st.just([" ", ""]))


@few
@given(st.lists(QUESTIONS, max_size=12), st.sampled_from(["甲", "丙"]), st.integers(1, 5))
def test_a_limit_takes_the_first_good_questions(
    cells: list[tuple[str, str, list[str]]], answer: str, limit: int
) -> None:
    rows = questions([*cells, ("甲", "甲", [answer])])
    good = [row for row in rows if row["context"].strip() and row["question"].strip()]
    good = [row for row in good if "".join(row["answers"]).strip()]
    kept, report = prepare_questions(iter(rows), limit, origin="here").all()
    assert kept == good[:limit]
    assert prepare_questions(rows, origin="here").all()[0] == good
    assert report["dropped"].get("beyond_limit", 0) == max(0, len(good) - limit)
    assert report["read"] == len(rows) == report["kept"] + sum(report["dropped"].values())
    there = {"甲": {"甲"}, "乙甲": {"甲", "乙甲"}}
    assert report["answer_not_in_context"] == sum(there[row["context"]].isdisjoint(row["answers"]) for row in kept)


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_answer_is_no_answer_in_the_context(blank: str) -> None:
    _, report = prepare_questions(questions([("甲 乙", "甲", [blank, "丙"])]), origin="here").all()
    assert report["answer_not_in_context"] == 1


@few
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20), st.integers(3, 12))
def test_length_is_counted_with_the_template_and_never_grows_what_is_kept(
    lengths: list[tuple[int, int]], most: int
) -> None:
    tokenizer = Tokenizer(WordLevel({"?": 0, "a": 1}, unk_token="?"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    rows = pairs([(" ".join("a" * one), " ".join("a" * two)) for one, two in [(0, 0), *lengths]])
    kept, report = filter_length(iter(rows), tokenizer, "say: {source} => {target}", most, origin="here").all()
    whole = {row["id"]: 2 + len(row["source"].split()) + len(row["target"].split()) for row in rows}
    assert [row["id"] for row in kept] == [name for name, length in whole.items() if length <= most]
    assert report["longest"] == max(length for length in whole.values() if length <= most)
    assert report["read"] == len(rows) == report["kept"] + report["dropped"].get("too_long", 0)
    fewer, _ = filter_length(rows, tokenizer, "say: {source} => {target}", most - 1, origin="here").all()
    assert all(row in kept for row in fewer)


@few
@given(st.sampled_from(["{target}", "{source}", "{source}{target}", "\\1 {0}", "{{source}}"]))
def test_a_text_is_never_read_as_a_template(text: str) -> None:
    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    rows = pairs([(text, "a b c d e")])
    _, report = filter_length(rows, tokenizer, "{source}", 50, origin="here").all()
    assert report["longest"] == len(text.split())
