"""What must hold of rewards and of the judge's protocol, whatever the texts and whoever compares."""

import math
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.config.data import Language
from semalign.rewards.builtin import (
    Reward,
    above_threshold,
    bleu_reward,
    build_rewards,
    for_trl,
    language_reward,
    length_reward,
    similarity_reward,
)
from semalign.runtime.files import Row
from semalign.runtime.workspace import Workspace
from semalign.text.matching import is_blank
from tests.unit.judging.test_judge import judge_pairs, judged, summarise

TIBETAN = Language(script="Tibetan", excluded_scripts=["Han"], latin_share=0.1, bleu_tokens="tibetan")
CHINESE = Language(script="Han", excluded_scripts=["Tibetan"], latin_share=0.5, bleu_tokens="zh")

few = settings(max_examples=80, deadline=None)
COSINES = st.floats(-1, 1)
TAUS = st.floats(-1, 0.999)
TEXTS = st.text(st.sampled_from("ཀཁགངི་། 北京abé1 \n"), max_size=14)
BATCHES = st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=6)


def embed(texts: list[str]) -> np.ndarray:
    """A unit vector that depends on a text's characters alone."""
    vectors = np.array([np.bincount([ord(c) % 7 for c in text] + [0], minlength=7) + 0.1 for text in texts])
    signs = np.array([[(-1.0) ** (len(text) % 2), *[1.0] * 6] for text in texts])
    return vectors * signs / np.linalg.norm(vectors, axis=1, keepdims=True)


REWARDS: dict[str, Reward] = {
    "similarity": similarity_reward(embed, 0.3),
    "language": language_reward(TIBETAN),
    "bleu": bleu_reward(TIBETAN),
    "bleu zh": bleu_reward(CHINESE),
    "length": length_reward,
}
every_reward = pytest.mark.parametrize("name", REWARDS)


# R_sim


@few
@given(COSINES, TAUS)
def test_the_threshold_reward_lies_between_nothing_and_one(similarity: float, tau: float) -> None:
    value = above_threshold(similarity, tau)
    assert 0.0 <= value <= 1.0
    assert (value == 0.0) or similarity > tau


@few
@given(st.integers(-1000, 1000), st.integers(-1000, 999))
def test_the_threshold_reward_is_the_line_between_tau_and_one(similarity: int, tau: int) -> None:
    expected = max(Fraction(0), Fraction(similarity - tau, 1000 - tau))
    assert above_threshold(similarity / 1000, tau / 1000) == pytest.approx(float(expected), abs=1e-12)


@few
@given(COSINES, COSINES, TAUS)
def test_the_threshold_reward_never_falls_with_similarity(one: float, two: float, tau: float) -> None:
    low, high = sorted((one, two))
    assert above_threshold(low, tau) <= above_threshold(high, tau)


@few
@given(COSINES, TAUS, TAUS)
def test_the_threshold_reward_never_grows_with_tau(similarity: float, one: float, two: float) -> None:
    low, high = sorted((one, two))
    assert above_threshold(similarity, low) >= above_threshold(similarity, high) - 1e-12


@few
@given(TAUS)
def test_the_threshold_reward_has_no_step_at_tau_and_is_whole_at_one(tau: float) -> None:
    assert above_threshold(tau, tau) == 0.0
    assert above_threshold(math.nextafter(tau, 2), tau) <= 1e-12 / (1 - tau)
    assert above_threshold(1.0, tau) == above_threshold(1.0 + 1e-6, tau) == 1.0


@few
@given(BATCHES, TAUS)
def test_the_similarity_reward_is_the_cosine_above_the_threshold(batch: list[tuple[str, str, str]], tau: float) -> None:
    completions, references, sources = map(list, zip(*batch, strict=True))
    found = similarity_reward(embed, tau)(completions, references, sources)
    for value, text, reference in zip(found, completions, references, strict=True):
        one, two = embed([text])[0].tolist(), embed([reference])[0].tolist()
        cosine = math.fsum(a * b for a, b in zip(one, two, strict=True))
        expected = 0.0 if is_blank(text) else max(0.0, (min(cosine, 1.0) - tau) / (1 - tau))
        assert value == pytest.approx(expected, abs=1e-9)


# Every reward


@every_reward
@few
@given(batch=BATCHES, order=st.randoms(use_true_random=False))
def test_a_permuted_batch_has_permuted_figures(
    name: str, batch: list[tuple[str, str, str]], order: random.Random
) -> None:
    places = list(range(len(batch)))
    order.shuffle(places)
    figures = REWARDS[name](*map(list, zip(*batch, strict=True)))
    permuted = REWARDS[name](*map(list, zip(*[batch[place] for place in places], strict=True)))
    assert permuted == pytest.approx([figures[place] for place in places], abs=1e-12)
    assert all(-1e-12 <= figure <= 1 + 1e-12 for figure in figures)
    assert len(figures) == len(batch)


@every_reward
@few
@given(batch=BATCHES, blank=st.sampled_from(["", " ", "\n\t", "\u3000 ", "\u200b\ufeff"]))
def test_a_blank_completion_earns_nothing(name: str, batch: list[tuple[str, str, str]], blank: str) -> None:
    references = [reference for _, reference, _ in batch]
    assert REWARDS[name]([blank] * len(batch), references, references) == [0.0] * len(batch)


@every_reward
@few
@given(batch=BATCHES)
def test_a_reward_by_trl_is_the_reward(name: str, batch: list[tuple[str, str, str]]) -> None:
    completions, references, sources = map(list, zip(*batch, strict=True))
    called = for_trl(name, REWARDS[name])
    turns = [[{"role": "assistant", "content": text}] for text in completions]
    figures = called(turns, reference=references, source=sources, id=["x"] * len(batch))
    assert figures == REWARDS[name](completions, references, sources)


@few
@given(st.lists(st.text(st.sampled_from("ཀཁགང"), min_size=1, max_size=3), min_size=1, max_size=8))
def test_the_reference_itself_earns_everything(syllables: list[str]) -> None:
    text = "་".join(syllables)
    rewards = build_rewards(["similarity", "language", "bleu", "length"], TIBETAN, embed, 0.5)
    for name, reward in rewards.items():
        assert reward([text], [text], ["北京"]) == pytest.approx([1.0]), name


@few
@given(st.integers(0, 40), st.integers(0, 20), st.booleans())
def test_the_length_reward_is_symmetrical_about_the_reference(own: int, wanted: int, han: bool) -> None:
    def text(count: int) -> str:
        return "京" * count if han else "ཀི་" * count

    expected = max(Fraction(0), 1 - Fraction(abs(own - wanted), wanted)) if wanted else Fraction(0)
    assert length_reward([text(own)], [text(wanted)], [""]) == pytest.approx([float(expected)])
    if own <= 2 * wanted:
        mirrored = length_reward([text(2 * wanted - own)], [text(wanted)], [""])
        assert mirrored == length_reward([text(own)], [text(wanted)], [""])


@few
@given(st.lists(st.sampled_from("ཀཁགང"), min_size=1, max_size=10), st.integers(0, 9))
def test_a_cut_completion_never_gains_bleu(syllables: list[str], kept: int) -> None:
    whole = "་".join(syllables)
    values = [bleu_reward(TIBETAN)(["་".join(syllables[:n])], [whole], [""])[0] for n in range(len(syllables) + 1)]
    assert values == sorted(values)
    assert values[0] == 0.0
    assert values[-1] == pytest.approx(1.0)
    assert all(value < 1.0 for value in values[:-1])


# The judge


Compare = Callable[[str, str, str], int]
OUTPUTS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12)
NAMES = ("one", "two")
MIRROR = {0: 0, 1: 2, 2: 1}


def systems(outputs: list[tuple[int, int]]) -> tuple[list[Row], list[Row]]:
    """Two systems' answers, each a number."""
    first, second = (
        [{"id": f"i{n}", "source": f"s{n}", "output": str(pair[side])} for n, pair in enumerate(outputs)]
        for side in (0, 1)
    )
    return first, second


def larger(source: str, one: str, two: str) -> int:
    """A comparer that sees the texts alone."""
    return 0 if one == two else 1 if int(one) > int(two) else 2


def whimsical(source: str, one: str, two: str) -> int:
    """A comparer without any principle, but the same every time."""
    return random.Random(f"{source}/{one}/{two}").randrange(3)


few_judged = settings(max_examples=40, deadline=None)


@few_judged
@given(OUTPUTS, st.integers(0, 999), st.integers(0, 999))
def test_a_consistent_comparer_is_read_the_same_with_any_seed(
    outputs: list[tuple[int, int]], one: int, two: int
) -> None:
    expected = [0 if a == b else 1 if a > b else 2 for a, b in outputs]
    for seed in (one, two):
        verdicts = judged(*systems(outputs), larger, seed)
        assert [verdict["winner"] for verdict in verdicts] == expected
        assert [verdict["id"] for verdict in verdicts] == [f"i{n}" for n in range(len(outputs))]
        assert all(verdict["consistent"] for verdict in verdicts)
    summary = summarise(judged(*systems(outputs), larger, one), NAMES)
    for system in (1, 2):
        wins = 100 * expected.count(system) / len(outputs)
        assert summary["win"][NAMES[system - 1]] == summary["single_order_win"][NAMES[system - 1]] == wins
    assert summary["first_slot_share"] == (50.0 if any(expected) else None)
    assert summary["position_consistency"] == 100.0


@few_judged
@given(OUTPUTS, st.integers(0, 999), st.sampled_from([larger, whimsical]))
def test_swapping_the_systems_swaps_the_wins(outputs: list[tuple[int, int]], seed: int, compare: Compare) -> None:
    first, second = systems(outputs)
    one = summarise(judged(first, second, compare, seed), NAMES)
    two = summarise(judged(second, first, compare, seed), NAMES)
    assert one["win"] == {"one": two["win"]["two"], "two": two["win"]["one"]}
    assert (one["tie"], one["position_consistency"]) == (two["tie"], two["position_consistency"])
    assert one["first_slot_share"] == two["first_slot_share"]  # both orders are asked for either way
    assert one["net"] == pytest.approx(-two["net"])
    assert one["n"] == two["n"] == len(outputs)


@few_judged
@given(OUTPUTS, st.integers(0, 999))
def test_a_verdict_does_not_hang_on_the_seed(outputs: list[tuple[int, int]], seed: int) -> None:
    def winners(seed: int) -> list[int]:
        return [verdict["winner"] for verdict in judged(*systems(outputs), whimsical, seed)]

    expected = []
    for n, (a, b) in enumerate(outputs):  # a win in slot 1 and a win in slot 2
        calls = whimsical(f"s{n}", str(a), str(b)), whimsical(f"s{n}", str(b), str(a))
        expected.append({(1, 2): 1, (2, 1): 2}.get(calls, 0))
    assert winners(seed) == expected


@few_judged
@given(OUTPUTS, st.integers(0, 999), st.sampled_from([larger, whimsical]))
def test_percentages_add_up(outputs: list[tuple[int, int]], seed: int, compare: Compare) -> None:
    verdicts = judged(*systems(outputs), compare, seed)
    summary = summarise(verdicts, NAMES)
    assert sum(summary["win"].values()) + summary["tie"] == pytest.approx(100.0)
    assert sum(summary["single_order_win"].values()) <= 100.0 + 1e-9
    assert 0.0 <= summary["position_consistency"] <= 100.0
    for verdict in verdicts:
        assert verdict["consistent"] is (MIRROR[verdict["forward"]] == verdict["backward"])
        assert verdict["consistent"] or verdict["winner"] == 0
    again = summarise(list(reversed(verdicts)), NAMES)
    assert again == summary


@few_judged
@given(OUTPUTS, st.integers(0, 999), st.sampled_from([1, 2]))
def test_a_comparer_of_slots_gives_ties_and_its_bias_away(outputs: list[tuple[int, int]], seed: int, slot: int) -> None:
    summary = summarise(judged(*systems(outputs), lambda source, one, two: slot, seed), NAMES)
    assert summary["win"] == {"one": 0.0, "two": 0.0}
    assert summary["tie"] == 100.0
    assert summary["position_consistency"] == 0.0
    assert summary["first_slot_share"] == {1: 100.0, 2: 0.0}[slot]
    assert sum(summary["single_order_win"].values()) == pytest.approx(100.0)


@few_judged
@given(OUTPUTS, st.integers(0, 99), st.integers(0, 23))
def test_decisions_survive_a_stop_anywhere(outputs: list[tuple[int, int]], seed: int, stop: int) -> None:
    calls = 0

    def stopping(source: str, one: str, two: str) -> int:
        nonlocal calls
        calls += 1
        if calls == stop + 1:
            raise KeyboardInterrupt
        return whimsical(source, one, two)

    with TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder), 3600)
        try:
            found = judge_pairs(*systems(outputs), stopping, seed, workspace)
        except KeyboardInterrupt:
            found = judge_pairs(*systems(outputs), stopping, seed, workspace)
    assert found == judged(*systems(outputs), whimsical, seed)
    assert 2 * len(outputs) <= calls <= 2 * len(outputs) + 1  # the broken call again
