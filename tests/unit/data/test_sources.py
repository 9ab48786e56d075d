import json
from pathlib import Path
from typing import Any

import pytest

from semalign.config.data import AlignedText, CorpusItem, Headlines, Lines, Squad
from semalign.data.questions import read_questions
from semalign.data.sources import origin, read_all_pairs, read_all_questions, read_documents, read_pairs
from tests.unit.inputs import message, table, written

# Aligned text and headlines


def test_aligned_lines_are_pairs_grouped_by_document(tmp_path: Path) -> None:
    source = AlignedText(
        format="aligned",
        source=written(tmp_path, "news.zh.txt", b"\xef\xbb\xbf" + "一\r\n二\r\n\r\n".encode()),
        target=written(tmp_path, "news.bo.txt", "ཀ\nཁ\nག"),
        documents=written(tmp_path, "ids.txt", "d1\nd1\nd2\n"),
    )
    assert list(read_pairs(source)) == [
        {"id": "news.zh:1", "group": "d1", "source": "一", "target": "ཀ"},
        {"id": "news.zh:2", "group": "d1", "source": "二", "target": "ཁ"},
        {"id": "news.zh:3", "group": "d2", "source": "", "target": "ག"},
    ]
    alone = source.model_copy(update={"documents": None})
    assert len({row["group"] for row in read_pairs(alone)}) == 3


def test_unequal_files_are_refused_with_both_counts(tmp_path: Path) -> None:
    source = AlignedText(
        format="aligned",
        source=written(tmp_path, "a.txt", "一\n二\n三\n"),
        target=written(tmp_path, "b.txt", "ཀ\n"),
        documents=None,
    )
    text = message(read_pairs(source))
    assert f"{source.source} has 3 lines and {source.target} has 1 lines" in text
    documents = written(tmp_path, "ids.txt", "d1\n")
    alike = source.model_copy(update={"target": source.source, "documents": documents})
    assert "line n of one must belong to line n of the other" in message(read_pairs(alike))


def test_headline_is_the_first_segment_of_a_document(tmp_path: Path) -> None:
    source = Headlines(
        format="headlines",
        text=written(tmp_path, "a.txt", "head\none\ntwo\nthree\nlonely\n"),
        documents=written(tmp_path, "ids.txt", "d1\nd1\nd1\nd1\nd2\n"),
        segments=2,
    )
    assert list(read_pairs(source)) == [
        {"id": "d1", "group": "d1", "source": "one\ntwo", "target": "head"},
        {"id": "d2", "group": "d2", "source": "", "target": "lonely"},
    ]
    whole = source.model_copy(update={"segments": None})
    assert next(read_pairs(whole))["source"] == "one\ntwo\nthree"


@pytest.mark.parametrize(
    ("documents", "expected"),
    [("d1\nd2\nd1\n", "ids.txt:3: document 'd1' was already at line 1"), ("d1\n \nd2\n", "ids.txt:2: the document id")],
)
def test_document_ids_must_be_whole_and_together(tmp_path: Path, documents: str, expected: str) -> None:
    text, ids = written(tmp_path, "a.txt", "x\ny\nz\n"), written(tmp_path, "ids.txt", documents)
    assert expected in message(read_pairs(Headlines(format="headlines", text=text, documents=ids, segments=None)))


# Several sources


def test_sources_follow_one_another_and_share_no_id(tmp_path: Path) -> None:
    one = table(written(tmp_path, "one.csv", "source,target\na,b\n"))
    two = table(written(tmp_path, "two.csv", "source,target\nc,d\n"))
    assert [row["id"] for row in read_all_pairs([one, two], "tasks.mt.train")] == ["one:2", "two:2"]
    (tmp_path / "sub").mkdir()
    same = table(written(tmp_path / "sub", "one.csv", "source,target\nc,d\n"))
    text = message(read_all_pairs([one, same], "tasks.mt.train"))
    assert f"tasks.mt.train.1 ({same.path}): id 'one:2' is also in tasks.mt.train.0 ({one.path})" in text
    assert origin("tasks.mt.train", [one, two]) == f"tasks.mt.train ({one.path}, {two.path})"


def test_questions_of_several_files_share_no_id(tmp_path: Path) -> None:
    sources = [
        Squad(format="squad", path=written(tmp_path, name, squad({"context": "c", "qas": [QUESTION | {"id": number}]})))
        for name, number in (("one.json", 7), ("two.json", 8), ("three.json", "7"))
    ]
    assert [row["id"] for row in read_all_questions(sources[:2], "cmrc.test")] == ["7", "8"]
    text = message(read_all_questions(sources, "cmrc.test"))
    assert text.startswith(
        f"cmrc.test.2 ({sources[2].path}): id '7' is also in cmrc.test.0 ({sources[0].path}); make the ids"
    )


# Questions


def squad(paragraph: dict[str, Any]) -> str:
    return json.dumps({"version": "1", "data": [{"title": "t", "paragraphs": [paragraph]}]})


QUESTION = {"id": "q1", "question": "谁？", "answers": [{"text": "我", "answer_start": -1}, {"text": 39764.0}]}


def test_questions_keep_text_and_passage(tmp_path: Path) -> None:
    path = written(tmp_path, "q.json", squad({"id": "P1", "context": "我是", "qas": [QUESTION]}))
    expected = {"id": "q1", "group": "P1", "context": "我是", "question": "谁？", "answers": ["我", "39764.0"]}
    assert list(read_questions(Squad(format="squad", path=path))) == [expected]
    path = written(tmp_path, "r.json", squad({"context": "我是", "qas": [QUESTION]}))
    assert next(read_questions(Squad(format="squad", path=path)))["group"] == "r:0.0"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", ":1: broken JSON"),
        ('{"data": [\n}', ":2: broken JSON"),
        ("[]", ": 'data' (a list) is missing; SQuAD style is needed"),
        ('{"data": []}', ": holds no rows"),
        ('{"data": [{}]}', ": data[0]: 'paragraphs' (a list) is missing"),
        (squad({"qas": []}), ": data[0].paragraphs[0]: 'context' (text) is missing"),
        (squad({"context": "c", "qas": [{"id": "q"}]}), ": data[0].paragraphs[0].qas[0]: 'question' (text) is missing"),
        (
            squad({"context": "c", "qas": [QUESTION | {"answers": []}]}),
            ": data[0].paragraphs[0].qas[0]: every question",
        ),
        (squad({"context": "c", "qas": [QUESTION | {"answers": ["x"]}]}), ": data[0].paragraphs[0].qas[0]: every"),
        (
            squad({"context": "c", "qas": [QUESTION | {"id": 1.5}]}),
            ": data[0].paragraphs[0].qas[0]: 'id' must be text or a whole number, found 1.5",
        ),
        (squad({"context": "c", "qas": [QUESTION | {"id": " "}]}), ": data[0].paragraphs[0].qas[0]: the id is empty"),
        (
            squad({"context": "c", "qas": [QUESTION | {"answers": [{"text": float("nan")}]}]}),
            ": data[0].paragraphs[0].qas[0]: every question needs answers",
        ),
        (
            squad({"context": "c", "qas": [QUESTION, QUESTION]}),
            ": data[0].paragraphs[0].qas[1]: id 'q1' was already at data[0].paragraphs[0].qas[0]",
        ),
    ],
)
def test_broken_questions_are_named_by_place(tmp_path: Path, content: str, expected: str) -> None:
    path = written(tmp_path, "q.json", content)
    assert message(read_questions(Squad(format="squad", path=path))).startswith(f"{path}{expected}")


# Base training


def test_documents_have_only_their_kinds_fields(tmp_path: Path) -> None:
    def item(**fields: Any) -> CorpusItem:
        return CorpusItem.model_validate(fields)

    lines = {"format": "lines", "path": written(tmp_path, "a.txt", "one\n\n two\n")}
    pairs = {"format": "csv", "path": written(tmp_path, "p.csv", "source,target\na,b\n")}
    text = {"format": "csv", "path": pairs["path"], "columns": {"text": "target"}}
    asked = {"format": "squad", "path": written(tmp_path, "q.json", squad({"context": "c", "qas": [QUESTION]}))}
    assert list(read_documents(item(kind="text", source=lines))) == [{"text": "one"}, {"text": " two"}]
    assert list(read_documents(item(kind="text", source=text))) == [{"text": "b"}]
    assert list(read_documents(item(kind="pairs", task="mt", source=pairs))) == [{"source": "a", "target": "b"}]
    expected = {"context": "c", "question": "谁？", "answers": ["我", "39764.0"]}
    assert list(read_documents(item(kind="questions", source=asked))) == [expected]


def test_empty_text_is_refused(tmp_path: Path) -> None:
    source = Lines(format="lines", path=written(tmp_path, "a.txt", "\n \n"))
    assert "holds no rows" in message(read_documents(CorpusItem(kind="text", task=None, source=source)))
