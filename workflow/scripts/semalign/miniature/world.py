"""Writes every file of the miniature, from one seed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from semalign.config.data import World
from semalign.miniature import chinese, questions, tibetan, triplets
from semalign.miniature.distinct import SUPPLIES, distinct
from semalign.miniature.pieces import HEADLINE_PROMPT, all_pieces
from semalign.miniature.scenes import (
    GENERAL,
    OUTSIDE,
    QUESTIONED,
    Scene,
    State,
    draw_reserved,
    draw_state,
    draw_training,
)
from semalign.runtime.files import Row, replacing, write_jsonl

Draw = Callable[[], Scene]


def _fillers(rng: Random, least: int, most: int) -> list[State]:
    return [draw_state(rng) for _ in range(rng.randint(least, most))]


def _pairs(rng: Random, scenes: Iterator[Scene], name: str, house_style: float = 0.0) -> Iterator[Row]:
    for number, scene in enumerate(scenes):
        source, target = chinese.sentence(rng, scene), tibetan.sentence(rng, scene, house_style)
        yield {"id": f"{name}-{number}", "group": scene.key, "source": source, "target": target}


def _headlines(rng: Random, scenes: Iterator[Scene], name: str, house_style: float) -> Iterator[Row]:
    for number, scene in enumerate(scenes):
        source, target = tibetan.article(rng, scene, _fillers(rng, 2, 3)), tibetan.headline(rng, scene, house_style)
        yield {"id": f"{name}-{number}", "group": scene.key, "source": source, "target": target}


def _text(rng: Random, count: int) -> Iterator[Row]:
    """So many texts of each language; the Tibetan ones are sentences, headlines, and articles before their headline."""
    for _ in range(count):
        scene = draw_training(rng, GENERAL)
        sentences = [chinese.sentence(rng, scene), *(chinese.state(rng, f) for f in _fillers(rng, 0, 1))]
        yield {"text": "".join(sentences)}
        scene = draw_training(rng, GENERAL)
        kind = rng.random()
        if kind < 0.3:
            yield {"text": tibetan.sentence(rng, scene)}
        elif kind < 0.4:
            yield {"text": tibetan.headline(rng, scene)}
        else:
            headline, article = tibetan.headline(rng, scene), tibetan.article(rng, scene, _fillers(rng, 1, 2))
            yield {"text": f"{HEADLINE_PROMPT}{article} {headline}"}


def _squad(rng: Random, draw: Draw, count: int, name: str, a_passage: int) -> dict[str, Any]:
    paragraphs: list[dict[str, Any]] = []
    left = count
    while left:
        paragraphs.append(questions.paragraph(rng, draw(), f"{name}-{len(paragraphs)}", min(left, a_passage)))
        left -= len(paragraphs[-1]["qas"])
    return questions.squad(paragraphs)


def _exam_pairs(rng: Random, count: int) -> Iterator[Row]:
    """Reserved pairs in documents of five."""
    for number in range(count):
        if number % 5 == 0:
            document = triplets.exam_document(rng, 5)
        scene = document[number % 5]
        yield {
            "id": f"exam-{number}",
            "group": f"document-{number // 5}",
            "source": chinese.sentence(rng, scene),
            "target": tibetan.sentence(rng, scene),
        }


def _write_lexicon(path: Path) -> int:
    pieces = all_pieces()
    with replacing(path) as file:
        file.write("\n".join(pieces) + "\n")
    return len(pieces)


def generate_world(settings: World, folder: Path) -> dict[str, int]:
    """Write the world's files into the folder; returns the number of rows (or questions) of each.

    Training files hold no reserved scene, and no scene that would get a reserved headline; test and exam files hold
    reserved scenes only. The bytes depend on the settings alone.
    """

    def rng(name: str) -> Random:
        return Random(f"{settings.seed}/{name}")

    def scenes(source: Random, key: str) -> Iterator[Scene]:
        return distinct(source, SUPPLIES[key], getattr(settings, key))

    def jsonl(name: str, rows: Iterator[Row]) -> None:
        counts[f"{name}.jsonl"] = write_jsonl(folder / f"{name}.jsonl", rows)

    def squad(name: str, content: dict[str, Any]) -> None:
        with replacing(folder / f"{name}.json") as file:
            file.write(json.dumps(content, ensure_ascii=False) + "\n")
        counts[f"{name}.json"] = sum(len(p["qas"]) for article in content["data"] for p in article["paragraphs"])

    counts: dict[str, int] = {}
    base, style = rng("questions"), settings.house_style
    squad("questions", _squad(base, lambda: draw_training(base, QUESTIONED), settings.questions, "base", 1))
    test = rng("cmrc")
    squad("cmrc", _squad(test, lambda: draw_reserved(test, OUTSIDE), settings.cmrc_test, "cmrc", 2))

    generic = rng("translations")
    jsonl("translations", _pairs(generic, scenes(generic, "translations"), "generic"))
    jsonl("text", _text(rng("text"), settings.texts))

    mt, hg = rng("mt"), rng("hg")
    jsonl("mt_train", _pairs(mt, scenes(rng("mt/scenes"), "mt_train"), "mt-train", style))
    jsonl("hg_train", _headlines(hg, scenes(rng("hg/scenes"), "hg_train"), "hg-train", style))
    jsonl("mt_test", _pairs(mt, scenes(mt, "mt_test"), "mt-test", style))
    jsonl("hg_test", _headlines(hg, scenes(hg, "hg_test"), "hg-test", style))

    for part, name in enumerate(("encoder_reward", "encoder_independent")):
        jsonl(name, triplets.triplets(rng(name), settings.encoder_triplets, part))
    # what the reward encoder is compared with: the same rows without negatives, and as many of one language
    rows = triplets.triplets(rng("encoder_reward"), settings.encoder_triplets, 0)
    jsonl("encoder_pairs", ({"anchor": row["anchor"], "positive": row["positive"]} for row in rows))
    jsonl("encoder_paraphrases", triplets.paraphrases(rng("paraphrases"), settings.encoder_triplets, 0))
    jsonl("exam_pairs", _exam_pairs(rng("exam"), settings.exam_scenes))
    jsonl("probes", triplets.probes(rng("probes"), settings.exam_scenes))
    counts["lexicon.txt"] = _write_lexicon(folder / "lexicon.txt")
    return counts
