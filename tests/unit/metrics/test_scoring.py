"""Scores of a run, on outputs whose figures are known."""

from typing import Any

import pytest

from semalign.config.data import Language
from semalign.metrics.scoring import score_pairs, score_questions
from semalign.runtime.files import Row

TIBETAN = Language(script="Tibetan", excluded_scripts=["Han"], latin_share=0.1, bleu_tokens="tibetan")
REFERENCES = ["ཀ་ཁ་ག་ང་ཅ།", "ཆ་ཇ་ཉ་ཏ་ཐ།", "ད་ན་པ་ཕ་བ།"]


def pairs(outputs: list[str], truncated: bool = False) -> list[Row]:
    return [
        {"output": output, "target": target, "source": "书", "truncated": truncated}
        for output, target in zip(outputs, REFERENCES, strict=True)
    ]


def test_perfect_answers_score_one_and_their_floor_is_low() -> None:
    scores, items = score_pairs(pairs(REFERENCES), ["bleu", "chrf"], TIBETAN, {})
    assert (scores["metric"], scores["metrics"]) == ("bleu", ["bleu", "chrf"])
    assert scores["bleu"]["value"] == pytest.approx(1)
    assert scores["rouge_l"]["value"] == pytest.approx(1)
    assert scores["rouge_l"]["floor"] == 0  # no syllable in common with the next reference
    assert scores["bleu"]["n"] == len(items) == 3
    assert "tokens:" in scores["bleu"]["signature"]
    assert scores["language_consistency"] == 1


def test_empty_cut_and_off_script_answers_are_counted() -> None:
    scores, items = score_pairs(pairs(["", REFERENCES[1], "书"], truncated=True), ["rouge_l"], TIBETAN, {})
    assert (scores["n"], scores["empty"], scores["truncated"]) == (3, 1, 3)
    assert scores["rouge_l"]["value"] == pytest.approx(1 / 3)
    assert [item["language_consistency"] for item in items] == [0, 1, 0]


def question(name: str, answers: list[str], output: str) -> dict[str, Any]:
    return {"id": name, "group": f"passage-{name}", "answers": answers, "output": output, "truncated": False}


def test_questions_are_scored_in_percent_without_their_reasoning() -> None:
    rows = [
        question("1", ["北京"], "<think>嗯</think>北京"),
        question("2", ["上海市"], "上海"),  # two of three characters: P 1, R 2/3, F1 .8
        question("3", ["三天"], ""),
        question("4", ["四"], "不知道"),
    ]
    scores, items = score_questions(rows, "cmrc2018")
    assert scores["em"] == pytest.approx(25)
    assert scores["f1"] == pytest.approx((100 + 80) / 4)
    assert scores["avg"] == pytest.approx((25 + 45) / 2)
    assert (scores["n"], scores["empty"], scores["skipped"]) == (4, 1, 0)
    assert [item["group"] for item in items] == [f"passage-{i}" for i in (1, 2, 3, 4)]
    assert [item["f1"] for item in items] == pytest.approx([100, 80, 0, 0])
    assert scores["floor"]["em"] == 0
