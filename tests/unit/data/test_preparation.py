from collections.abc import Iterable
from itertools import permutations
from typing import Any

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit

from semalign.config.data import AlignedText, Headlines, Language, Squad
from semalign.data.preparation import filter_length, prepare_pairs, prepare_questions
from semalign.data.questions import read_questions
from semalign.data.sources import origin, read_pairs
from semalign.runtime.errors import InputError
from tests.unit.inputs import DATA, needs_data

NEWS = DATA / "ntrex128"
TIBETAN = Language(script="Tibetan", excluded_scripts=["Han", "Cyrillic"], latin_share=0.1, bleu_tokens="tibetan")
NEWS_TIBETAN = TIBETAN.model_copy(update={"latin_share": 0.5})
CHINESE = Language(script="Han", excluded_scripts=["Tibetan"], latin_share=0.5, bleu_tokens="zh")


def pairs(*texts: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"id": f"r{n}", "group": "g", "source": a, "target": b} for n, (a, b) in enumerate(texts, start=1)]


def test_every_drop_has_its_reason() -> None:
    rows = pairs(
        (" 你好 ", "བོད།"),
        ("", "བོད།"),
        ("你好", " \u3000"),
        ("hello", "བོད།"),
        ("123", "བོད།"),
        ("你好", "中文"),
        ("你好", "hello"),
        ("你好", "བོད།\n"),  # r1 again, once white space is off
        ("你好", "བོད་"),  # the same source alone is no duplicate
    )
    kept, report = prepare_pairs(rows, CHINESE, TIBETAN, origin="here").all()
    assert kept == [
        {"id": "r1", "group": "g", "source": "你好", "target": "བོད།"},
        {"id": "r9", "group": "g", "source": "你好", "target": "བོད་"},
    ]
    examples = {
        "empty_source": ["r2"],
        "empty_target": ["r3"],
        "wrong_script_source": ["r4", "r5"],
        "wrong_script_target": ["r6", "r7"],
        "duplicate": ["r8"],
    }
    dropped = {reason: len(ids) for reason, ids in examples.items()}
    assert report == {"read": 9, "kept": 2, "dropped": dropped, "examples": examples}


def test_order_changes_no_count_and_no_text_kept() -> None:
    texts = [("中", "བོད"), ("中 ", "བོད"), ("é文", "བ"), ("e\u0301文", "བ"), ("", "བ"), ("中", "文")]
    dropped = {"duplicate": 2, "empty_source": 1, "wrong_script_target": 1}
    for rows in permutations(pairs(*texts)):
        kept, report = prepare_pairs(rows, CHINESE, TIBETAN, origin="here").all()
        assert {(row["source"], row["target"]) for row in kept} == {("中", "བོད"), ("é文", "བ")}
        assert (report["kept"], report["dropped"]) == (2, dropped)


def test_text_is_composed_canonically_and_not_otherwise_changed() -> None:
    # U+0F73 and U+0F43 decompose for good in NFC; wide and compatibility forms stay (NFKC would change them)
    (row,), _ = prepare_pairs(pairs(("Ａ：中文㈠…ｅ\u0301", "\u0f43\u0f73")), CHINESE, TIBETAN, origin="here").all()
    assert row["source"] == "Ａ：中文㈠…ｅ\u0301"
    assert row["target"] == "\u0f42\u0fb7\u0f71\u0f72"
    (row,), _ = prepare_pairs(pairs(("中e\u0301", "བ")), CHINESE, TIBETAN, origin="here").all()
    assert row["source"] == "中é"


def test_only_the_first_examples_are_kept() -> None:
    _, report = prepare_pairs(pairs(("中", "བ"), *[("", "བ")] * 8), CHINESE, TIBETAN, origin="here").all()
    assert report["dropped"] == {"empty_source": 8}
    assert report["examples"] == {"empty_source": ["r2", "r3", "r4", "r5", "r6"]}


def test_nothing_left_says_what_was_dropped_and_where() -> None:
    with pytest.raises(InputError) as caught:
        prepare_pairs(
            pairs(("", "བ"), ("中", "中"), ("中", "文")), CHINESE, TIBETAN, origin="tasks.mt.train (a.csv)"
        ).all()
    assert str(caught.value).startswith(
        "tasks.mt.train (a.csv): nothing is left of 3 rows (1 empty_source, 2 wrong_script_target); check"
    )
    with pytest.raises(InputError, match="nothing is left of 0 rows"):
        prepare_pairs([], CHINESE, TIBETAN, origin="here").all()


# Length


def words(*vocabulary: str) -> Tokenizer:
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(("?", *vocabulary))}, unk_token="?"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return tokenizer


def test_prompt_and_target_count_together() -> None:
    tokenizer = words("a")
    tokenizer.enable_truncation(2)  # as a saved tokenizer may have it
    tokenizer.enable_padding(length=50)
    rows = pairs(("a a", "a"), ("a a", "a a"), ("a a a", "a a"), ("a", "a"))
    kept, report = filter_length(rows, tokenizer, "say: {source} {now} {target}", 6, origin="here").all()
    assert [row["id"] for row in kept] == ["r1", "r2", "r4"]  # 2 tokens of prompt, so 5, 6, 7 and 4 in all
    assert report == {
        "read": 4,
        "kept": 3,
        "dropped": {"too_long": 1},
        "examples": {"too_long": ["r3"]},
        "longest": 6,
        "max_tokens": 6,
    }


def test_length_is_the_same_in_batches() -> None:
    rows = pairs(*[(" ".join("a" * (n % 7)), "a") for n in range(2500)])
    kept, report = filter_length(iter(rows), words("a"), "{source} {target}", 5, origin="here").all()
    assert [row["id"] for row in kept] == [row["id"] for row in rows if len(row["source"].split()) <= 4]
    assert report["read"] == 2500


def test_a_length_can_be_corrected_and_a_row_refused() -> None:
    rows = pairs(("a", "a"), ("a b", "a"), ("a", "b"))
    corrected: dict[str, int | None] = {"a b": 9, "b": None}
    kept, report = filter_length(
        rows,
        words("a"),
        "{source} {target}",
        5,
        origin="here",
        measured=lambda row, length: corrected.get(row["source"], corrected.get(row["target"], length)),
    ).all()
    assert [row["id"] for row in kept] == [rows[0]["id"]]
    assert report["dropped"] == {"too_long": 1, "control_token": 1}


def test_all_too_long_names_the_limit() -> None:
    with pytest.raises(InputError, match=r"tasks\.mt: nothing is left of 1 rows \(1 too_long\); max_tokens is 1"):
        filter_length(pairs(("a", "a")), words("a"), "{source} {target}", 1, origin="tasks.mt").all()


@pytest.mark.parametrize("text", ["{target}", "{source}", "{source}{target}", "\\1 {0}", "{{source}}"])
def test_a_text_is_never_read_as_a_template(text: str) -> None:
    _, report = filter_length(pairs((text, "a b c d e")), words(), "{source}", 50, origin="here").all()
    assert report["longest"] == len(text.split())


# Questions


def question(name: str, answers: Iterable[str] = ("乙",), **changes: str) -> dict[str, Any]:
    return {"id": name, "group": "p", "context": "甲乙", "question": "谁？", "answers": list(answers)} | changes


def test_questions_are_counted_and_their_text_is_left_alone() -> None:
    rows = [
        question("q1", context=" 甲乙e\u0301 "),
        question("q2", question=" "),
        question("q3", context=""),
        question("q4", [" ", ""]),
        question("q5", ["丙", "丁"]),
        question("q6"),
        question("q7"),
    ]
    kept, report = prepare_questions(rows, 3, origin="here").all()
    assert kept == [rows[0], rows[4], rows[5]]
    examples = {"empty_question": ["q2"], "empty_context": ["q3"], "empty_answers": ["q4"], "beyond_limit": ["q7"]}
    dropped = dict.fromkeys(examples, 1)
    assert report == {"read": 7, "kept": 3, "dropped": dropped, "examples": examples, "answer_not_in_context": 1}
    assert prepare_questions(rows, origin="here").all()[0] == [rows[0], *rows[4:]]
    with pytest.raises(InputError, match=r"cmrc\.test: nothing is left of 1 rows \(1 empty_question\)"):
        prepare_questions([question("q", question="")], 5, origin="cmrc.test").all()


@pytest.mark.parametrize("blank", ["", " ", "\u3000\u200b", "。", "- `"])
def test_a_blank_answer_is_no_answer_in_the_context(blank: str) -> None:
    kept, report = prepare_questions([question("q1", [blank, "丙"])], origin="here").all()
    assert (report["answer_not_in_context"], report["blank_answers"]) == (1, 1)
    assert kept[0]["answers"] == ["丙"]


# Real text


@needs_data
def test_news_translations_are_kept() -> None:
    source = AlignedText(
        format="aligned",
        source=NEWS / "newstest2019-ref.zho-CN.txt",
        target=NEWS / "newstest2019-ref.bod.txt",
        documents=NEWS / "DOCUMENT_IDS.tsv",
    )
    kept, report = prepare_pairs(read_pairs(source), CHINESE, NEWS_TIBETAN, origin=origin("train", [source])).all()
    assert report["read"] == 1356 == len(kept) + sum(report["dropped"].values())
    assert report["dropped"] == {"wrong_script_source": 26, "wrong_script_target": 7}  # mostly Latin names
    assert len({row["group"] for row in kept}) == 83
    # A share of a tenth, which suits rewards, would cost a quarter of the genuine Tibetan lines.
    _, report = prepare_pairs(read_pairs(source), CHINESE, TIBETAN, origin="here").all()
    assert report["dropped"]["wrong_script_target"] == 337


@needs_data
def test_news_headlines_are_kept() -> None:
    source = Headlines(
        format="headlines", text=NEWS / "newstest2019-ref.bod.txt", documents=NEWS / "DOCUMENT_IDS.tsv", segments=3
    )
    kept, report = prepare_pairs(read_pairs(source), NEWS_TIBETAN, NEWS_TIBETAN, origin="here").all()
    assert (report["read"], len(kept), report["dropped"]) == (83, 79, {"wrong_script_target": 4})
    assert max(row["source"].count("\n") for row in kept) == 2


@needs_data
def test_public_questions_are_kept() -> None:
    dev = Squad(format="squad", path=DATA / "cmrc2018/squad_dev.json")
    kept, report = prepare_questions(read_questions(dev), origin="here").all()
    assert (len(kept), report["dropped"], report["answer_not_in_context"]) == (1493, {}, 0)
    trial = Squad(format="squad", path=DATA / "cmrc2018/squad_trial.json")
    kept, report = prepare_questions(read_questions(trial), 60, origin="here").all()
    assert report["read"] == 1002 == len(kept) + sum(report["dropped"].values())
    assert report["dropped"] == {"empty_question": 2, "beyond_limit": 940}
