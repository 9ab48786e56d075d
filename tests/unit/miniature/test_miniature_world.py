"""The miniature's files: formats, determinism, and no test scene in any training file."""

import json
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from semalign.config.data import World
from semalign.config.models import Tokenizer
from semalign.miniature.parser import parse_chinese, parse_tibetan
from semalign.miniature.scenes import NARROW_DOMAIN, Scene, half, is_reserved
from semalign.miniature.world import generate_world
from semalign.runtime.files import read_jsonl, sha256
from semalign.text.tokenizer import build_tokenizer, count_unknown

SETTINGS = World(
    seed=0, questions=1500, translations=300, texts=500, mt_train=200, mt_test=60, hg_train=200, hg_test=60,
    cmrc_test=60, encoder_triplets=200, exam_scenes=30, house_style=0.7,
)  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    generate_world(SETTINGS, folder)
    return folder


def _rows(world: Path, name: str) -> list[dict[str, str]]:
    return list(read_jsonl(world / f"{name}.jsonl"))


def _passages(world: Path, name: str) -> list[dict[str, Any]]:
    articles = json.loads((world / f"{name}.json").read_text(encoding="utf-8"))["data"]
    return [paragraph for article in articles for paragraph in article["paragraphs"]]


def _scenes(world: Path, name: str) -> list[Scene]:
    """Every scene that a file's texts tell."""
    if name in ("questions", "cmrc"):
        return [parse_chinese(p["context"]).scene() for p in _passages(world, name)]
    texts = [text for row in _rows(world, name) for key, text in row.items() if key not in ("id", "group", "kind")]
    if name == "text":
        texts = [part for text in texts for part in text.removeprefix("标题：").rsplit(" ", maxsplit=1)]
    read = [parse_tibetan(t) if t[0] >= "ༀ" and t[0] <= "࿿" else parse_chinese(t) for t in texts]
    return [reading.scene() for reading in read]


TRAINING = ["questions", "translations", "text", "mt_train", "hg_train", "encoder_reward", "encoder_independent"]
TRAINING += ["encoder_pairs", "encoder_paraphrases"]
TESTS = ["cmrc", "mt_test", "hg_test", "exam_pairs"]


def test_report_counts_every_file(world: Path) -> None:
    report = generate_world(SETTINGS, world)
    assert set(report) == {path.name for path in world.iterdir()}
    assert report["questions.json"] == sum(len(p["qas"]) for p in _passages(world, "questions")) == 1500
    assert report["text.jsonl"] == 1000
    assert report["probes.jsonl"] == 240  # four kinds of thirty, each with a paraphrase
    for name in ("mt_train", "hg_test", "encoder_reward", "exam_pairs", "probes"):
        assert report[f"{name}.jsonl"] == len(_rows(world, name))


def test_same_seed_same_bytes(world: Path, tmp_path: Path) -> None:
    generate_world(SETTINGS, tmp_path / "again")
    assert sha256(tmp_path / "again") == sha256(world)
    generate_world(SETTINGS.model_copy(update={"seed": 1}), tmp_path / "other")
    assert sha256(tmp_path / "other" / "mt_test.jsonl") != sha256(world / "mt_test.jsonl")


@pytest.mark.parametrize("name", TRAINING)
def test_training_files_hold_no_reserved_scene(world: Path, name: str) -> None:
    scenes = _scenes(world, name)
    assert all(scene.action for scene in scenes)
    assert not any(map(is_reserved, scenes))


@pytest.mark.parametrize("name", TESTS)
def test_test_files_hold_only_reserved_scenes(world: Path, name: str) -> None:
    if name == "hg_test":
        articles = [parse_tibetan(row["source"]).scene() for row in _rows(world, name)]
        assert all(is_reserved(scene) and is_reserved(scene.headline()) for scene in articles)
    else:
        assert all(map(is_reserved, _scenes(world, name)))


def test_probes_are_reserved_and_what_they_say(world: Path) -> None:
    changed = {"paraphrase": set(), "clause_replaced": {"number", "quality", "object"}, "number_swapped": {"number"},
               "name_swapped": {"subject"}, "negated": {"polarity"}}  # fmt: skip
    for row in _rows(world, "probes"):
        reference, candidate = parse_tibetan(row["reference"]).scene(), parse_tibetan(row["candidate"]).scene()
        assert is_reserved(reference)
        assert is_reserved(candidate)
        assert row["reference"] != row["candidate"]
        differing = {s for s in reference.values if reference.values[s] != candidate.values.get(s)}
        assert differing == changed[row["kind"]]


def test_what_is_worded_alike_differs_in_meaning_and_what_means_the_same_is_worded_otherwise(world: Path) -> None:
    """By syllables shared (chrF-like overlap is what an encoder that knows no meaning goes by)."""
    shared: dict[str, list[float]] = {"paraphrase": [], "other": []}
    for row in _rows(world, "probes"):
        kind = "paraphrase" if row["kind"] == "paraphrase" else "other"
        shared[kind].append(_overlap(row["reference"], row["candidate"]))
    assert fmean(shared["paraphrase"]) < 0.35 < 0.7 < fmean(shared["other"])
    rows = [row for row in _rows(world, "encoder_reward") if all("ༀ" <= text[0] <= "࿿" for text in row.values())]
    assert len(rows) > SETTINGS.encoder_triplets / 4
    assert fmean(_overlap(row["anchor"], row["positive"]) for row in rows) < 0.35
    assert fmean(_overlap(row["anchor"], row["negative"]) for row in rows) > 0.65


def _overlap(a: str, b: str) -> float:
    """Share of syllables in common, of all syllables of both (Dice)."""
    one, two = (Counter(text.strip("།").split("་")) for text in (a, b))
    return 2 * (one & two).total() / (one.total() + two.total())


def test_both_sides_of_a_pair_tell_its_scene(world: Path) -> None:
    for name in ("translations", "mt_train", "mt_test"):
        for row in _rows(world, name):
            scene = parse_chinese(row["source"]).scene()
            assert scene.key == row["group"]
            assert parse_tibetan(row["target"]).scene() == scene
    for name in ("hg_train", "hg_test"):
        for row in _rows(world, name):
            scene = parse_tibetan(row["source"]).scene()
            assert scene.key == row["group"]
            assert parse_tibetan(row["target"]).scene() == scene.headline()


def test_narrow_files_stay_in_their_domain_and_questions_outside_it(world: Path) -> None:
    narrow = {(slot, name) for slot, names in NARROW_DOMAIN.ranges.items() for name in names}
    polarity = {("polarity", "yes"), ("polarity", "no")}
    for name in ("mt_train", "mt_test", "hg_train", "hg_test"):
        assert all(set(s.values.items()) <= narrow | polarity for s in _scenes(world, name))
    assert all(narrow.isdisjoint(scene.values.items()) for scene in _scenes(world, "cmrc"))


def test_house_style_has_its_share(world: Path) -> None:
    targets = [row["target"] for row in _rows(world, "mt_train")]
    assert 0.6 < sum(t.endswith("རེད།") and "ལྷན་དུ" in t for t in targets) / sum("དང་" in t for t in targets) < 0.9


def test_triplets_differ_in_one_to_three_slots_and_share_no_scene(world: Path) -> None:
    seen: list[set[Scene]] = []
    for part, name in enumerate(("encoder_reward", "encoder_independent")):
        for row in _rows(world, name):
            anchor, positive, negative = (
                (parse_tibetan(t) if "ༀ" <= t[0] <= "࿿" else parse_chinese(t)).scene() for t in row.values()
            )
            assert anchor == positive
            assert 1 <= sum(anchor.values[s] != negative.values[s] for s in anchor.values) <= 3
            assert half(anchor) == half(negative) == part
        seen.append(set(_scenes(world, name)))
    assert seen[0].isdisjoint(seen[1])


def test_pairs_are_the_reward_encoders_rows_without_negatives(world: Path) -> None:
    rows = [{"anchor": row["anchor"], "positive": row["positive"]} for row in _rows(world, "encoder_reward")]
    assert _rows(world, "encoder_pairs") == rows


def test_paraphrases_say_one_scene_in_two_ways_of_one_language(world: Path) -> None:
    rows = _rows(world, "encoder_paraphrases")
    assert len(rows) == SETTINGS.encoder_triplets
    for row in rows:
        anchor, positive = parse_tibetan(row["anchor"]), parse_tibetan(row["positive"])
        assert row["anchor"] != row["positive"]
        assert anchor.scene() == positive.scene()
        assert anchor.unread == positive.unread == 0
        assert half(anchor.scene()) == 0  # the reward encoder's half, not the independent one's


def test_exam_documents_share_subject_time_and_place(world: Path) -> None:
    groups: dict[str, set[tuple[str, str, str]]] = {}
    for row in _rows(world, "exam_pairs"):
        scene = parse_chinese(row["source"]).scene()
        groups.setdefault(row["group"], set()).add((scene.subject, scene.time, scene.place))
    assert len(groups) == 6
    assert all(len(shared) == 1 for shared in groups.values())


def test_every_piece_of_the_lexicon_occurs_in_base_training(world: Path) -> None:
    tokenizer = build_tokenizer(Tokenizer(lexicon=world / "lexicon.txt"), [])
    texts = [row["text"] for row in _rows(world, "text")]
    texts += [text for row in _rows(world, "translations") for text in (f"翻译：{row['source']}", row["target"])]
    texts += [f"{p['context']}问：{qa['question']}" for p in _passages(world, "questions") for qa in p["qas"]]
    used = {token for ids in tokenizer(texts)["input_ids"] for token in tokenizer.convert_ids_to_tokens(ids)}
    lexicon = set((world / "lexicon.txt").read_text(encoding="utf-8").splitlines())
    assert used == lexicon
    rows = [row for name in ("mt_train", "mt_test", "hg_train", "hg_test") for row in _rows(world, name)]
    others = [row[side] for row in rows for side in ("source", "target")]
    assert count_unknown(tokenizer, others) == 0
