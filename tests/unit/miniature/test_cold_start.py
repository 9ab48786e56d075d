"""The cold start's targets: in the house style, with details left out, the same at every call."""

from random import Random

from semalign.miniature import tibetan
from semalign.miniature.cold_start import cold_start_targets
from semalign.miniature.parser import parse_tibetan
from semalign.miniature.scenes import GENERAL, draw

SCENES = [draw(Random(i), GENERAL) for i in range(600)]
SENTENCES = [{"id": str(i), "target": tibetan.sentence(Random(i), scene)} for i, scene in enumerate(SCENES)]
HEADLINES = [{"id": str(i), "target": tibetan.headline(Random(i), scene)} for i, scene in enumerate(SCENES)]


def test_details_are_left_out_as_often_as_asked_and_nothing_else_is() -> None:
    rows, counts = cold_start_targets(SENTENCES, left_out=0.4, mixed_share=0.0)
    told = [parse_tibetan(row["target"]).scene() for row in rows]
    for slot in ("time", "place", "number", "quality"):
        here = [(getattr(new, slot), getattr(old, slot)) for new, old in zip(told, SCENES, strict=True)]
        assert all(new in ("", old) for new, old in here)
        assert 0.53 < sum(bool(new) for new, _ in here) / sum(bool(old) for _, old in here) < 0.67
    for slot in ("subject", "companion", "action", "object", "negated"):
        assert [getattr(scene, slot) for scene in told] == [getattr(scene, slot) for scene in SCENES]
    assert [row["target"] for row in rows] == [tibetan.text(scene, tibetan.HOUSE_STYLE) for scene in told]
    changed = sum(row["target"] != before["target"] for row, before in zip(rows, SENTENCES, strict=True))
    assert counts == {"rows": 600, "rewritten": changed, "not_of_the_world": 0}


def test_a_headline_leaves_out_its_place_and_stays_a_headline() -> None:
    rows, _ = cold_start_targets(HEADLINES, left_out=1.0, mixed_share=0.0)
    for row, scene in zip(rows, SCENES, strict=True):
        read = parse_tibetan(row["target"])
        assert read.scene().values == {s: v for s, v in scene.headline().values.items() if s != "place"}
        assert row["target"].rstrip("།་").split("་")[-1] in ("པ", "བ")  # the nominalised verb


def test_with_nothing_to_leave_out_wordings_stay() -> None:
    rows, counts = cold_start_targets(SENTENCES, left_out=0.0, mixed_share=0.0)
    assert rows == SENTENCES
    assert counts == {"rows": 600, "rewritten": 0, "not_of_the_world": 0}


def test_targets_are_drawn_by_id_and_mixed_after_all_else() -> None:
    rows, counts = cold_start_targets(SENTENCES, left_out=0.4, mixed_share=0.25)
    assert cold_start_targets(SENTENCES[300:], left_out=0.4, mixed_share=0.25)[0] == rows[300:]
    mixed = sum(any("一" <= letter <= "鿿" for letter in row["target"]) for row in rows)
    assert counts["mixed"] == mixed
    assert 0.18 < mixed / 600 < 0.32


def test_what_the_parser_cannot_read_stays_and_is_counted() -> None:
    foreign = {"id": "a", "target": "བཀྲ་ཤིས་བདེ་ལེགས།"}
    two = {"id": "b", "target": SENTENCES[0]["target"] + SENTENCES[1]["target"]}
    rows, counts = cold_start_targets([foreign, two], left_out=1.0, mixed_share=0.0)
    assert rows == [foreign, two]
    assert counts == {"rows": 2, "rewritten": 0, "not_of_the_world": 2}
