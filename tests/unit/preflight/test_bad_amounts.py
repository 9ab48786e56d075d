"""Too few pairs, prompts, updates, documents or scenes: known from the config, or as soon as the data are divided."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.config.training import Grpo, Sft
from semalign.preflight.amounts import least_examples, least_prompts, needs
from semalign.preflight.counts import check_encoder, check_exam, check_task
from semalign.runtime.errors import InputError
from tests.unit.shipped import said, validated

EPOCHS = st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 0.7, 1, 1.5, 2, 3])


def split(**parts: Any) -> dict[str, Any]:
    return {"tasks": {"mt": {"split": parts}}}


NOTHING = {"frontier": None, "few_shot": None}


def method(name: str, **entry: Any) -> dict[str, Any]:
    return {"few_shot": None, "frontier": {"sft_pairs": [], "rl_steps": [], "methods": {name: entry}}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([NOTHING, split(cold=16), {"cold_sft": {"epochs": 1}}], "cold_sft: with its warm-up 17 pairs are needed, since fewer make one update"),
        ([NOTHING, split(cold=32), {"cold_sft": {"epochs": 0.5}}], "cold_sft: with its warm-up 33 pairs are needed"),
        ([NOTHING, split(cold=3, rl=8), {"strong_sft": {"epochs": 0.9}, "cold_sft": {"warmup_ratio": 0}}], "strong_sft: with its warm-up 17 pairs are needed"),
        ([NOTHING, split(rl=7)], "rl.batch_size: 8 prompts are sampled at a time (batch_size 64, num_generations 8); lower it, mt has 7 for RL"),
        ([NOTHING, split(rl=15)], "rl: with its warm-up 16 prompts are needed"),
        ([NOTHING, split(rl=31), {"rl": {"micro_batch_size": 64, "steps_per_generation": 4, "warmup_ratio": 0}}], "rl.batch_size: 32 prompts are sampled at a time"),
        ([{"few_shot": {"pairs": 16, "sft": {"epochs": 1}}}], "few_shot.pairs: 16: one update would be made, or none"),
        ([{"frontier": {"sft_pairs": [16]}, "strong_sft": {"epochs": 1}}], "frontier.sft_pairs: 16: one update would be made"),
        ([method("dpo", strengths=[16, 800])], "frontier.methods.dpo.strengths: 16: one update would be made"),
        ([method("best_of_n", strengths=[3])], "frontier.methods.best_of_n.strengths: 3: one update"),
        ([method("kl_sft", strengths=[16]), {"strong_sft": {"epochs": 1}}], "frontier.methods.kl_sft.strengths: 16: one"),
        ([method("replay", strengths=[12], share=0.2), {"strong_sft": {"epochs": 1}}], "frontier.methods.replay.strengths: 12: one"),
        ([method("grpo_guard", strengths=[7])], "frontier.methods.grpo_guard.strengths: 7: one update would be made, or none"),
        ([method("dpo", strengths=[1601])], "frontier.methods.dpo.strengths: 1601 prompts are asked for, mt has 1600 for RL"),
        ([method("grpo_guard", strengths=[1601])], "frontier.methods.grpo_guard.strengths: 1601 prompts are asked for, RL of mt has 1600"),
        ([{"world": {"hg_test": 300000}}], "config: world.hg_test: 300000 is more than the 141344 different scenes that the world can make for it; 141344 is the most"),
        ([{"policy": {"pretraining": {"steps": 1}}}], "config key policy.pretraining: the only one of steps: 1 falls into the warm-up"),
    ],
)  # fmt: skip
def test_an_amount_that_teaches_nothing(changes: list[dict[str, Any]], message: str) -> None:
    assert message in said(*changes)


@pytest.mark.parametrize(
    "changes",
    [
        [NOTHING, split(cold=17), {"cold_sft": {"epochs": 1}}],
        [NOTHING, split(cold=1), {"cold_sft": {"epochs": 1, "warmup_ratio": 0.0}}],
        [NOTHING, split(cold=16), {"cold_sft": {"epochs": 2}}],
        [NOTHING, split(rl=16)],
        [NOTHING, split(rl=8), {"rl": {"warmup_ratio": 0}}],
        [method("replay", strengths=[14], share=0.2), {"strong_sft": {"epochs": 1}}],  # 18 examples
        [{"policy": {"pretraining": {"steps": 1, "warmup_ratio": 0}}}],
        [{"policy": {"pretraining": {"steps": 2}}}],
        [{"world": {"hg_test": 141344}}],
    ],
)
def test_an_amount_that_is_just_enough(changes: list[dict[str, Any]]) -> None:
    assert said(*changes) == ""


@given(EPOCHS, st.sampled_from([1, 2, 3, 8, 16]), st.sampled_from([0, 0.1, 0.5]))
def test_the_least_examples_are_the_fewest_with_an_update_after_the_first(
    epochs: float, batch: int, warmup: float
) -> None:
    sft = Sft(learning_rate=1.0, epochs=epochs, batch_size=batch, micro_batch_size=batch, warmup_ratio=warmup)
    enough = (n for n in range(1, 1000) if warmup == 0 or math.ceil(epochs * math.ceil(n / batch)) > 1)
    assert least_examples(sft) == next(enough)


@settings(deadline=None)
@given(
    EPOCHS,
    st.sampled_from([2, 4]),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([1, 2, 4]),
    st.sampled_from([1, 2, 3, 4, 8]),
    st.sampled_from([0, 0.1]),
    st.sampled_from([0, 1, 5]),
)
def test_the_least_prompts_are_the_fewest_with_so_many_updates(
    epochs: float, group: int, groups: int, micro: int, micro_steps: int, warmup: float, before: int
) -> None:
    """trl: whole generations of micro × micro_steps completions; an update each batch_size / micro micro-steps."""
    if group * groups % micro or micro * micro_steps % group:
        return
    rl = Grpo(
        learning_rate=1.0, epochs=epochs, batch_size=group * groups, micro_batch_size=micro, warmup_ratio=warmup,
        num_generations=group, steps_per_generation=micro_steps,
    )  # fmt: skip

    def updates(prompts: int) -> int:
        generations = prompts // (micro * micro_steps // group)
        return math.ceil(epochs * math.ceil(generations * micro_steps / (group * groups // micro)))

    wanted = max(before, 1 if warmup else 0)
    assert least_prompts(rl, 1, before) == next(n for n in range(1, 10000) if updates(n) > wanted)


def rows(number: int) -> list[dict[str, Any]]:
    return [{"source": "书" * (1 + n), "target": "ཆུ"} for n in range(number)]


def checked(cold: int, rl: int, limits: dict[str, dict[str, int]] | None = None, **changes: Any) -> dict[str, int]:
    """The tiny amounts of a config where RL takes all that is left. A prompt has as many tokens as its source."""
    tiny = validated(NOTHING, split(cold=32, rl=None), *([changes] if changes else []))
    return check_task(
        "mt",
        rows(cold),
        rows(rl),
        needs(tiny, "mt"),
        {"prompts": {"rl.max_prompt_tokens": 256}} | (limits or {}),
        lambda row: len(row["source"]),
        lambda row: len(row["source"] + row["target"]),
    )


def test_divided_data_that_are_enough() -> None:
    assert checked(32, 300) == {"cold": 32, "rl": 300, "prompts": 256}


@pytest.mark.parametrize(
    ("cold", "rl", "limits", "changes", "message"),
    [
        (32, 7, {}, {}, "rl.batch_size: 8 prompts are sampled at a time"),
        (32, 12, {}, {}, "rl: with its warm-up 16 prompts are needed"),
        (32, 40, {"prompts": {"rl.max_prompt_tokens": 5}}, {}, "mt has 5 for RL; 35 of its 40 prompts are longer than rl.max_prompt_tokens: 5"),
        (32, 40, {}, {"frontier": {"sft_pairs": [80], "rl_steps": []}}, "frontier.sft_pairs: 80 pairs are asked for, cold start and RL of mt have 72"),
        (32, 40, {}, {"frontier": {"sft_pairs": [], "rl_steps": [50]}}, "frontier.rl_steps: step 50 must come before the last"),
        (32, 40, {"cold": {"cold_sft.max_tokens": 20}}, {}, "config key cold_sft.max_tokens: 20 would cut 14 of 32 examples of mt (the longest has 34 tokens)"),
        (32, 40, {"pairs": {"strong_sft.max_tokens": 41}}, {}, "config key strong_sft.max_tokens: 41 would cut 1 of 72 examples"),
    ],
)  # fmt: skip
def test_divided_data_that_are_not(
    cold: int, rl: int, limits: dict[str, dict[str, int]], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        checked(cold, rl, limits, **changes)
    assert message in str(caught.value)


def test_an_encoder_learns_from_more_than_one_batch() -> None:
    check_encoder("encoders.reward", 65, 64, 65)
    with pytest.raises(
        InputError, match=r"config key encoders.reward.train: 64 rows are left .* batch_size 64 .* 65 are"
    ):
        check_encoder("encoders.reward", 64, 64, 65)
    with pytest.raises(InputError, match="2 are needed"):
        check_encoder("encoders.reward", 1, 64, 1)


EXAM = [{"group": group, "source": f"书{n}", "target": f"དེབ་{n}"} for n, group in enumerate("aabbb")]


def test_an_exam_of_two_documents_that_the_encoder_does_not_see() -> None:
    assert check_exam("encoders.reward", EXAM, [{"anchor": "水", "positive": "ཆུ"}], 300, 0)["documents"] == 2


@pytest.mark.parametrize(
    ("pairs", "learnt", "size", "message"),
    [
        (EXAM[2:], [], 300, "config key exam.pairs: 1 documents are left of 3 pairs (0 duplicate or empty, 0 in"),
        (EXAM[:2] * 2, [], 300, "exam.pairs: 1 documents are left of 4 pairs (2 duplicate or empty, 0 in documents"),
        (EXAM, [{"anchor": "书 1", "positive": "ཆུ"}], 300, "exam.pairs: 1 documents are left of 5 pairs (0 duplicate or empty, 2 in documents the encoder was trained on)"),
        (EXAM, [], 2, "config key exam.size: 2 pairs are all of one document of"),
    ],
)  # fmt: skip
def test_an_exam_of_fewer(pairs: list[Any], learnt: list[Any], size: int, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_exam("encoders.reward", pairs, learnt, size, 0)
    assert message in str(caught.value)
    assert str(caught.value).endswith("(for the exam of encoders.reward)")
