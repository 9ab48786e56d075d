"""What models made on the spot are trained on."""

import json
from pathlib import Path

import pytest

from semalign.config.data import CorpusItem, Squad, Table
from semalign.corpus import contrastive_rows, pretraining_documents
from semalign.errors import InputError
from semalign.files import write_jsonl


def table(path: Path, rows: list[dict[str, str]]) -> Table:
    write_jsonl(path, rows)
    return Table(format="jsonl", path=path)


def test_documents_carry_the_prompts_of_the_config(tmp_path: Path) -> None:
    squad = {
        "data": [
            {
                "paragraphs": [
                    {
                        "context": "甲。",
                        "qas": [
                            {"id": "1", "question": "谁？", "answers": [{"text": "甲"}]},
                            {"id": "2", "question": "何？", "answers": [{"text": " "}]},
                        ],
                    }
                ]
            }
        ]
    }
    (tmp_path / "q.json").write_text(json.dumps(squad))
    items = [
        CorpusItem(kind="questions", task=None, source=Squad(format="squad", path=tmp_path / "q.json")),
        CorpusItem(kind="pairs", task="mt", source=table(tmp_path / "p.jsonl", [{"source": "s", "target": "t"}])),
        CorpusItem(kind="text", task=None, source=table(tmp_path / "t.jsonl", [{"text": "x"}])),
    ]
    documents, report = pretraining_documents(items, {"mt": "翻译：{source}"}, "{context}问：{question}")
    assert documents == [
        {"prompt": "甲。问：谁？", "completion": "甲"},
        {"prompt": "翻译：s", "completion": "t"},
        {"text": "x"},
    ]
    assert [(item["read"], item["kept"], item["dropped"]) for item in report["items"]] == [
        (2, 1, 1),
        (1, 1, 0),
        (1, 1, 0),
    ]


def test_held_out_text_leaves_an_encoders_training(tmp_path: Path) -> None:
    rows = [
        {"anchor": "a", "positive": "b", "negative": "c"},
        {"anchor": "d", "positive": "e", "negative": "test"},
        {"anchor": "test", "positive": "f", "negative": "g"},
    ]
    source = table(tmp_path / "rows.jsonl", rows)
    kept, counts = contrastive_rows([source], {"test"}, "encoders.reward.train")
    assert kept == [{"anchor": "a", "positive": "b", "negative": "c"}]
    assert counts == {"read": 3, "kept": 1, "held_out": 2}
    with pytest.raises(InputError, match=r"encoders\.reward\.train: all 3 rows"):
        contrastive_rows([source], {"a", "test"}, "encoders.reward.train")


def test_rows_without_negatives_have_two_columns(tmp_path: Path) -> None:
    source = table(tmp_path / "rows.jsonl", [{"anchor": "a", "positive": "b"}])
    assert contrastive_rows([source], set(), "key")[0] == [{"anchor": "a", "positive": "b"}]
