"""Extractive questions on short Chinese passages, in the SQuAD format."""

from random import Random
from typing import Any

from semalign.miniature import chinese
from semalign.miniature.lexicon import word
from semalign.miniature.scenes import Scene, draw_state

ANSWER_SLOTS: dict[str, tuple[str, ...]] = {
    "who": ("subject",),
    "where": ("place",),
    "when": ("time",),
    "what": ("quality", "object"),
    "how_many": ("number",),
    "with_whom": ("companion",),
    "done_what": ("action",),
}


def kinds(scene: Scene) -> list[str]:
    """The questions that the scene answers."""
    return [kind for kind, slots in ANSWER_SLOTS.items() if getattr(scene, slots[-1])]


def question_pieces(kind: str, scene: Scene, style: chinese.Style) -> list[chinese.Piece]:
    """The question of one kind about a scene, as pieces."""

    def phrase(slot: str) -> list[chinese.Piece]:
        return chinese.phrase(scene, slot, style)

    verb = chinese.verb_pieces(scene, style)
    classifier = ("", word("object", scene.object).classifier)
    asked: dict[str, list[chinese.Piece]] = {
        "who": [("", "谁"), *phrase("place"), *verb, *phrase("object")],
        "where": [*phrase("subject"), ("", "在"), ("", "哪里"), *verb, *phrase("object")],
        "when": [*phrase("subject"), ("", "什么时候"), *verb, *phrase("object")],
        "what": [*phrase("subject"), *phrase("place"), *verb, ("", "什么")],
        "how_many": [*phrase("subject"), *verb, ("", "几"), classifier, *phrase("object")],
        "with_whom": [*phrase("subject"), ("", style.companion), ("", "谁"), ("", "一起"), *verb, *phrase("object")],
        "done_what": [*phrase("subject"), ("", "把"), *phrase("object"), ("", "怎么了")],
    }
    return [*asked[kind], ("", "？")]


def _passage(rng: Random, scene: Scene, fillers: int) -> list[chinese.Piece]:
    sentences = [chinese.state_pieces(draw_state(rng), rng.choice(chinese.DEGREES)) for _ in range(fillers)]
    sentences.insert(rng.randint(0, fillers), chinese.pieces(scene, rng.choice(chinese.STYLES)))
    return [piece for sentence in sentences for piece in sentence]


def _answer(kind: str, passage: list[chinese.Piece]) -> dict[str, Any]:
    """The span of the passage that tells the asked slots; they stand together."""
    slots = ANSWER_SLOTS[kind]
    start = chinese.text(passage[: next(i for i, (slot, _) in enumerate(passage) if slot in slots)])
    return {"text": "".join(text for slot, text in passage if slot in slots), "answer_start": len(start)}


def paragraph(rng: Random, scene: Scene, name: str, questions: int) -> dict[str, Any]:
    """A SQuAD paragraph on a scene: up to two filler sentences around it and at most so many questions."""
    passage = _passage(rng, scene, rng.randint(0, 2))
    asked = rng.sample(kinds(scene), min(questions, len(kinds(scene))))
    return {
        "id": name,
        "context": chinese.text(passage),
        "qas": [
            {
                "id": f"{name}-{kind}",
                "question": chinese.text(question_pieces(kind, scene, rng.choice(chinese.STYLES))),
                "answers": [_answer(kind, passage)],
            }
            for kind in asked
        ],
    }


def squad(paragraphs: list[dict[str, Any]]) -> dict[str, Any]:
    """A SQuAD file's content, one article for each paragraph."""
    return {
        "version": "1.0",
        "data": [{"id": p["id"], "title": p["id"], "paragraphs": [p]} for p in paragraphs],
    }
