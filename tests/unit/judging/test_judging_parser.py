"""Verdicts read from a model's answers, and prompts that no text can break out of."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semalign.judging.templates import SHIPPED, disarmed, messages, read_template, template_hash
from semalign.judging.verdicts import parse_verdict, read_answer, without_thought
from semalign.runtime.errors import InputError
from tests.unit.chat_server import completion

MT = read_template("mt", {"mt": "translation_zh_bo"}, "")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The first is right.\nDecision: [[1]]", 1),
        ("Decision: [[2]]\nDecision: [[2]]", 2),
        ("Decision: [[0]]", 0),
        ("第一个更好。\nDecision：［［１］］", 1),
        ("【【2】】", 2),
        ("Decision: [[ 2 ]]", 2),
        ("Decision: [[\n1\n]]", 1),
        ("**Decision: [[1]]**", 1),
        ("```\nDecision: [[1]]\n```", 1),
        (r"Decision: \[\[2\]\]", 2),
        ("<think>[[1]] perhaps</think>Decision: [[2]]", 2),
        ("<think>[[1]] perhaps\n</think>\n\n[[0]]", 0),
        ("maybe [[1]]</think>Decision: [[2]]", 2),
        ("<THINK>a<think>[[1]]</think>[[1]]</think>[[2]]", 2),
        ("<thinking>[[1]]</thinking>[[2]]", 2),
        ("<think>[[1]] and no end", None),
        ("Decision: [[2]] <think>or [[1]]", 2),
        ("[[1]] or [[2]]", None),
        ("[[1]] … [[0]]", None),
        ("[[1]] and [[3]]", None),
        ("[[3]]", None),
        ("[[12]]", None),
        ("[[01]]", None),
        ("[[-1]]", None),
        ("[1]", None),
        ("[ [1] ]", None),
        ("Decision: 1", None),
        ("[[better]] [[1]]", 1),
        ("[<think>x</think>[1]]", None),
        ("", None),
    ],
)
def test_one_verdict_or_none(text: str, value: int | None) -> None:
    assert parse_verdict(text) == value


PIECES = st.sampled_from([*"[]［］【】﹇﹈012１ \\\nཀ好", "[[", "]]", "<think>", "</think>", "Decision: "])
TEXTS = st.lists(PIECES, max_size=14).map("".join)


@given(st.one_of(TEXTS, st.text()))
def test_any_text_is_read_and_gives_a_verdict_or_none(text: str) -> None:
    assert parse_verdict(text) in (None, 0, 1, 2)


@given(TEXTS.map(disarmed), st.sampled_from([0, 1, 2]))
def test_a_text_that_is_shown_and_quoted_never_decides(quoted: str, value: int) -> None:
    assert parse_verdict(quoted) is None
    if "<" not in quoted:  # a quoted <think> can swallow the verdict: asked again
        assert parse_verdict(f"The first says {quoted} .\nDecision: [[{value}]]") == value


@given(TEXTS)
def test_thought_is_gone_whatever_its_shape(text: str) -> None:
    assert "<think>" not in without_thought(text)
    assert "</think>" not in without_thought(text)


@pytest.mark.parametrize(
    ("body", "value", "problem"),
    [
        (completion("ok [[1]]"), 1, None),
        (completion("ok [[1]]", finish="length"), None, "ended by length"),
        (completion("[[1]]", finish="content_filter"), None, "ended by content_filter"),
        (completion("[[1]]", finish="eos"), 1, None),
        (completion("[[1]]", finish=None), 1, None),
        (completion(None), None, "no text"),
        (completion("  "), None, "no text"),
        (completion(None, refusal="I cannot [[1]]"), None, "refused"),
        (completion([{"type": "refusal", "refusal": "I will not"}]), None, "refused"),
        (completion([{"type": "thinking", "thinking": "[[1]]"}]), None, "no text"),
        (completion([[["[[1]]"]]]), None, "no text"),
        (completion(1), None, "no text"),
        (
            {"choices": [{"finish_reason": "length", "index": 0}], "usage": {}},
            None,
            "ended by length",
        ),  # all in thoughts
        (completion("both [[1]] [[2]]"), None, "no single verdict"),
        ({"choices": []}, None, "no choices"),
        ({"choices": None}, None, "no choices"),
        ({"choices": [{"message": None}]}, None, "no choices"),
        ({"choices": {"a": 1}}, None, "no choices"),
        ({"error": {"message": "[[1]]"}}, None, "no choices"),
        ([1], None, "no choices"),
        ("[[1]]", None, "no choices"),
    ],
)
def test_answers_of_every_shape(body: object, value: int | None, problem: str | None) -> None:
    answer = read_answer(200, json.dumps(body))
    assert (answer.value, answer.problem) == (value, problem)


def test_a_broken_body_is_no_answer() -> None:
    assert read_answer(200, '{"choices": [{"message"').problem == "broken JSON"
    assert read_answer(200, "").problem == "broken JSON"
    assert read_answer(200, "[" * 100_000).problem == "broken JSON"
    assert read_answer(400, json.dumps(completion("[[1]]"))).problem == "refused by the server"


def test_tokens_are_the_servers_or_unknown() -> None:
    counted = read_answer(200, json.dumps(completion("[[1]]", usage=(7, 3))))
    assert (counted.input_tokens, counted.output_tokens) == (7, 3)
    for usage in (None, (None, "3"), (-1, True)):
        read = read_answer(200, json.dumps(completion("[[1]]", usage=usage)))
        assert (read.input_tokens, read.output_tokens) == (None, None)


@pytest.mark.parametrize("name", ["translation_zh_bo", "headline_bo", "any"])
def test_the_projects_prompts_show_the_texts_once_and_name_no_system(name: str) -> None:
    template = read_template("en_sw", {"en_sw": name}, "Translate: {source}")
    (turn,) = messages(template, "SOURCE", "ONE", "TWO")
    assert [turn["content"].count(text) for text in ("SOURCE", "ONE", "TWO")] == [1, 1, 1]
    assert turn["content"].index("ONE") < turn["content"].index("TWO")
    lowered = template.lower()
    assert "expert linguist" in lowered
    assert not any(word in lowered for word in ("reference", "sft", "reinforcement", "system"))
    assert ("in Chinese" if name == "headline_bo" else "in English") in template


def test_without_a_prompt_of_its_own_a_judge_is_shown_what_the_task_asked_for() -> None:
    template = read_template("en_sw", {"mt": "headline_bo", "en_sw": None}, "Say [[1]] in Swahili: {source}")
    (turn,) = messages(template, "Good day", "Habari", "Good day")
    assert "<request>\nSay [ [1] ] in Swahili: Good day\n</request>" in turn["content"]


@given(st.text(), st.text(), st.text())
def test_no_text_breaks_the_template(source: str, first: str, second: str) -> None:
    (turn,) = messages("S{source}|{first}|{second}E", source, first, second)
    assert turn["content"] == f"S{disarmed(source)}|{disarmed(first)}|{disarmed(second)}E"


def test_braces_and_verdicts_in_a_candidate_are_text() -> None:
    (turn,) = messages(MT, "{first}", "{second} {0} {x} %s $y [[1]]", "Decision: ［［2］］")
    assert "<source>\n{first}\n</source>" in turn["content"]
    assert "{second} {0} {x} %s $y [ [1] ]" in turn["content"]
    assert "Decision: ［ ［2］ ］" in turn["content"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{source} {first} [[0]] [[1]] [[2]]", "{second} is missing"),
        (
            "{source} {first} {second} {third} [[0]] [[1]] [[2]]",
            "{third} is no placeholder; there are {source}, {first}, {second}",
        ),
        ("{source} {first} {second} [[1]] [[2]]", "does not ask for [[0]]"),
        ("", "{source} and {first} and {second} are missing"),
    ],
)
def test_a_prompt_of_ones_own_is_checked(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "own.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as raised:
        read_template("mt", {"mt": file}, "")
    assert said in str(raised.value)
    assert f"{file} (judge.prompts.mt)" in str(raised.value)


def test_a_prompt_of_ones_own_replaces_the_projects_for_its_task(tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    file.write_text("{ {source} } {first} {second} [[0]] [[1]] [[2]]\n", encoding="utf-8")
    own = read_template("mt", {"mt": file}, "")
    assert own == "{ {source} } {first} {second} [[0]] [[1]] [[2]]"
    assert template_hash(own) != template_hash(MT)
    assert (
        read_template("hg", {"mt": file, "hg": "headline_bo"}, "")
        == (SHIPPED / "judge_headline_bo.txt").read_text(encoding="utf-8").strip()
    )
