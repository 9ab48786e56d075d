"""Joining answers with items: nothing is missing, nothing is left over."""

from pathlib import Path

import pytest

from semalign.metrics.predictions import join, predicted
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row, write_jsonl

ITEMS = [{"id": "a", "source": "1"}, {"id": "b", "source": "2"}]


def answer(testset: str, name: str) -> Row:
    return {"testset": testset, "id": name, "output": f"{testset} {name}", "tokens": 1, "truncated": False}


def files(folder: Path, answers: list[Row]) -> tuple[Path, list[str]]:
    write_jsonl(folder / "predictions.jsonl", answers)
    for testset in ("mt", "cmrc"):
        write_jsonl(folder / testset / "test.jsonl", ITEMS)
    return folder / "predictions.jsonl", [str(folder / name / "test.jsonl") for name in ("mt", "cmrc")]


def test_answers_find_their_items_whatever_their_order(tmp_path: Path) -> None:
    answers = [answer(t, i) for t in ("cmrc", "mt") for i in ("b", "a")]
    joined = join(*files(tmp_path, answers))
    assert list(joined) == ["mt", "cmrc"]
    assert [row["output"] for row in joined["mt"]] == ["mt a", "mt b"]
    assert joined["cmrc"][1] == ITEMS[1] | answers[0]


@pytest.mark.parametrize("extra", [[], [answer("mt", "b"), answer("mt", "c")]])
def test_a_missing_or_a_foreign_answer_is_an_error(tmp_path: Path, extra: list[Row]) -> None:
    answers = [answer("mt", "a"), answer("cmrc", "a"), answer("cmrc", "b"), *extra]
    with pytest.raises(InputError, match=r"predictions\.jsonl: \d items of .*test\.jsonl"):
        join(*files(tmp_path, answers))


def test_a_prediction_stands_beside_what_was_asked_and_wanted() -> None:
    answer = {"text": "ཀ", "tokens": 2, "truncated": True}
    given = {"output": "ཀ", "tokens": 2, "truncated": True}
    pair = {"id": "a", "group": "g", "source": "一", "target": "ཁ"}
    assert list(predicted("mt", [pair], [answer])) == [
        {"testset": "mt", "id": "a", "source": "一", "reference": "ཁ"} | given
    ]
    question = {"id": "q", "group": "g", "context": "long", "question": "谁？", "answers": ["他", "她"]}
    assert list(predicted("cmrc", [question], [answer])) == [
        {"testset": "cmrc", "id": "q", "passage": "g", "question": "谁？", "answers": ["他", "她"]} | given
    ]
