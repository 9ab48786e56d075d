"""The miniature's judge: right slots, contradictions, repetitions, additions."""

from dataclasses import replace
from statistics import fmean

import pytest

from semalign.miniature import tibetan
from semalign.miniature.judge import compare, slots_told
from semalign.runtime.errors import InputError
from tests.unit.miniature.sentences import LESSON, PLAIN_HEADLINE, in_chinese, in_tibetan


def content_score(source: str, candidate: str) -> float:
    """As score_text has it: the share of the slots that are told."""
    return fmean(slots_told(source, candidate).values())


def test_judge_of_translations() -> None:
    source, right = in_chinese(LESSON), in_tibetan(LESSON)
    paraphrase = in_tibetan(LESSON, tibetan.HOUSE_STYLE)
    worse = {
        "wrong number": in_tibetan(replace(LESSON, number="4")),
        "negated": in_tibetan(replace(LESSON, negated=True)),
        "missing": in_tibetan(replace(LESSON, companion="")),
        "repeated": right + right,
        "contradictory": right.replace("གསུམ་", "གསུམ་བཞི་"),
        "filler added": right + " གནམ་གཤིས་ཡག་པོ་རེད།",
        "copied": source,
        "empty": "",
    }
    assert compare(source, right, paraphrase) == 0
    for name, candidate in worse.items():
        assert compare(source, right, candidate) == 1, name
        assert compare(source, candidate, right) == 2, name
    assert compare(source, worse["missing"], worse["wrong number"]) == 1  # silence is better than falsehood
    assert content_score(source, right) == 1.0
    assert content_score(source, worse["wrong number"]) == pytest.approx(8 / 9)  # eight slots and the polarity
    assert content_score(source, "") == 0.0
    told = slots_told(source, worse["wrong number"])
    assert [slot for slot, right in told.items() if not right] == ["number"]
    assert len(told) == 9


def test_judge_of_headlines() -> None:
    article = f"གནམ་གཤིས་ཡག་པོ་རེད། {in_tibetan(LESSON)} ཆུ་གྲང་མོ་རེད།"
    right = in_tibetan(LESSON.headline(), PLAIN_HEADLINE)
    with_time = in_tibetan(replace(LESSON.headline(), time="yesterday"))
    assert compare(article, right, in_tibetan(LESSON.headline(), tibetan.HOUSE_HEADLINE)) == 0
    assert compare(article, right, with_time) == 0  # a true detail more is no fault
    for worse in (in_tibetan(replace(LESSON.headline(), time="today")), "གནམ་གཤིས་ཡག་པོ་རེད།", article, ""):
        assert compare(article, right, worse) == 1
    assert content_score(article, right) == 1.0
    assert content_score(article, in_tibetan(replace(LESSON.headline(), place=""))) == pytest.approx(4 / 5)


def test_judge_refuses_a_source_that_is_not_of_the_world() -> None:
    with pytest.raises(InputError, match=r"judge\.kind"):
        compare("Hello.", "", "")
