"""The miniature's languages and its parser."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.miniature import chinese, tibetan
from semalign.miniature.lexicon import SLOTS, STATE_SLOTS, TSHEG
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
from tests.unit.miniature.sentences import LESSON, MONK, PLAIN, in_chinese, in_tibetan


@st.composite
def scenes(make: st.DrawFn) -> Scene:
    optional = {"companion", "number", "quality"}
    values = {
        slot: make(st.sampled_from([w.name for w in words] + ([""] if slot in optional else [])))
        for slot, words in SLOTS.items()
    }
    return Scene(**values, negated=make(st.booleans()))


@st.composite
def styles(make: st.DrawFn, orders: Sequence[tibetan.Order], endings: Sequence[str]) -> tibetan.Style:
    """Every style that there is, not only those which a seed happens to draw."""
    return tibetan.Style(
        make(st.sampled_from(orders)), make(st.sampled_from(tibetan.LOCATIVES)),
        make(st.sampled_from(tibetan.COMPANIONS)), make(st.sampled_from(endings)),
        make(st.booleans()), make(st.booleans()), make(st.frozensets(st.sampled_from(list(SLOTS)))),
    )  # fmt: skip


SENTENCES = styles(tibetan.ORDERS, tibetan.ENDINGS)
HEADLINES = styles(tibetan.HEADLINE_ORDERS, tibetan.HEADLINE_ENDINGS)


def test_sentences_follow_the_grammar() -> None:
    assert in_chinese(LESSON) == "昨天老师在市场和朋友一起买了三本红色的书。"
    assert in_chinese(MONK) == "春天僧人在寺院没有看见马。"
    assert in_tibetan(LESSON) == "ཁ་སང་དགེ་རྒན་གྱིས་ཁྲོམ་ར་ལ་གྲོགས་པོ་དང་མཉམ་དུ་དེབ་དམར་པོ་གསུམ་ཉོས།"
    # the agentive joins a vowel, the nominaliser is བ after ང, and a tsheg stands between ང and the shad
    assert in_tibetan(MONK) == "དཔྱིད་ཀ་གྲྭ་པས་དགོན་པ་ལ་རྟ་མ་མཐོང་།"
    assert in_tibetan(MONK, tibetan.HOUSE_STYLE) == "དཔྱིད་དུས་གཙུག་ལག་ཁང་ནས་བཙུན་པས་ཆིབས་མཇལ་བ་མ་རེད།"
    assert in_tibetan(MONK.headline(), tibetan.HOUSE_HEADLINE) == "གཙུག་ལག་ཁང་ནས་བཙུན་པས་ཆིབས་མ་མཇལ་བ།"
    # an object that comes first is the topic
    topical = replace(PLAIN, order=tibetan.ORDERS[6], locative="ནང་དུ", companion="འགྲོགས་ནས")
    assert in_tibetan(LESSON, topical) == "དེབ་དམར་པོ་གསུམ་ནི་དགེ་རྒན་གྱིས་གྲོགས་པོ་དང་འགྲོགས་ནས་ཁ་སང་ཁྲོམ་ར་ནང་དུ་ཉོས།"


@pytest.mark.parametrize(
    ("ending", "honorific", "synonym", "affirmed", "negated"),
    [
        (tibetan.PLAIN, False, False, "ཉོས།", "མ་ཉོས།"),
        (tibetan.WITNESSED, False, False, "ཉོས་སོང་།", "ཉོས་མ་སོང་།"),
        (tibetan.STATED, False, False, "ཉོས་པ་རེད།", "ཉོས་པ་མ་རེད།"),
        (tibetan.PERFECT, False, False, "ཉོས་འདུག།", "ཉོས་མི་འདུག།"),
        (tibetan.EXISTING, False, False, "ཉོས་ཡོད།", "ཉོས་མེད།"),
        (tibetan.FINAL, False, False, "ཉོས་སོ།", "མ་ཉོས་སོ།"),
        (tibetan.NOMINAL, False, False, "ཉོས་པ།", "མ་ཉོས་པ།"),
        (tibetan.FINAL, True, False, "ཉོས་གནང་ངོ།", "ཉོས་མ་གནང་ངོ།"),
        (tibetan.STATED, True, True, "ཉོ་སྒྲུབ་གནང་བ་རེད།", "ཉོ་སྒྲུབ་གནང་བ་མ་རེད།"),
        (tibetan.PLAIN, False, True, "ཉོ་སྒྲུབ་བྱས།", "ཉོ་སྒྲུབ་མ་བྱས།"),
    ],
)
def test_endings_of_the_verb(ending: str, honorific: bool, synonym: bool, affirmed: str, negated: str) -> None:
    synonyms = frozenset({"action"} if synonym else ())
    style = replace(PLAIN, ending=ending, honorific=honorific, synonyms=synonyms)
    bought = Scene(subject="teacher", action="buy", object="hat")
    assert in_tibetan(bought, style) == "དགེ་རྒན་གྱིས་ཞྭ་མོ་" + affirmed
    assert in_tibetan(replace(bought, negated=True), style) == "དགེ་རྒན་གྱིས་ཞྭ་མོ་" + negated


def test_every_wording_of_every_word_is_read_back() -> None:
    for slot, words in SLOTS.items():
        for word, ending, honorific, synonym in product(words, tibetan.ENDINGS, (False, True), (False, True)):
            synonyms = frozenset({slot} if synonym else ())
            for attached, negated in product((False, True), repeat=2):
                style = replace(PLAIN, ending=ending, honorific=honorific, attached=attached, synonyms=synonyms)
                scene = replace(LESSON, negated=negated, **{slot: word.name})
                reading = parse_tibetan(in_tibetan(scene, style))
                assert (reading.scene(), reading.unread) == (scene, 0), (word.name, style)


def test_no_wording_means_two_things() -> None:
    forms = [form for words in (SLOTS | STATE_SLOTS).values() for word in words for form in word.tibetan]
    assert len(forms) == len(set(forms))
    assert sum(len(word.tibetan) > 1 for words in SLOTS.values() for word in words) > 0.9 * sum(
        map(len, SLOTS.values())
    )


@settings(deadline=None)
@given(scenes(), st.integers(0, 2**32))
def test_an_unlike_style_says_the_same_in_other_words(scene: Scene, seed: int) -> None:
    rng = Random(seed)
    style = tibetan.draw_style(rng)
    other = tibetan.draw_style(rng, unlike=style)
    assert all(getattr(style, field.name) != getattr(other, field.name) for field in fields(style))
    assert parse_tibetan(in_tibetan(scene, other)).scene() == scene


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


@given(scenes(), st.sampled_from(chinese.STYLES), SENTENCES)
def test_parser_reads_every_style_back(scene: Scene, zh: chinese.Style, bo: tibetan.Style) -> None:
    for reading in (parse_chinese(chinese.text(chinese.pieces(scene, zh))), parse_tibetan(in_tibetan(scene, bo))):
        assert reading.scene() == scene
        assert reading.unread == 0


@given(scenes(), HEADLINES)
def test_parser_reads_headlines_back(scene: Scene, style: tibetan.Style) -> None:
    assert parse_tibetan(in_tibetan(scene.headline(), style)).scene() == scene.headline()


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
    row = paragraph(Random(seed), replace(scene, negated=False), "p", 7)
    slots = {"who": "subject", "where": "place", "when": "time", "how_many": "number", "with_whom": "companion"}
    slots |= {"done_what": "action"}
    for qa in row["qas"]:
        (answer,) = qa["answers"]
        start = answer["answer_start"]
        assert answer["text"]
        assert row["context"][start : start + len(answer["text"])] == answer["text"]
        kind = qa["id"].removeprefix("p-")
        told = parse_chinese(answer["text"]).slots
        assert told.pop("polarity", ("yes",)) == ("yes",)  # of a verb
        if kind == "what":
            assert told["object"] == (scene.object,)
            assert told.get("quality", ("",)) == (scene.quality,)
        else:
            assert told == {slots[kind]: (getattr(scene, slots[kind]),)}
