"""Using a release: a line in, a line out."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from semalign.runtime.files import read_jsonl
from tests.conftest import ROOT
from tests.unit.releases import RUN, finished_run
from tools import release, translate

FOLDER = f"results/release/{RUN}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_policy: Path) -> Path:
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        finished_run(tiny_policy)
        release.main([RUN])
    return folder


@pytest.fixture
def here(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


def pairs() -> list[tuple[str, str]]:
    """Sources of the test set and the answers when the model was measured, as one line each."""
    answers = {row["id"]: row["output"] for row in read_jsonl(f"results/{RUN}/predictions.jsonl")}
    rows = read_jsonl("results/data/mt/test.jsonl")
    return [(row["source"], " ".join(answers[row["id"]].splitlines())) for row in rows]


def test_lines_are_answered_in_order_as_they_were_when_measured(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (one, first), (two, second), (three, third), (four, fourth) = pairs()
    text = f"\ufeff{one}\r\n\n{two}\n  \n{three}\n{four}"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    translate.main(["--release", FOLDER])
    assert capsys.readouterr().out == "\n".join([first, "", second, "", third, fourth]) + "\n"


def test_a_text_and_a_file_are_answered_likewise(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, answer = pairs()[1]
    file = tmp_path / "lines.txt"
    file.write_text(f"{source}\n", encoding="utf-8")
    for given in (["--text", source], ["--file", str(file)]):
        translate.main(["--release", FOLDER, *given])
        assert capsys.readouterr().out == f"{answer}\n"


def test_an_answer_that_was_cut_off_is_noted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    translate.main(["--release", FOLDER, "--text", "\n" + pairs()[0][0]])
    assert "translate: line 2: the answer was cut off after 12 tokens\n" in capsys.readouterr().err


def test_what_is_wrong_is_said_in_one_line(here: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SystemExit, match=r"results/nothing: no release lies there; there are results/release/mt/rl/0\."
    ):
        translate.main(["--release", "results/nothing", "--text", "x"])
    with pytest.raises(SystemExit, match=r"nothing.txt: cannot be read \(No such file or directory\)"):
        translate.main(["--release", FOLDER, "--file", "nothing.txt"])
    file = tmp_path / "latin.txt"
    file.write_bytes("好\nfür\n".encode("gb18030") + b"\xfc\n")
    with pytest.raises(SystemExit, match=r"latin.txt:1: not UTF-8"):
        translate.main(["--release", FOLDER, "--file", str(file)])


def test_a_line_at_a_time_where_somebody_types() -> None:
    assert list(translate.batches(["a", "b"], 1)) == [[(1, "a")], [(2, "b")]]
    assert list(translate.batches("abcde", 2)) == [[(1, "a"), (2, "b")], [(3, "c"), (4, "d")], [(5, "e")]]


def test_a_reader_that_has_seen_enough_is_no_error(here: Path) -> None:
    lines = "\n".join(source for source, _ in pairs() * 8)
    tool = [sys.executable, str(ROOT / "tools" / "translate.py"), "--release", FOLDER]
    asked = subprocess.Popen(tool, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert asked.stdin is not None
    assert asked.stdout is not None
    assert asked.stderr is not None
    asked.stdout.close()
    asked.stdin.write(lines)
    asked.stdin.close()
    said = asked.stderr.read()
    assert asked.wait() == 0, said
    assert "Traceback" not in said
    assert "BrokenPipe" not in said
