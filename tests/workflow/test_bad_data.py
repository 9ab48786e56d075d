"""Bad files through the workflow: one message that names the place, and nothing half-written."""

from pathlib import Path

import pytest
import yaml

from tests.workflow.run import snakemake

GOOD = '{"id": "1", "source": "老师看书。", "target": "དགེ་རྒན་གྱིས་དཔེ་ཆ་བལྟས།"}\n'
CASES: dict[str, tuple[str | bytes, str]] = {
    "missing column": ('{"id": "1", "source": "老师看书。"}\n', "data.jsonl:1"),
    "broken JSON": (GOOD + '{"id": "2", "source": \n', "data.jsonl:2: broken JSON"),
    "broken UTF-8": (GOOD.encode() + b'{"id": "2", "source": "\xff\xfe", "target": "x"}\n', "data.jsonl:2: not UTF-8"),
    "empty file": ("", "data.jsonl: holds no rows"),
    "wrong script": (GOOD.replace("དགེ་རྒན་གྱིས་དཔེ་ཆ་བལྟས།", "the teacher reads"), "1 wrong_script_target"),
    "everything empty": (GOOD.replace("老师看书。", " "), "nothing is left of 1 rows (1 empty_source)"),
    "repeated id": (GOOD + GOOD, "data.jsonl:2: id '1' was already at line 1"),
}


@pytest.mark.parametrize("case", CASES)
def test_one_message_and_nothing_written(tmp_path: Path, case: str) -> None:
    content, message = CASES[case]
    data = tmp_path / "data.jsonl"
    data.write_bytes(content if isinstance(content, bytes) else content.encode())
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump({"tasks": {"mt": {"train": [{"format": "jsonl", "path": "data.jsonl"}]}}}))
    result = snakemake(tmp_path, "results/data/mt/prepared.jsonl", overlays=[overlay, small_world(tmp_path)])
    assert result.returncode != 0
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert list((tmp_path / "results" / "data").rglob("*.json*")) == []


def small_world(folder: Path) -> Path:
    """An overlay that keeps the world's other files small."""
    overlay = folder / "small.yaml"
    counts = [
        "questions",
        "translations",
        "texts",
        "hg_train",
        "hg_test",
        "cmrc_test",
        "encoder_triplets",
        "exam_scenes",
    ]
    overlay.write_text(yaml.safe_dump({"world": dict.fromkeys(counts, 10) | {"mt_train": 10, "mt_test": 10}}))
    return overlay


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump({"tasks": {"mt": {"train": [{"format": "jsonl", "path": "absent.jsonl"}]}}}))
    result = snakemake(tmp_path, "--dry-run", "results/data/mt/prepared.jsonl", overlays=[overlay])
    assert result.returncode != 0
    assert "absent.jsonl" in result.stdout + result.stderr
