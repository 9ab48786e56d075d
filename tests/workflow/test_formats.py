"""Formats of several files within the workflow: read by the jobs, and counted by content wherever they are named."""

import json
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from semalign.config.data import Squad
from semalign.data.questions import read_questions
from semalign.runtime.files import read_jsonl, write_json, write_jsonl
from tests.workflow.own import make_data, own_config
from tests.workflow.run import plan, snakemake

TARGETS = [
    f"results/data/{name}" for name in ("mt/split.report.json", "hg/prepared.jsonl", "cmrc/test.jsonl", "files.json")
]


def lay_out(folder: Path) -> Path:
    """The user's own data in the formats of several files, and the overlay that names them."""
    data = folder / "data"
    make_data(data)
    pairs = list(read_jsonl(data / "mt_train.jsonl"))
    for side, tag in (("source", "zhc"), ("target", "tic")):
        lines = [f"{n // 2}.jpg#{tag}#{n % 2} {row[side]}\n" for n, row in enumerate(pairs)]
        (data / f"{side}.txt").write_text("".join(lines), encoding="utf-8")
        write_jsonl(data / f"{side}.jsonl", [{"id": n, "text": row[side]} for n, row in enumerate(pairs)])
    headlines = list(read_jsonl(data / "hg_train.jsonl"))
    write_json(
        data / "headlines.json",
        [{"id": n, "content": r["source"], "title": r["target"]} for n, r in enumerate(headlines)],
    )
    (data / "annotated.csv").write_text("id,score\n3,4.5\n5,2\n")
    questions = read_questions(Squad(format="squad", path=data / "cmrc.json"))
    write_jsonl(data / "questions.jsonl", [row | {"answers": {"text": row["answers"]}} for row in questions])
    joined = {side: {"format": "jsonl", "path": f"data/{side}.jsonl"} for side in ("source", "target")}
    annotated = {"format": "csv", "path": "data/annotated.csv"}
    columns = {"source": "content", "target": "title"}
    config = own_config("data")
    changes = {
        "tasks": {
            "mt": {"train": [{"format": "captions", "source": "data/source.txt", "target": "data/target.txt"}]},
            "hg": {
                "train": [
                    {
                        "format": "json",
                        "path": "data/headlines.json",
                        "columns": columns,
                        "exclude_ids_from": [annotated],
                    }
                ]
            },
        },
        "retention": {"benchmarks": {"cmrc": {"test": [{"format": "jsonl", "path": "data/questions.jsonl"}]}}},
        "encoders": {"independent": {"train": [{"format": "joined"} | joined]}},
    }
    update_config(config, changes)
    overlay = folder / "own.yaml"
    overlay.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return overlay


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("formats")
    overlay = lay_out(folder)
    result = snakemake(folder, *TARGETS, overlays=[overlay])
    assert result.returncode == 0, result.stdout + result.stderr
    return folder, overlay


def test_formats_of_several_files_are_read_by_the_jobs(made: tuple[Path, Path]) -> None:
    folder, _ = made
    report = json.loads((folder / "results/data/hg/prepared.report.json").read_text())["train"]
    assert (report["dropped"]["excluded"], report["examples"]["excluded"]) == (2, ["3", "5"])
    assert json.loads((folder / "results/data/mt/prepared.report.json").read_text())["train"]["read"] == 60
    images = [
        {row["group"] for row in read_jsonl(folder / f"results/data/mt/{part}.jsonl")} for part in ("cold", "rl", "dev")
    ]
    assert sum(map(len, images)) == len(set.union(*images))
    files = json.loads((folder / "results/data/files.json").read_text())
    assert files["encoders.independent.train"] == 60
    assert len(list(read_jsonl(folder / "results/data/cmrc/test.jsonl"))) == 8


@pytest.mark.parametrize(
    ("name", "line", "target", "rule"),
    [
        ("annotated.csv", "7,1\n", "hg/prepared.jsonl", "prepare_pairs"),
        ("target.txt", "99.jpg#tic#0 ཆུ།\n", "mt/prepared.jsonl", "prepare_pairs"),
        ("target.jsonl", '{"id": 99, "text": "ཆུ།"}\n', "files.json", "check_files"),
    ],
)
def test_a_changed_file_within_a_source_reruns_what_reads_it(
    name: str, line: str, target: str, rule: str, made: tuple[Path, Path]
) -> None:
    folder, overlay = made
    file = folder / "data" / name
    before = file.read_text(encoding="utf-8")
    file.write_text(before + line, encoding="utf-8")
    assert plan(folder, f"results/data/{target}", overlays=[overlay])[rule] == 1
    file.write_text(before, encoding="utf-8")  # dates count for nothing
    assert plan(folder, f"results/data/{target}", overlays=[overlay]) == {}
