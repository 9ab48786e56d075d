"""Each sign of a collapse counted by hand, and what is planted is named."""

from math import log2
from typing import Any

import pytest

from semalign.config.audit import Thresholds
from semalign.metrics.collapse import collapse, divergence, group_diversity, verdict, worst

BARS = Thresholds().model_dump()
WORDS = [one + two for one in "bdfgkmpt" for two in "aeiou"]
REFERENCES = [f"{WORDS[n % 40]} {WORDS[(7 * n + 1) % 40]} {WORDS[n // 5]} in spring" for n in range(200)]
SOURCES = [f"source {number} of a text in another tongue" for number in range(200)]
IDS = [str(number) for number in range(200)]


def of(outputs: list[str], references: list[str], truncated: float | None = 0.0) -> dict[str, Any]:
    nothing = [""] * len(outputs)
    return collapse(outputs, references, nothing, [str(n) for n, _ in enumerate(outputs)], truncated)


def judged(outputs: list[str], truncated: float = 0.0, **more: float) -> Any:
    return verdict(collapse(outputs, REFERENCES, SOURCES, IDS, truncated) | more, BARS)


def test_over_use_by_hand() -> None:
    found = of(["a b", "a c", "a a", ""], ["a b", "b c", "d b", "c"])
    assert found["over_use"] == 0.5  # a: in 3 of 4, and in 1 of 4
    assert found["over_used"] == "a"
    assert found["over_used_in"] == {"outputs": 3, "references": 1}


def test_of_two_tokens_that_are_over_used_alike_the_first_in_order_is_named() -> None:
    assert of(["b a"], ["c"])["over_used"] == "a"


def test_unused_counts_what_five_references_hold() -> None:
    references = ["a b"] * 4 + ["a c"] * 5  # a in 9, c in 5; b in 4 alone
    found = of(["a"] * 9, references)
    assert found["unused"] == 0.5
    assert found["unused_of_all"] == pytest.approx(2 / 3)
    assert of(["a"], ["b"])["unused"] is None


def test_unused_words_are_named_the_most_frequent_first() -> None:
    references = ["a c"] * 5 + ["a b"] * 6 + ["a d"] * 4
    found = of(["a"] * 15, references)
    assert found["unused_words"] == [["b", 6], ["c", 5]]  # d: in fewer than five
    assert found["lost"] == 6 / 15
    assert of(references, references)["lost"] == 0


def test_completions_of_one_prompt_are_one_reference() -> None:
    """Eight completions of each of two prompts: a word of one reference is no common word."""
    found = collapse(["a"] * 16, ["a b"] * 8 + ["a"] * 8, [""] * 16, ["p"] * 8 + ["q"] * 8, 0.0)
    assert (found["unused"], found["lost"]) == (None, 0)


def test_divergence_by_hand() -> None:
    assert divergence([["a"]], [["b"]]) == 1
    assert divergence([["a", "b"]], [["b"], ["a"]]) == 0
    # p: a 1; q: a ½, b ½; m: a ¾, b ¼
    assert divergence([["a"]], [["a", "b"]]) == pytest.approx(
        log2(1 / 0.75) / 2 + (0.5 * log2(0.5 / 0.75) + 0.5 * log2(0.5 / 0.25)) / 2
    )
    assert divergence([["a", "b"]], [["a"]]) == divergence([["a"]], [["a", "b"]])
    assert divergence([[]], [["a"]]) is None


def test_excesses_over_the_references_by_hand() -> None:
    outputs, references = ["a b c d a b c d", "x", "x", " "], ["a b c d e", "y", "z", "y"]
    sources = ["", "xx", "yz", "y"]
    found = collapse(outputs, references, sources, ["1", "2", "3", "4"], 0.25)
    assert found["repeated"] == pytest.approx(1 / 5)  # of 5 4-grams one; of the reference's 2 none
    assert found["duplicates"] == 0  # x twice; y twice
    assert found["empty"] == 0.25
    assert found["copied"] == pytest.approx((0 + 1 + 0) / 3 - (0 + 0 + 1 + 1) / 4)
    assert found["length_ratio"] == pytest.approx(10 / 8)
    assert found["truncated"] == 0.25


def test_diversity_of_groups_by_hand() -> None:
    def group(step: int, name: str, texts: str) -> list[dict[str, Any]]:
        return [{"step": step, "id": name, "completion": text} for text in texts]

    rows = group(1, "p", "aaaa") + group(1, "q", "abcd") + group(2, "p", "aabb")
    assert group_diversity(rows) == pytest.approx((0 + 1 + 1 / 3) / 3)
    assert group_diversity(group(1, "p", "a")) is None


def test_answers_of_the_references_own_kind_are_ok() -> None:
    shuffled = [REFERENCES[(n * 3) % 200] for n in range(200)]  # unrelated text, each once
    assert judged(shuffled) == ("ok", [])
    assert judged(REFERENCES) == ("ok", [])


def test_one_word_repeated_to_the_limit_has_collapsed() -> None:
    level, reasons = judged(["yes " * 30] * 200, truncated=1.0)
    assert level == "collapsed"
    for said in (
        "“yes” is in 200 of 200 answers, in 0 of the references",
        "100% of the answers are cut at the length limit",
        "4-grams that repeat an earlier one",
        "the answers are 6 times as long as the references",
        "answers that other items have, too",
    ):
        assert said in "; ".join(reasons)


def test_a_negation_that_is_given_up_is_named() -> None:
    references = [f"not {text}" if n % 6 == 0 else text for n, text in enumerate(REFERENCES)]
    level, reasons = verdict(collapse(REFERENCES, references, SOURCES, IDS, 0.0), BARS)
    assert (level, reasons) == ("warning", ["“not” is in 34 of 200 references and in no answer"])


def test_a_copied_source_is_named() -> None:
    level, reasons = judged(SOURCES)
    assert level == "collapsed"
    assert "the share of an answer that is one piece of its source lies" in "; ".join(reasons)


def test_a_verb_that_is_always_the_same_is_named_though_all_else_is_right() -> None:
    """As a reward by similarity leaves it: one slot of an otherwise right sentence no longer says anything."""
    outputs = [" ".join(["lost", *text.split()[1:]]) for text in REFERENCES]
    level, reasons = judged(outputs)
    assert level == "collapsed"
    assert reasons[0] == "“lost” is in 200 of 200 answers, in 0 of the references"


def test_the_worst_reason_comes_first() -> None:
    level, reasons = judged(REFERENCES, off_script=0.2, entropy=0.01)
    assert level == "collapsed"
    assert reasons == [
        "the policy's entropy fell to 1% of what it was in RL's first tenth",
        "the share of answers off script lies 20 points above the references'",
    ]


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("entropy", 0.26, "ok"),
        ("entropy", 0.25, "warning"),
        ("group_diversity", 0.05, "collapsed"),
        ("off_script", 0.09, "ok"),
        ("off_script", 0.5, "collapsed"),
    ],
)
def test_a_bar_belongs_to_the_level_that_it_opens(name: str, value: float, level: str) -> None:
    assert judged(REFERENCES, **{name: value})[0] == level


@pytest.mark.parametrize(("ratio", "level"), [(1.4, "ok"), (1.5, "warning"), (0.5, "warning"), (0.3, "collapsed")])
def test_length_counts_either_way(ratio: float, level: str) -> None:
    figures = collapse(REFERENCES, REFERENCES, SOURCES, IDS, 0.0) | {"length_ratio": ratio}
    assert verdict(figures, BARS)[0] == level


def test_empty_answers_have_collapsed() -> None:
    level, reasons = judged([""] * 200)
    assert level == "collapsed"
    assert "the share of empty answers lies 100 points above the references'" in reasons


def test_the_worst_of_levels() -> None:
    assert worst(["warning", "collapsed", "ok"]) == "collapsed"
    assert worst([]) == "ok"


def test_a_warning_may_not_be_worse_than_a_collapse() -> None:
    for raw in ({"over_use": {"warning": 0.6, "collapsed": 0.5}}, {"entropy": {"warning": 0.1, "collapsed": 0.2}}):
        with pytest.raises(ValueError, match="must not be"):
            Thresholds.model_validate(raw)
