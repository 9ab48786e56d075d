"""Files that are read late, or whose rows must not meet others: what is wrong is said before anything costly."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.workflow.run import command, runs
from tests.workflow.test_bad_data import COSTLY, prepare, template

__all__ = ["template"]  # a fixture

NONE_SHIPPED = dict.fromkeys(("raw", "monolingual", "bilingual", "bert"))
NO_METHODS = dict.fromkeys(yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["frontier"]["methods"])
TABLE = {"format": "jsonl", "path": "late.jsonl"}
QUESTIONS = {"format": "squad", "path": "data/cmrc.json"}
ONE_QUESTION = (
    '{"data": [{"paragraphs": [{"context": "书", "qas": [{"id": "cmrc-0-what", "question": "书？", '
    '"answers": [{"text": "书", "answer_start": 0}]}]}]}]}'
)
REPLAY = {"method": "replay", "strengths": [16], "share": 0.2, "texts": [{"kind": "text", "source": TABLE}]}
JUDGE = {"kind": "openai", "model": "m", "prices": None, "ceiling": None, "second": None}


def encoder(**changes: Any) -> dict[str, Any]:
    return {"encoder_ablation": {"task": "mt", "encoders": NONE_SHIPPED | {"own": changes}}}


# Files of the user's, what the config says beside, the message.
CASES: dict[str, tuple[dict[str, str], dict[str, Any], str]] = {
    "an ablation encoder's own table": (
        {"late.jsonl": '{"positive": "a"}\n'},
        encoder(train=[TABLE]),
        "late.jsonl:1: no column 'anchor'",
    ),
    "an ablation encoder's own lexicon": (
        {"late.txt": "书\n书\n"},
        encoder(tokenizer={"lexicon": "late.txt"}),
        "late.txt:2: '书' already stands in line 1",
    ),
    "texts to be replayed": (
        {"late.jsonl": '{"text": "书", "text": "水"}\n'},
        {
            "frontier": {
                "sft_pairs": [],
                "rl_steps": [],
                "methods": NO_METHODS | {"replay": REPLAY | {"language": "zh"}},
            }
        },
        "late.jsonl:1: the key 'text' was already at line 1; remove one of them",
    ),
    "people's votes": (
        {"late.csv": "id,vote\na,3\n"},
        {"judge": JUDGE | {"human_votes": {"mt": {"format": "csv", "path": "late.csv"}}}},
        "late.csv:2: the vote on 'a' is '3'; it must be 1, 2 or 0",
    ),
    "a question in two files": (
        {"late.json": ONE_QUESTION},
        {"retention": {"benchmarks": {"cmrc": {"test": [QUESTIONS, QUESTIONS | {"path": "late.json"}]}}}},
        "retention.benchmarks.cmrc.test.1 (late.json): id 'cmrc-0-what' is also in "
        "retention.benchmarks.cmrc.test.0 (data/cmrc.json)",
    ),
    "a corpus of test texts": (
        {},
        {"policy": {"pretraining": {"corpus": [{"kind": "questions", "source": QUESTIONS}]}}},
        "data/cmrc.json: nothing is left of 8 documents (8 hold a text of a test set",
    ),
}


def laid_out(folder: Path, template: Path, case: str) -> Path:
    files, changes, _ = CASES[case]
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    return prepare(folder, template, changes)


@pytest.fixture(scope="module")
def failed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, Path]]:
    """(exit status, what was printed, folder) of every case."""
    folders = {case: tmp_path_factory.mktemp("late") / "run" for case in CASES}
    overlays = {case: laid_out(folder, template, case) for case, folder in folders.items()}
    ended = runs([command(folders[case], *COSTLY, "--cores", "1", overlays=[overlays[case]]) for case in CASES])
    return {case: (*ran, folders[case]) for case, ran in zip(CASES, ended, strict=True)}


@pytest.mark.parametrize("case", CASES)
def test_it_is_said_before_anything_costly(case: str, failed: dict[str, tuple[int, str, Path]]) -> None:
    status, said, folder = failed[case]
    assert status != 0
    assert said.count(CASES[case][2]) == 1, said[-3000:]
    assert "Traceback" not in said
    assert not list((folder / "results" / "logs").rglob("train_base*"))
