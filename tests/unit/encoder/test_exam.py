"""The arithmetic of the exam, on an encoder given by angles in the plane: similarity is the cosine of a difference."""

import copy
from typing import Any

import numpy as np
import pytest

from semalign.config.models import ExamThresholds
from semalign.encoder.exam import examine, shortfalls
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row

THRESHOLDS = ExamThresholds.model_validate(
    {"retrieval": 0.7, "spearman": 0.9, "auc": 0.5, "inequality": {"source_copied": 0.2}}
)
PAIRS: list[Row] = [
    {"id": "1", "group": "a", "source": "一", "target": "ཀ"},
    {"id": "2", "group": "a", "source": "二", "target": "ཁཁཁཁ"},
    {"id": "3", "group": "b", "source": "三", "target": "གག"},
    {"id": "4", "group": "b", "source": "四", "target": "ངངངངང"},
]
PROBES: list[Row] = [
    {"kind": "paraphrase", "reference": "ཀ", "candidate": "ཅ"},
    {"kind": "negated", "reference": "གག", "candidate": "མགག"},
]
COUNTED = ("left_out", "offered", "duplicate_or_empty", "trained_on", "used", "documents")
DEGREES = {"一": 0, "二": 20, "三": 100, "四": 110, "ཀ": 0, "ཁཁཁཁ": 30, "གག": 90, "ངངངངང": 150, "ཅ": 45, "མགག": 95}


def encode(texts: list[str]) -> np.ndarray:
    """A final shad turns a text by 10 degrees; a text repeated lies where it lay."""
    degrees = [DEGREES[t.split()[0].rstrip("།")] + 10 * t.endswith("།") for t in texts]
    return 3.0 * np.stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], axis=1)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return examine(encode, PAIRS, PROBES, ["未见"])


def test_retrieval(report: dict[str, Any]) -> None:
    # 四 (110°) lies nearer to གག (90°) than to its own target (150°); every target finds its source
    assert report["retrieval"] == {"n": 4, "source_to_target": 0.75, "target_to_source": 1.0}


def test_similarity_by_grade(report: dict[str, Any]) -> None:
    means = {grade: (entry["n"], entry["mean"]) for grade, entry in report["grades"].items()}
    assert means["near_identical"] == (4, pytest.approx(0.984808, abs=1e-6))  # cos 10°
    assert means["paraphrase"] == (1, pytest.approx(0.707107, abs=1e-6))  # cos 45°
    assert means["clause_replaced"] == (0, None)  # no target has two clauses
    assert means["same_document"] == (4, pytest.approx(0.683013, abs=1e-6))  # cos 30° twice, cos 60° twice
    assert means["random"] == (4, pytest.approx(-0.25))  # nearest in length: cos 90° twice, cos 120° twice


def test_spread_and_example_of_a_grade(report: dict[str, Any]) -> None:
    # cos 60° twice, cos 30° twice: linear interpolation at places .3, 1.5 and 2.7
    spread = [report["grades"]["same_document"][name] for name in ("p10", "median", "p90")]
    assert spread == pytest.approx([0.5, 0.683013, 0.866025], abs=1e-6)
    assert report["grades"]["clause_replaced"] == dict.fromkeys(("mean", "p10", "median", "p90")) | {"n": 0}
    assert report["examples"]["clause_replaced"] is None
    assert report["examples"]["paraphrase"] == {
        "reference": "ཀ",
        "candidate": "ཅ",
        "similarity": pytest.approx(0.707107, abs=1e-6),
    }
    # all four are in the middle half, and the first pair's are shortest
    assert {report["examples"]["same_document"][side] for side in ("reference", "candidate")} == {"ཀ", "ཁཁཁཁ"}


def test_example_is_of_middling_similarity() -> None:
    # cos 80°, cos 45° and cos 5°: the shortest pair is the least similar, and the quarter of it is left out
    probes = [
        {"kind": "paraphrase", "reference": "ཀ", "candidate": "ཇ"},
        *({"kind": "paraphrase", "reference": "ཀ", "candidate": "ཅཅ"} for _ in range(2)),
        {"kind": "paraphrase", "reference": "ཀ", "candidate": "ཆཆཆ"},
    ]
    degrees = DEGREES | {"ཇ": 80, "ཅཅ": 45, "ཆཆཆ": 5}
    report = examine(lambda texts: _at(texts, degrees), PAIRS, probes, [])
    assert report["examples"]["paraphrase"]["candidate"] == "ཅཅ"


def test_spearman_with_ties(report: dict[str, Any]) -> None:
    # centred ranks of grade: 4 x -4.5, 4 x -.5, 2, 4 x 4.5
    # centred ranks of similarity: -5.5 -5.5 -3.5 -3.5, -1.5 -1.5 1.5 1.5, 0, 4 x 4.5
    assert report["spearman"]["n"] == 13
    assert report["spearman"]["value"] == pytest.approx(162 / np.sqrt(167 * 175))
    assert report["spearman"]["ceiling"] == pytest.approx(np.sqrt(167 / 182))


def test_auc_of_neighbouring_grades(report: dict[str, Any]) -> None:
    assert report["auc"] == [
        {"higher": "near_identical", "lower": "paraphrase", "n": [4, 1], "auc": 1.0},
        {"higher": "paraphrase", "lower": "same_document", "n": [1, 4], "auc": 0.5},
        {"higher": "same_document", "lower": "random", "n": [4, 4], "auc": 1.0},
    ]


def test_unrelated(report: dict[str, Any]) -> None:
    assert report["unrelated"]["n"] == 8
    assert report["unrelated"]["target_target"] == pytest.approx(-0.216506, abs=1e-6)
    assert report["unrelated"]["source_target"] == pytest.approx(-0.145849, abs=1e-6)


def test_inequalities(report: dict[str, Any]) -> None:
    found = report["inequalities"]
    # sources against references: 0°, 10°, 10°, 40°; the good ones: a paraphrase at 45°, then shad variants at 10°
    assert found["source_copied"]["n"] == 4
    assert found["source_copied"]["against_paraphrase"] == 1
    assert found["source_copied"]["share"] == 0.25
    assert found["source_copied"]["mean"] == pytest.approx(0.933915, abs=1e-6)
    assert found["source_copied"]["margin"] == pytest.approx(-0.018532, abs=1e-6)
    assert found["negated"]["n"] == 1
    assert found["negated"]["share"] == 0.0  # 5° away, nearer than the shad variant
    assert found["repeated_twice"]["share"] == 0.0  # the encoder cannot see it, and the report says so
    for kind in ("number_swapped", "name_swapped", "reordered", "truncated", "code_mixed"):
        assert found[kind] == {"n": 0, "against_paraphrase": 0, "share": None, "mean": None, "margin": None}


def test_several_paraphrases_are_averaged() -> None:
    # cos 45° and cos 60° average .604 < cos 50°, though the first alone is above it
    probes = [
        {"kind": "paraphrase", "reference": "ཀ", "candidate": "ཅ"},
        {"kind": "paraphrase", "reference": "ཀ", "candidate": "ཆ"},
        {"kind": "negated", "reference": "ཀ", "candidate": "ཇ"},
    ]
    degrees = DEGREES | {"ཆ": 60, "ཇ": 50}
    report = examine(lambda texts: _at(texts, degrees), PAIRS, probes, [])
    assert report["inequalities"]["negated"]["share"] == 0.0
    assert report["inequalities"]["negated"]["margin"] == pytest.approx(0.603553 - 0.642788, abs=1e-6)


def _at(texts: list[str], degrees: dict[str, int]) -> np.ndarray:
    angles = np.radians([degrees[t.split()[0].rstrip("།")] + 10 * t.endswith("།") for t in texts])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_documents_trained_on_are_left_out_whole() -> None:
    third = [
        {"id": "5", "group": "c", "source": "五", "target": "ཅ"},
        {"id": "6", "group": "c", "source": "六", "target": "མགག"},
    ]
    degrees = DEGREES | {"五": 5, "六": 6}
    # the same text but for its shad and spaces is the same text
    report = examine(lambda texts: _at(texts, degrees), PAIRS + third, PROBES, [" གག ། "])
    assert report["pairs"] == dict(zip(COUNTED, (0, 6, 0, 2, 4, 2), strict=True))
    assert report["probes"] == {"offered": 2, "trained_on": 1, "used": 1}
    assert report["inequalities"]["negated"]["n"] == 0


def test_duplicates_are_left_out() -> None:
    again = {"id": "9", "group": "b", "source": "九", "target": "ཀ།"}
    alone = {"id": "10", "left_out": "no_partner"}  # by its source
    report = examine(encode, [*PAIRS, again, alone], PROBES, [])
    assert report["pairs"] == dict(zip(COUNTED, (1, 5, 1, 0, 4, 2), strict=True))


def test_size_limits_the_pairs_and_the_seed_decides() -> None:
    pairs = [
        {"id": str(i), "group": str(i), "source": chr(0x4E00 + i), "target": chr(0x0F40 + i // 6) + chr(0x0F50 + i % 6)}
        for i in range(30)
    ]

    def spread(texts: list[str]) -> np.ndarray:
        return np.stack([np.ones(len(texts)), [sum(map(ord, t)) % 97 for t in texts]], axis=1)

    first = examine(spread, pairs, [], [], size=10)
    assert first["pairs"]["used"] == 10
    assert examine(spread, pairs, [], [], size=10) == first
    assert examine(spread, pairs, [], [], size=10, seed=1) != first


def test_an_encoder_that_sees_no_difference_orders_nothing() -> None:
    report = examine(lambda texts: np.ones((len(texts), 2)), PAIRS, PROBES, [])
    assert report["spearman"]["value"] == 0.0
    assert [entry["auc"] for entry in report["auc"]] == [0.5, 0.5, 0.5]
    assert report["retrieval"]["source_to_target"] == 0.0  # a tie is not a find
    assert report["inequalities"]["source_copied"]["share"] == 0.0


@pytest.mark.parametrize(
    ("pairs", "probes", "message"),
    [
        ([{"group": "a", "source": "一"}], [], r"exam\.pairs: row 1 has no column 'target'"),
        (PAIRS, [{"kind": "negated", "reference": "ཀ"}], r"exam\.probes: row 1 has no column 'candidate'"),
        (PAIRS, [{"kind": "denied", "reference": "ཀ", "candidate": "ཁ"}], r"unknown kind 'denied' in row 1"),
    ],
)
def test_wrong_rows(pairs: list[Row], probes: list[Row], message: str) -> None:
    with pytest.raises(InputError, match=message):
        examine(encode, pairs, probes, [])


def test_nothing_falls_short_of_thresholds_that_are_reached(report: dict[str, Any]) -> None:
    assert shortfalls(report, THRESHOLDS) == []


@pytest.mark.parametrize(
    ("thresholds", "messages"),
    [
        ({"retrieval": 0.8}, ["retrieval.source_to_target is 0.750, its threshold 0.800"]),
        ({"spearman": 0.95}, ["spearman is 0.948, its threshold 0.950"]),
        ({"auc": 0.6}, ["auc of paraphrase over same_document is 0.500, its threshold 0.600"]),
        (
            {"inequality": {"source_copied": 0.3, "negated": 0.5}},
            [
                "inequality.source_copied is 0.250, its threshold 0.300",
                "inequality.negated is 0.000, its threshold 0.500",
            ],
        ),
    ],
)
def test_each_part_below_its_threshold_is_named(
    report: dict[str, Any], thresholds: dict[str, Any], messages: list[str]
) -> None:
    assert shortfalls(report, ExamThresholds.model_validate(THRESHOLDS.model_dump() | thresholds)) == messages


def test_a_part_without_data_is_not_held_against_the_encoder(report: dict[str, Any]) -> None:
    before = copy.deepcopy(report)
    assert shortfalls(report, THRESHOLDS.model_copy(update={"inequality": {"name_swapped": 0.9}})) == []
    assert report == before
