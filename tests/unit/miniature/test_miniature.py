"""The miniature's languages, parser and judge."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semalign.miniature import chinese, tibetan
from semalign.miniature.judge import compare, slots_told
from semalign.miniature.lexicon import SLOTS, TSHEG
from semalign.miniature.parser import parse_chinese, parse_tibetan
from semalign.miniature.questions import paragraph
from semalign.miniature.scenes import (
    GENERAL,
    NARROW_DOMAIN,
    OUTSIDE,
    Scene,
    State,
    alter,
    draw,
    draw_training,
    half,
    is_reserved,
)
from semalign.runtime.errors import InputError

LESSON = Scene(
    time="yesterday", subject="teacher", place="market", companion="friend",
    action="buy", number="3", quality="red", object="book",
)  # fmt: skip
MONK = Scene(time="spring", subject="monk", place="monastery", action="see", object="horse", negated=True)


def content_score(source: str, candidate: str) -> float:
    """As score_text has it: the share of the slots that are told."""
    return fmean(slots_told(source, candidate).values())


@st.composite
def scenes(make: st.DrawFn) -> Scene:
    optional = {"companion", "number", "quality"}
    values = {
        slot: make(st.sampled_from([w.name for w in words] + ([""] if slot in optional else [])))
        for slot, words in SLOTS.items()
    }
    return Scene(**values, negated=make(st.booleans()))


def _chinese(scene: Scene, number: int = 0) -> str:
    return chinese.text(chinese.pieces(scene, chinese.STYLES[number]))


def _tibetan(scene: Scene, style: tibetan.Style = tibetan.STYLES[0]) -> str:
    return "".join(tibetan.pieces(scene, style))


def test_sentences_follow_the_grammar() -> None:
    assert _chinese(LESSON) == "昨天老师在市场和朋友一起买了三本红色的书。"
    assert _chinese(MONK) == "春天僧人在寺院没有看见马。"
    assert _tibetan(LESSON) == "ཁ་སང་དགེ་རྒན་གྱིས་ཁྲོམ་ར་ལ་གྲོགས་པོ་དང་མཉམ་དུ་དེབ་དམར་པོ་གསུམ་ཉོས།"
    # the agentive joins a vowel, the nominaliser is བ after ང, and a tsheg stands between ང and the shad
    assert _tibetan(MONK) == "དཔྱིད་ཀ་གྲྭ་པས་དགོན་པ་ལ་རྟ་མ་མཐོང་།"
    assert _tibetan(MONK, tibetan.HOUSE_STYLE) == "དཔྱིད་ཀ་དགོན་པ་ནས་གྲྭ་པས་རྟ་མཐོང་བ་མ་རེད།"
    assert _tibetan(MONK.headline(), tibetan.HOUSE_HEADLINE) == "དགོན་པ་ནས་གྲྭ་པས་རྟ་མ་མཐོང་བ།"


@pytest.mark.parametrize(
    ("word", "joined", "apart"),
    [
        ("དགེ་རྒན", "དགེ་རྒན་གྱིས", "དགེ་རྒན་གྱིས"),
        ("སློབ་ཕྲུག", "སློབ་ཕྲུག་གིས", "སློབ་ཕྲུག་གིས"),
        ("ཁྱིམ་མཚེས", "ཁྱིམ་མཚེས་ཀྱིས", "ཁྱིམ་མཚེས་ཀྱིས"),
        ("སྨན་པ", "སྨན་པས", "སྨན་པ་ཡིས"),
        ("བུ་མོ", "བུ་མོས", "བུ་མོ་ཡིས"),
    ],
)
def test_agentive(word: str, joined: str, apart: str) -> None:
    assert TSHEG.join(tibetan.agentive(word.split(TSHEG), attached=True)) == joined
    assert TSHEG.join(tibetan.agentive(word.split(TSHEG), attached=False)) == apart


@given(scenes(), st.sampled_from(chinese.STYLES), st.sampled_from(tibetan.STYLES))
def test_parser_reads_every_style_back(scene: Scene, zh: chinese.Style, bo: tibetan.Style) -> None:
    for reading in (parse_chinese(chinese.text(chinese.pieces(scene, zh))), parse_tibetan(_tibetan(scene, bo))):
        assert reading.scene() == scene
        assert reading.unread == 0


@given(scenes(), st.sampled_from([*tibetan.HEADLINE_STYLES, tibetan.HOUSE_HEADLINE]))
def test_parser_reads_headlines_back(scene: Scene, style: tibetan.Style) -> None:
    assert parse_tibetan(_tibetan(scene.headline(), style)).scene() == scene.headline()


@given(scenes(), st.integers(0, 2**32))
def test_parser_finds_the_event_in_an_article(scene: Scene, seed: int) -> None:
    article = tibetan.article(Random(seed), scene, [State("weather", "cold"), State("moon", "clear")])
    reading = parse_tibetan(article)
    assert reading.scene() == scene
    assert sorted(reading.slots["thing"]) == ["moon", "weather"]


@given(st.text(max_size=60))
def test_parser_survives_anything(text: str) -> None:
    for parse in (parse_chinese, parse_tibetan):
        assert parse(text).unread >= 0


def test_parser_reads_what_is_there() -> None:
    assert parse_tibetan("ཁ་སང་དགེ་རྒན་གྱིས་ཁྲོམ་").slots == {"time": ("yesterday",), "subject": ("teacher",)}
    assert parse_tibetan("ཁ་སང་དགེ་རྒན་གྱིས་ཁྲོམ་").unread == 1
    assert parse_tibetan("དེབ་དེབ་ཉོས།").slots["object"] == ("book", "book")
    assert parse_tibetan("དེབ་买ཉོས།").unread == 1
    assert parse_tibetan("དེབ་买ཉོས།").slots["action"] == ("buy",)
    assert parse_tibetan("དེབ༌དམར༌པོ").slots == {"object": ("book",), "quality": ("red",)}
    assert parse_chinese("昨天老师").slots == {"time": ("yesterday",), "subject": ("teacher",)}
    assert parse_chinese("书abc").unread == 3
    assert parse_tibetan("").slots == {}


def test_judge_of_translations() -> None:
    source, right = _chinese(LESSON), _tibetan(LESSON)
    paraphrase = _tibetan(LESSON, tibetan.HOUSE_STYLE)
    worse = {
        "wrong number": _tibetan(replace(LESSON, number="4")),
        "negated": _tibetan(replace(LESSON, negated=True)),
        "missing": _tibetan(replace(LESSON, companion="")),
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
    article = f"གནམ་གཤིས་ཡག་པོ་རེད། {_tibetan(LESSON)} ཆུ་གྲང་མོ་རེད།"
    right = _tibetan(LESSON.headline(), tibetan.HEADLINE_STYLES[0])
    with_time = _tibetan(replace(LESSON.headline(), time="yesterday"))
    assert compare(article, right, _tibetan(LESSON.headline(), tibetan.HOUSE_HEADLINE)) == 0
    assert compare(article, right, with_time) == 0  # a true detail more is no fault
    for worse in (_tibetan(replace(LESSON.headline(), time="today")), "གནམ་གཤིས་ཡག་པོ་རེད།", article, ""):
        assert compare(article, right, worse) == 1
    assert content_score(article, right) == 1.0
    assert content_score(article, _tibetan(replace(LESSON.headline(), place=""))) == pytest.approx(4 / 5)


def test_judge_refuses_a_source_that_is_not_of_the_world() -> None:
    with pytest.raises(InputError, match=r"judge\.kind"):
        compare("Hello.", "", "")


@given(st.integers(0, 2**32))
def test_domains(seed: int) -> None:
    rng = Random(seed)
    narrow, outside = draw(rng, NARROW_DOMAIN), draw(rng, OUTSIDE)
    assert all(narrow.values[slot] in GENERAL.ranges[slot] for slot in narrow.values if slot != "polarity")
    assert not {(s, v) for s, v in narrow.values.items() if s != "polarity"} & set(outside.values.items())
    scene = draw_training(rng, GENERAL)
    assert not is_reserved(scene)
    assert not is_reserved(scene.headline())
    changed = alter(rng, scene, ["subject", "polarity"])
    assert {s for s in scene.values if scene.values[s] != changed.values[s]} == {"subject", "polarity"}


def test_reserved_share_and_halves() -> None:
    rng = Random(0)
    drawn = [draw(rng, GENERAL) for _ in range(5000)]
    assert 0.08 < sum(map(is_reserved, drawn)) / 5000 < 0.12
    assert 0.47 < sum(map(half, drawn)) / 5000 < 0.53
    size = 1
    for names in NARROW_DOMAIN.ranges.values():
        size *= len(names)
    assert size > 1_000_000


def test_scene_keys_hash_the_same_everywhere() -> None:
    code = (
        "from semalign.miniature.scenes import *\n"
        "from random import Random\n"
        "r = Random('0/x'); s = [draw(r, GENERAL) for _ in range(50)]\n"
        "import json; print(json.dumps([[x.key, is_reserved(x), half(x)] for x in s]))"
    )
    scripts = Path(__file__).parents[3] / "workflow" / "scripts"
    results = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(scripts)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert results[0] == results[1]
    assert len(json.loads(results[0])) == 50


@given(scenes(), st.integers(0, 2**32))
def test_answers_stand_where_they_are_said_to(scene: Scene, seed: int) -> None:
    row = paragraph(Random(seed), replace(scene, negated=False), "p", 6)
    slots = {"who": "subject", "where": "place", "when": "time", "how_many": "number", "with_whom": "companion"}
    for qa in row["qas"]:
        (answer,) = qa["answers"]
        start = answer["answer_start"]
        assert answer["text"]
        assert row["context"][start : start + len(answer["text"])] == answer["text"]
        kind = qa["id"].removeprefix("p-")
        told = parse_chinese(answer["text"]).slots
        if kind == "what":
            assert told["object"] == (scene.object,)
            assert told.get("quality", ("",)) == (scene.quality,)
        else:
            assert told == {slots[kind]: (getattr(scene, slots[kind]),)}
