import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.tokenize import word_tokenize

from semalign.metrics.cmrc import exact_match, f1, score, strip_think
from semalign.runtime.errors import InputError
from tests.unit.inputs import DATA, needs_data

DEV = DATA / "cmrc2018/squad_dev.json"
DROPPED = list("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
KEPT = list(".,!?\"'()‘【】—…;[]{}<>@#$%&|")
TEXT = st.text(alphabet=st.sampled_from(sorted([*"北京大学年龥龦㐀aB.'\"12 \t\n", *DROPPED, *KEPT])), max_size=14)


def plain_tokens(text: object) -> list[str]:
    """The published procedure, one character at a time."""
    tokens, run = [], ""
    for character in str(text).lower().strip():
        if character in DROPPED:
            continue
        if 0x4E00 <= ord(character) <= 0x9FA5:
            if run:
                tokens += word_tokenize(run, preserve_line=True)
            tokens.append(character)
            run = ""
        else:
            run += character
    return tokens + (word_tokenize(run, preserve_line=True) if run else [])


def plain_f1(prediction: object, answers: list[str]) -> float:
    best = 0.0
    left = plain_tokens(prediction)
    for answer in answers:
        right = plain_tokens(answer)
        spans = {tuple(left[i:j]) for i in range(len(left)) for j in range(i + 1, len(left) + 1)}
        spans &= {tuple(right[i:j]) for i in range(len(right)) for j in range(i + 1, len(right) + 1)}
        common = max(map(len, spans), default=0)
        best = max(best, 200 * common / (len(left) + len(right)) if common else 0.0)
    return best


def plain_em(prediction: object, answers: list[str]) -> float:
    def bare(text: object) -> str:
        return re.sub("|".join(map(re.escape, DROPPED)), "", str(text).lower().strip())

    return 100.0 if bare(prediction) in [bare(answer) for answer in answers] else 0.0


@pytest.mark.parametrize(
    ("prediction", "answers", "em", "f1_percent"),
    [
        ("北京", ["北京"], 100, 100),
        ("北大学", ["北京大学"], 0, 100 * 4 / 7),  # 大学, a substring; the subsequence 北大学 would give 6/7
        ("1996年", ["1996年5月"], 0, 100 * 2 / 3),  # 1996 年 of 1996 年 5 月
        ("《红楼梦》。", ["红楼梦"], 100, 100),
        ("红楼梦.", ["红楼梦"], 0, 100 * 6 / 7),  # the ASCII full stop stays and is a token
        ("真的…", ["真的"], 0, 80),  # so does the ellipsis
        ("真的……", ["真的"], 0, 80),  # two of them are one run, one token
        ("【北京】", ["北京"], 0, 100 * 4 / 6),
        ("NATO", ["nato"], 100, 100),
        ("a-b", ["ab"], 100, 100),  # a dropped character does not part a run
        ("- 北京", ["北京"], 0, 100),  # white space is stripped before the dash is dropped, so it stays
        (" 北京\n", ["北京"], 100, 100),
        ("北 京", ["北京"], 0, 100),
        ("New York", ["in New York City"], 0, 100 * 2 / 3),
        ("can't", ["can't"], 100, 100),
        ("龦龦", ["龦"], 0, 0),  # beyond U+9FA5: a run, not characters
        ("龥龥", ["龥"], 0, 100 * 2 / 3),
        ("上海", ["北京", "上海市"], 0, 80),  # the best answer counts
        ("上海", ["北京", "上海"], 100, 100),
        ("", [""], 100, 0),
        ("，。", ["！"], 100, 0),
        ("", ["北京"], 0, 0),
        ("北京", [""], 0, 0),
        (39764.0, ["39764.0"], 100, 100),
    ],
)
def test_by_hand(prediction: object, answers: list[str], em: float, f1_percent: float) -> None:
    assert exact_match(prediction, answers) == em
    assert f1(prediction, answers) == pytest.approx(f1_percent, abs=1e-9)


def test_exactly_the_listed_punctuation_is_dropped() -> None:
    for character in DROPPED:
        assert exact_match(f"北{character}京", ["北京"]) == 100, character
    for character in KEPT:
        assert exact_match(f"北{character}京", ["北京"]) == 0, character


def test_means_over_all_questions_and_skipped_ones() -> None:
    answers = {"a": ["北京"], "b": ["1996年5月"], "c": ["上海"], "d": ["上海"]}
    result = score(answers, {"a": "北京", "b": " 1996年 ", "c": "", "elsewhere": "上海"})
    assert result.em == pytest.approx(25)
    assert result.f1 == pytest.approx((100 + 200 / 3) / 4)
    assert result.avg == pytest.approx((result.em + result.f1) / 2)
    assert (result.n, result.skipped) == (4, 1)
    assert result.answer_length == pytest.approx((2 + 5 + 0) / 3)
    assert [item.id for item in result.items] == ["a", "b", "c", "d"]
    assert [item.answered for item in result.items] == [True, True, True, False]
    assert [item.em for item in result.items] == [100, 0, 0, 0]
    assert "nltk" in result.signature


def test_nothing_answered_has_no_answer_length() -> None:
    result = score({"a": ["北京"]}, {})
    assert (result.em, result.f1, result.avg, result.skipped) == (0, 0, 0, 1)
    assert result.answer_length is None


def test_no_questions_and_no_answers_are_errors() -> None:
    with pytest.raises(InputError, match="no questions"):
        score({}, {})
    with pytest.raises(InputError, match="'q7' has no answer"):
        score({"q7": []}, {"q7": "北京"})


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("北京", "北京"),
        ("<think>想\n想</think>\n\n北京", "\n\n北京"),
        ("<think></think>北<think>a</think>京", "北京"),
        ("<think>想想北京", ""),
        ("想想</think>北京", "北京"),
        ("北京<think>想", "北京"),
        ("<think>想\n", ""),
    ],
)
def test_strip_think(text: str, rest: str) -> None:
    assert strip_think(text) == rest


@given(TEXT, st.lists(TEXT, min_size=1, max_size=3))
def test_agrees_with_a_plain_implementation(prediction: str, answers: list[str]) -> None:
    assert f1(prediction, answers) == pytest.approx(plain_f1(prediction, answers), abs=1e-9)
    assert exact_match(prediction, answers) == plain_em(prediction, answers)


@needs_data
def test_real_questions_agree_with_a_plain_implementation() -> None:
    paragraphs = [p for article in json.loads(DEV.read_text(encoding="utf-8"))["data"] for p in article["paragraphs"]]
    questions = [(p["context"], question) for p in paragraphs for question in p["qas"]]
    random_ = random.Random(0)
    answers, predictions = {}, {}
    for context, question in questions:
        texts = [answer["text"] for answer in question["answers"]]
        answers[question["id"]] = texts
        truth, start = str(texts[0]), random_.randrange(len(context))
        predictions[question["id"]] = random_.choice(
            [truth, f"答案是{truth}。", truth[1:], f"“{truth}", context[start : start + 25], truth + " (ok)"]
        )
    result = score(answers, predictions)
    assert result.n == len(questions) > 1000
    for item in result.items:
        assert item.f1 == pytest.approx(plain_f1(predictions[item.id], answers[item.id]), abs=1e-6)
        assert item.em == plain_em(predictions[item.id], answers[item.id])
    gold = score(answers, {id_: texts[0] for id_, texts in answers.items()})
    assert gold.em == 100
    assert gold.f1 == 100
