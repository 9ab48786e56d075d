"""Variants of texts: what each changes, what it leaves, and when it declines."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semalign.text import perturbations

SYLLABLES = st.sampled_from(["བཀྲ", "ཤིས", "བདེ", "ལེགས", "ཡིན", "མི", "༢༠༢༤", "NATO"])
SENTENCES = st.lists(SYLLABLES, min_size=1, max_size=12).map(lambda s: "་".join(s) + "།")
TEXTS = st.one_of(SENTENCES, st.lists(SENTENCES, min_size=2, max_size=4).map(" ".join), st.text(max_size=40))
SEEDS = st.integers(0, 100)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("བཀྲ་ཤིས།", "བཀྲ་ཤིས"),
        ("བཀྲ་ཤིས", "བཀྲ་ཤིས།"),
        ("མི་ཡིན། བདེ་ལེགས།", "མི་ཡིན།བདེ་ལེགས"),
        ("མི་ཡིན།བདེ་ལེགས", "མི་ཡིན། བདེ་ལེགས།"),
        ("他来了。", "他来了"),
        ("他来，我走", "他来， 我走。"),
        ("It rose by 3.5", "It rose by 3.5."),
    ],
)
def test_respace(text: str, expected: str) -> None:
    assert perturbations.respace(text) == expected


@given(TEXTS)
def test_respacing_changes_only_marks_and_spaces(text: str) -> None:
    assert perturbations.respace(text) != text
    assert perturbations.canonical(perturbations.respace(text)) == perturbations.canonical(text)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("མི་ཡིན། བདེ།", "མི༌ཡིན་།བདེ", True),
        ("他来，我走。", "他来 我走", True),
        ("མི་ཡིན།", "མི་མིན།", False),
        ("e\u0301", "\u00e9", True),
    ],
)
def test_canonical(a: str, b: str, same: bool) -> None:
    assert (perturbations.canonical(a) == perturbations.canonical(b)) is same


def test_replace_clause() -> None:
    made = {perturbations.replace_clause("ཀ། ཁ།", "ག། ང།", random.Random(seed)) for seed in range(40)}
    assert made == {"ག། ཁ།", "ང།ཁ།", "ཀ། ག། ", "ཀ། ང།"}


@pytest.mark.parametrize(("text", "donor"), [("ཀ།", "ག། ང།"), ("ཀ། ཁ།", "ཁ། ཀ"), ("ཀ། ཁ།", "།"), ("", "ཀ།")])
def test_no_clause_to_replace(text: str, donor: str) -> None:
    assert perturbations.replace_clause(text, donor, random.Random(0)) is None


def test_clauses_end_as_their_script_has_it() -> None:
    for one, two, donor in (("क। ", "ख।", "ग।"), ("ا، ", "ب۔", "ت۔"), ("ሀ። ", "ለ።", "ሐ።"), ("ក។ ", "ខ។", "គ។")):
        made = {perturbations.replace_clause(one + two, donor, random.Random(seed)) for seed in range(20)}
        assert made == {donor + two, one + donor}


def test_a_decimal_point_ends_no_clause() -> None:
    assert perturbations.replace_clause("rose by 3.5 points", "fell. rose.", random.Random(0)) is None


@given(st.integers(0, 10**6), st.sampled_from("0༠٠०๐၀０"), SEEDS)
def test_swap_number(number: int, zero: str, seed: int) -> None:
    """One digit becomes another of its own script, whose zero is given."""
    digits = [chr(ord(zero) + value) for value in range(10)]
    text = f"མི་{''.join(digits[int(d)] for d in str(number))}་ཡིན།"
    swapped = perturbations.swap_number(text, random.Random(seed))
    assert swapped is not None
    changed = [(a, b) for a, b in zip(text, swapped, strict=True) if a != b]
    assert len(changed) == 1
    assert changed[0][1] in digits


def test_no_number_to_swap() -> None:
    assert perturbations.swap_number("མི་གཅིག", random.Random(0)) is None


@given(SENTENCES, SEEDS)
def test_reorder_keeps_units_and_marks(text: str, seed: int) -> None:
    made = perturbations.reorder(text, random.Random(seed))
    units = text.rstrip("།").split("་")
    if len(units) < 3 or len(set(units)) < 2:
        assert made is None
    else:
        assert made is not None
        assert made != text
        assert made.endswith("།")
        assert Counter(made.rstrip("།").split("་")) == Counter(units)


def test_repeat_twice() -> None:
    assert perturbations.repeat_twice("མི་ཡིན།") == "མི་ཡིན། མི་ཡིན།"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ཀ་ཁ་ག་ང།", "ཀ་ཁ"),
        ("ཀ་ཁ་ག།", "ཀ"),
        ("ཀ།", None),
        ("", None),
        ("他来了呀", "他来"),
        ("one two. three", "one"),
        ("กินข้าว", "กิน"),  # five clusters: กิ น ข้ า ว
        ("l’œuf qu’il a", "l’œuf"),
    ],
)
def test_truncate(text: str, expected: str | None) -> None:
    assert perturbations.truncate(text) == expected


def test_code_mix_replaces_a_third() -> None:
    mixed = perturbations.code_mix("ཀ་ཁ་ག་ང་ཅ་ཆ།", "人", random.Random(0))
    assert mixed is not None
    assert mixed.count("人") == 2
    assert sum(syllable in mixed for syllable in "ཀཁགངཅཆ") == 4


@pytest.mark.parametrize(("text", "source"), [("ཀ།", "人"), ("ཀ་ཁ།", "。"), ("人人", "人")])
def test_nothing_to_mix(text: str, source: str) -> None:
    assert perturbations.code_mix(text, source, random.Random(0)) is None


@given(TEXTS, TEXTS, SEEDS)
def test_same_seed_same_variant(text: str, other: str, seed: int) -> None:
    for make in (perturbations.replace_clause, perturbations.code_mix):
        assert make(text, other, random.Random(seed)) == make(text, other, random.Random(seed))
