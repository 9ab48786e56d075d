"""What models made on the spot are trained on."""

from pathlib import Path

import pytest

from semalign.config.data import AlignedText, Captions, CorpusItem, PairTable, Squad
from semalign.data.corpus import contrastive_rows, pretraining_documents
from semalign.runtime.errors import InputError
from semalign.runtime.files import write_jsonl
from tests.unit.data.test_sources import squad


def table(path: Path, rows: list[dict[str, str]]) -> PairTable:
    write_jsonl(path, rows)
    return PairTable(format="jsonl", path=path)


def test_documents_carry_the_prompts_of_the_config(tmp_path: Path) -> None:
    asked = [
        {"id": "1", "question": "谁？", "answers": [{"text": "甲"}]},
        {"id": "2", "question": "何？", "answers": [{"text": " "}]},
    ]
    (tmp_path / "q.json").write_text(squad({"context": "甲。", "qas": asked}))
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
    assert counts == {"read": 3, "kept": 1, "incomplete": 0, "held_out": 2}
    with pytest.raises(
        InputError, match=r"encoders\.reward\.train: nothing is left of 3 rows \(3 hold a text of a dev"
    ):
        contrastive_rows([source], {"a", "test"}, "encoders.reward.train")


def test_blank_sides_of_an_encoders_rows_are_counted_and_texts_cleaned(tmp_path: Path) -> None:
    rows = [{"anchor": " a\ufeff", "positive": "\u200bb c"}, {"anchor": " ", "positive": "b"}]
    rows += [{"anchor": "a", "positive": blank} for blank in ("\u3000", "\ufeff", "\u200b\xa0", "\u3164")]
    kept, counts = contrastive_rows([table(tmp_path / "rows.jsonl", rows)], [], "key")
    assert kept == [{"anchor": "a", "positive": "b c"}]
    assert counts == {"read": 6, "kept": 1, "incomplete": 5, "held_out": 0}


def test_pairs_of_any_format_train_an_encoder(tmp_path: Path) -> None:
    for name, content in {
        "a.zh": "一\n二\n\n",
        "a.bo": "ཀ\nཁ\nག\n",
        "c.zh": "x#zh#0 三\ny#zh#0 四\n",
        "c.bo": "x#bo#0 ང\n",
    }.items():
        (tmp_path / name).write_text(content)
    aligned = AlignedText(format="aligned", source=tmp_path / "a.zh", target=tmp_path / "a.bo", documents=None)
    captions = Captions(format="captions", source=tmp_path / "c.zh", target=tmp_path / "c.bo")
    kept, counts = contrastive_rows([aligned, captions], {"二"}, "key")
    assert kept == [{"anchor": "一", "positive": "ཀ"}, {"anchor": "三", "positive": "ང"}]
    assert counts == {"read": 5, "kept": 2, "incomplete": 2, "held_out": 1}  # an empty line, and y alone
    with_negatives = table(tmp_path / "rows.jsonl", [{"anchor": "a", "positive": "b", "negative": "c"}])
    with pytest.raises(InputError, match=r"a\.zh: row 'a:1' has no negative, .*rows\.jsonl: row 'rows:1' has"):
        contrastive_rows([aligned, with_negatives], set(), "key")


def test_pairs_that_their_source_leaves_out_are_counted_in_the_corpus(tmp_path: Path) -> None:
    rows = [{"id": "1", "source": "a", "target": "b"}, {"id": "2", "source": "c", "target": "d"}]
    source = table(tmp_path / "all.jsonl", rows)
    source = source.model_copy(update={"exclude_ids_from": [table(tmp_path / "test.jsonl", [{"id": "2"}])]})
    item = CorpusItem(kind="pairs", task="mt", source=source)
    documents, report = pretraining_documents([item], {"mt": "{source}"}, "")
    assert documents == [{"prompt": "a", "completion": "b"}]
    assert [(part["read"], part["kept"], part["dropped"]) for part in report["items"]] == [(2, 1, 1)]
