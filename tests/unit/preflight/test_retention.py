"""Retention benchmarks in the config: which is primary, and what cannot be."""

import copy
import re
from typing import Any

import pytest

from semalign.preflight.root import Config, validate
from semalign.runtime.errors import InputError
from tests.unit.shipped import SHIPPED, changed, message

XCOPA: dict[str, Any] = {
    "kind": "multiple_choice",
    "test": [{"format": "jsonl", "path": "a.jsonl"}],
    "prompt": "{premise}{question}",
    "choices": ["choice1", "choice2"],
}
TEXT: dict[str, Any] = {"kind": "perplexity", "test": [{"format": "lines", "path": "a.txt"}]}
CMRC = SHIPPED["retention"]["benchmarks"]["cmrc"]


def of(benchmarks: dict[str, Any], **changes: Any) -> Config:
    raw = copy.deepcopy(SHIPPED)
    raw["retention"] = {"benchmarks": benchmarks} | {k: v for k, v in changes.items() if k == "primary"}
    return validate(raw | {k: v for k, v in changes.items() if k != "primary"})


def refused(benchmarks: dict[str, Any], **changes: Any) -> str:
    with pytest.raises(InputError) as caught:
        of(benchmarks, **changes)
    return str(caught.value)


def test_the_primary_one_comes_first_and_the_others_by_name() -> None:
    found = of({"cmrc": CMRC, "xcopa": XCOPA, "news": TEXT}, primary="xcopa")
    assert list(found.retention.ordered) == ["xcopa", "cmrc", "news"]
    assert found.retention.main_column == "xcopa_acc"
    assert found.passages_of() == "cmrc"
    assert of({"a": CMRC}).retention.main_column == "a_avg"
    squad = of({"a": CMRC | {"rules": "squad"}}).retention
    assert (squad.main_column, squad.ordered["a"].measures) == ("a_f1", ["f1", "em"])
    assert (
        of({"a": XCOPA | {"measure": "acc_norm"}}, forgetting=None, policy=POLICY).retention.main_column == "a_acc_norm"
    )


POLICY = SHIPPED["policy"] | {
    "pretraining": SHIPPED["policy"]["pretraining"] | {"corpus": SHIPPED["policy"]["pretraining"]["corpus"][1:]}
}


@pytest.mark.parametrize(
    ("benchmarks", "changes", "said"),
    [
        ({"cmrc": CMRC, "xcopa": XCOPA}, {}, "retention: primary: name one of ['cmrc', 'xcopa']"),
        ({"cmrc": CMRC}, {"primary": "x"}, "retention: primary: x is not among benchmarks: ['cmrc']"),
        ({"Cmrc": CMRC}, {}, "must be made of small letters"),
        ({}, {}, "retention.benchmarks"),
        ({"mt": CMRC}, {}, "retention.benchmarks: mt is the name of a folder of other data"),
        (
            {"a": CMRC | {"kind": "quiz"}},
            {},
            "kind: 'quiz' is not one of 'extractive', 'multiple_choice', 'perplexity'",
        ),
        (
            {"a": XCOPA},
            {"forgetting": None},
            "policy.pretraining.corpus.0: questions are shown with the prompt of an extractive",
        ),
        ({"a": XCOPA}, {"policy": POLICY}, "forgetting: no benchmark has passages"),
        ({"a": CMRC | {"stop": [""]}}, {}, "retention.benchmarks.a.stop.0: is empty"),
        ({"a": CMRC | {"no_answer": "none"}}, {}, "the rules of cmrc2018 know no unanswerable questions"),
        (
            {"a": CMRC | {"shots": {"count": 1, "source": CMRC["test"]}}},
            {},
            "retention.benchmarks.a: shots.source: names a source of test, too",
        ),
        ({"a": XCOPA | {"prompt": "none"}}, {}, "names no column in braces"),
        ({"a": XCOPA | {"words": {"x": {"a": "b"}}}}, {}, "words: ['x'] stand in no braces of the prompt"),
        ({"a": XCOPA | {"choices": ["one"]}}, {}, "retention.benchmarks.a.choices"),
        ({"a": {"kind": "lm_eval", "metric": "acc"}}, {}, "retention.benchmarks.a: give either task or file"),
        (
            {"a": CMRC},
            {"statistics": {"primary": [{"task": "mt", "measure": "cmrc_avg"}]}},
            "statistics.primary.0.measure: 'cmrc_avg' is none of retention, a_avg, judge_net",
        ),
    ],
)
def test_what_cannot_be_is_said(benchmarks: dict[str, Any], changes: dict[str, Any], said: str) -> None:
    assert said in refused(benchmarks, **changes)


def test_a_task_with_stop_strings_and_examples() -> None:
    raw = copy.deepcopy(SHIPPED)
    raw["tasks"]["mt"] |= {"stop": ["\n"], "shots": {"count": 2, "source": "train"}}
    assert validate(raw).tasks["mt"].stop == ["\n"]
    key = r"config key tasks\.mt\.shots\.source"
    for source, wrong in (
        ([{"format": "lines", "path": "x"}], rf"{key}\.0: format: 'lines' is not one of .*"),
        ("trian", rf"{key}: Input should be 'train', found 'trian'\n{key}: .* list, found 'trian'"),
    ):
        raw["tasks"]["mt"]["shots"] = {"count": 2, "source": source}
        with pytest.raises(InputError) as found:
            validate(raw)
        assert re.fullmatch(wrong, str(found.value))
    raw["tasks"]["mt"]["shots"] = {"count": 2, "source": raw["tasks"]["mt"]["test"]}
    with pytest.raises(InputError, match=r"tasks\.mt: shots\.source: names a source of test, too"):
        validate(raw)


def test_a_template_is_for_a_given_policy() -> None:
    said = message(changed("policy.chat_template", "a.jinja"))
    assert "config key policy: chat_template: is for a policy at path" in said
