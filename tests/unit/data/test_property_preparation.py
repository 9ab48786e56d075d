"""What must hold of preparation, whatever the rows: nothing dropped uncounted, nothing kept that is of no use."""

import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from semalign.config.data import Language
from semalign.data.preparation import EXAMPLES, filter_length, prepare_pairs, prepare_questions
from tests.unit.data.test_property_splits import SHUFFLES, Rows, few, shuffled

TIBETAN = Language(script="Tibetan", excluded_scripts=["Han"], latin_share=0.1, bleu_tokens="tibetan")
CHINESE = Language(script="Han", excluded_scripts=["Tibetan"], latin_share=0.5, bleu_tokens="zh")

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


@pytest.mark.parametrize("blank", ["", " ", "\u3000\u200b", "。", "- `"])
def test_a_blank_answer_is_no_answer_in_the_context(blank: str) -> None:
    kept, report = prepare_questions(questions([("甲 乙", "甲", [blank, "丙"])]), origin="here").all()
    assert (report["answer_not_in_context"], report["blank_answers"]) == (1, 1)
    assert kept[0]["answers"] == ["丙"]


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
