"""A rule's parameter: values whatever their order, the content of the user's files, code."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from semalign.reruns.file_hashes import Contents
from semalign.reruns.settings import RuleSettings, external


class Entry(BaseModel):
    path: Path
    number: float


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RuleSettings:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("def sure(text, code):\n    return 1.0\n")
    return RuleSettings(Contents(tmp_path / "memory.json"), {"own:sure": ["own.py"]})


def test_what_a_rule_makes_is_not_external() -> None:
    assert external(["data/b.csv", Path("data/a.csv"), "results/world/text.jsonl", "data/b.csv"]) == [
        "data/a.csv",
        "data/b.csv",
    ]


def test_the_order_of_values_does_not_count_but_their_names_do(settings: RuleSettings) -> None:
    one = settings("take_snapshot", a={"x": 1, "y": 2}, b=Entry(path=Path("p"), number=1.0))
    assert list(one.items()) == list(
        settings("take_snapshot", b={"path": "p", "number": 1.0}, a={"y": 2, "x": 1}).items()
    )
    assert one != settings("take_snapshot", a={"x": 2, "y": 1}, b={"path": "p", "number": 1.0})
    assert "take_snapshot" in one["code"]


def test_a_users_file_counts_by_its_content(settings: RuleSettings, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a\n")
    before = settings("take_snapshot", reads=["data.csv", "results/made.jsonl"])
    assert list(before["contents"]) == ["data.csv"]
    (tmp_path / "data.csv").write_text("b\n")
    assert settings("take_snapshot", reads=["data.csv"]) != before


def test_the_file_of_an_identifier_counts_where_its_language_does(settings: RuleSettings) -> None:
    language = {"script": "Han", "identify": "own:sure"}
    assert list(settings("take_snapshot", languages=[{"source": language}])["contents"]) == ["own.py"]
    assert "contents" not in settings("take_snapshot", languages=[{"source": language | {"identify": "script"}}])
