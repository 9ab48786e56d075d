"""Bad data: one message that names the file and line and the remedy, before anything costly, and no traceback.

Each case breaks one thing of a config that is right, and asks for what would take hours at full size: one for each file
that a config names and for each way to read it. Every message is tested in tests/unit/data.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from snakemake.utils import update_config

from tests.conftest import ROOT
from tests.workflow.own import make_data, own_config
from tests.workflow.run import command, runs, snakemake

COSTLY = ["results/base/model", "results/encoders/reward/model"]
JSONL = "mt_train.jsonl"

Break = Callable[[bytes], bytes]
# A file of the user's, what becomes of its content (or which file's it gets), and what must be said.
DATA: dict[str, tuple[str, bytes | Break | str, str]] = {
    "not UTF-8": (JSONL, lambda old: old + b'{"id": "x", "source": "\xff"}\n', "mt_train.jsonl:61: not UTF-8 (byte 0xff"),
    "the columns changed about": (
        JSONL,
        lambda old: old.replace(b'"source"', b'"x"').replace(b'"target"', b'"source"').replace(b'"x"', b'"target"'),
        "nothing is left of 60 rows (60 wrong_script_source); check the files, their columns",
    ),
    "training that is the test set": (
        JSONL,
        "mt_test.jsonl",
        "config key tasks.mt.split.dev: 8 pairs are asked for, 0 are left of 6 in the training pool (6 to test, 6 dropped",
    ),
    "too few rows": (JSONL, lambda old: b"".join(old.splitlines(keepends=True)[:30]), "config key tasks.mt.split.rl: 16 pairs"),
    "an enormous line": (JSONL, ('{"source": "' + "书" * 4_000_000 + '", "target": "ཆུ"}').encode(), "config key tasks.mt.split.dev: 8 pairs are asked for, 0 are left of 0"),
    "a test set in the wrong script": ("mt_test.jsonl", lambda old: old.replace(b'"target"', b'"x"'), "mt_test.jsonl:1: no column 'target'"),
    "questions that are not JSON": ("cmrc.json", lambda old: old[:-30], "cmrc.json:"),
    "no questions": ("cmrc.json", b'{"data": []}', "cmrc.json: holds no rows"),
    "an empty lexicon": ("lexicon.txt", b"\n\n", "lexicon.txt: holds no words; write one a line"),
    "base text without its column": ("text.jsonl", b'{"id": "1"}\n', "text.jsonl:1: no column 'text'"),
    "base questions that are broken": ("questions.json", b'{"data": [{}]}', "questions.json: data[0]: 'paragraphs' (a list) is missing"),
    "an encoder's table without its column": (
        "encoder_reward.jsonl",
        lambda old: old + b'{"id": "x", "anchor": "a"}\n',
        "encoder_reward.jsonl:81: no column 'positive'",
    ),
    "negatives in some rows alone": (
        "encoder_reward.jsonl",
        lambda old: old + b'{"id": "x", "anchor": "a", "positive": "b"}\n',
        "encoder_reward.jsonl: row 'x' has no negative",
    ),
    "the other encoder's table": ("encoder_independent.jsonl", b"{}\n", "encoder_independent.jsonl:1: no column 'anchor'"),
    "probes without their column": ("probes.jsonl", lambda old: old.replace(b'"kind"', b'"sort"'), "probes.jsonl:1: no column 'kind'"),
    "an exam without pairs": ("exam_pairs.jsonl", b"", "exam_pairs.jsonl: holds no rows"),
}  # fmt: skip


# Sources of other formats, in place of mt's training data: files and their content, the source's fields, the message.
ALIGNED = {"format": "aligned", "source": "zh.txt", "target": "bo.txt"}
DOCUMENTS = {"format": "headlines", "text": "bo.txt", "documents": "ids.txt"}
CAPTIONS = {"format": "captions", "source": "zh.txt", "target": "bo.txt"}
JOINED = {
    "format": "joined",
    "source": {"format": "csv", "path": "a.csv"},
    "target": {"format": "csv", "path": "b.csv"},
}
SOURCES: dict[str, tuple[dict[str, str | bytes], dict[str, Any], str]] = {
    "files of unlike length": (
        {"zh.txt": "书\n水\n", "bo.txt": "ཆུ།\n"},
        ALIGNED,
        "zh.txt has 2 lines and ",
    ),
    "a document in two places": (
        {"bo.txt": "ཆུ།\n" * 3, "ids.txt": "a\nb\na\n"},
        DOCUMENTS,
        "ids.txt:3: document 'a' was already at line 1",
    ),
    "an open quotation mark": (
        {"a.csv": 'source,target\n"书,ཆུ།\n水,ཆུ།\n'},
        {"format": "csv", "path": "a.csv"},
        "a.csv:2: ",
    ),
    "a column that is not there": (
        {"a.tsv": "zh\tbo\n书\tཆུ།\n"},
        {"format": "tsv", "path": "a.tsv", "columns": {"source": "zh", "target": "tibetan"}},
        "a.tsv:1: no column 'tibetan' for 'target'; columns there: zh, bo",
    ),
    "an object without its column": (
        {"a.json": '[{"zh": "书", "bo": "ཆུ།"}, {"zh": "水"}]'},
        {"format": "json", "path": "a.json", "columns": {"source": "zh", "target": "bo"}},
        "a.json: row 2: no column 'bo' for 'target'",
    ),
    "a caption twice": (
        {"zh.txt": "a.jpg#zhc#0 书\na.jpg#zhc#0 水\n", "bo.txt": "a.jpg#tic#0 ཆུ།\n"},
        CAPTIONS,
        "zh.txt:2: caption 'a.jpg#0' was already at line 1",
    ),
    "tables of other ids": ({"a.csv": "id,text\n1,书\n", "b.csv": "id,text\n2,ཆུ།\n"}, JOINED, "a.csv and b.csv have no id in common"),
    "test rows that are not among these": (
        {"a.csv": "id,source,target\n1,书,ཆུ།\n", "b.csv": "id\n2\n"},
        {"format": "csv", "path": "a.csv", "exclude_ids_from": [{"format": "csv", "path": "b.csv"}]},
        "a.csv: holds none of the ids of b.csv, whose rows are to be left out",
    ),
    "not Parquet": ({"a.parquet": b"PAR1 not really"}, {"format": "parquet", "path": "a.parquet"}, "a.parquet: cannot be read as Parquet"),
}  # fmt: skip


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


# Files that are read late, or whose rows must not meet others: what they hold, what the config says beside, the message.
LATE: dict[str, tuple[dict[str, str], dict[str, Any], str]] = {
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


def prepare(folder: Path, template: Path, changes: dict[str, Any]) -> Path:
    """Lay out a right config in `folder`, its data copied there, with changes laid over it; returns the overlay."""
    shutil.copytree(template, folder / "data")
    config = own_config("data")
    update_config(config, changes)
    overlay = folder / "own.yaml"
    overlay.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return overlay


def broken_data(folder: Path, template: Path, case: str) -> Path:
    name, change, _ = DATA[case]
    overlay = prepare(folder, template, {})
    file = folder / "data" / name
    if isinstance(change, str):
        shutil.copy(folder / "data" / change, file)
    else:
        file.write_bytes(change if isinstance(change, bytes) else change(file.read_bytes()))
    return overlay


def own_files(folder: Path, template: Path, case: str) -> Path:
    files, changes, _ = LATE[case] if case in LATE else SOURCES[case]
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return prepare(folder, template, changes if case in LATE else {"tasks": {"mt": {"train": [changes]}}})


LAID: list[tuple[dict[str, Any], Callable[[Path, Path, str], Path]]]
LAID = [(DATA, broken_data), (SOURCES, own_files), (LATE, own_files)]
MESSAGES = {case: told[2] for cases, _ in LAID for case, told in cases.items()}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "data"
    make_data(folder)
    return folder


@pytest.fixture(scope="module")
def failed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """(exit status, what was printed, folder) of every case above."""
    home = tmp_path_factory.mktemp("bad")
    folders = {case: home / str(number) for number, case in enumerate(MESSAGES)}
    commands = []
    for cases, lay in LAID:
        for case in cases:
            folders[case].mkdir()
            overlay = lay(folders[case], template, case)
            commands.append(command(folders[case], *COSTLY, "--cores", "1", overlays=[overlay]))
    return {case: (*ran, folders[case]) for case, ran in zip(MESSAGES, runs(commands), strict=True)}


@pytest.mark.parametrize("case", MESSAGES)
def test_bad_data_end_with_one_message_before_anything_costly(case: str, failed: dict[str, Any]) -> None:
    status, said, folder = failed[case]
    assert status != 0
    assert said.count(MESSAGES[case]) == 1, said[-3000:]
    assert "Traceback" not in said
    costly = ["train_base"] if case in LATE else ["train_base", "train_encoder"]
    logs = list((folder / "results" / "logs").rglob("*.log"))
    assert not [path for path in logs if any(rule in str(path) for rule in costly)]
    assert not list((folder / "results").rglob("*.part"))


def test_the_config_that_the_cases_break_is_right(template: Path, tmp_path: Path) -> None:
    overlay = prepare(tmp_path, template, {})
    result = snakemake(tmp_path, "results/data/files.json", "results/data/mt/cold.jsonl", overlays=[overlay])
    assert result.returncode == 0, result.stdout + result.stderr
    assert json.loads((tmp_path / "results/data/files.json").read_text())["encoders.reward.train"] == 80
