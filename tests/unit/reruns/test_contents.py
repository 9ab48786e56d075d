"""Hashes of what the user's files hold, and the modules that a user's reward is made of."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from semalign.reruns.file_hashes import Contents
from semalign.runtime.user_functions import modules_of


def test_a_file_counts_by_what_it_holds(tmp_path: Path) -> None:
    file, memory = tmp_path / "a.txt", tmp_path / "memory.json"
    file.write_bytes(b"abc")
    contents = Contents(memory)
    assert contents.hash(file) == hashlib.sha256(b"abc").hexdigest()
    contents.save()
    status = file.stat()
    os.utime(file)  # touched
    assert Contents(memory).hash(file) == hashlib.sha256(b"abc").hexdigest()
    file.write_bytes(b"abd")  # of the same size, and then of the same date
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert Contents(memory).hash(file) == hashlib.sha256(b"abd").hexdigest()


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    file, memory = tmp_path / "a.txt", tmp_path / "memory.json"
    file.write_bytes(b"abc")
    contents = Contents(memory)
    contents.hash(file)
    contents.save()
    known = json.loads(memory.read_text())
    known[str(file)][-1] = "remembered"
    memory.write_text(json.dumps(known))
    assert Contents(memory).hash(file) == "remembered"


@pytest.mark.parametrize("damaged", ["", "[", "[]", '{"a": 1}', '{"%s": 3}', '{"%s": [1, 2, 3, 4]}'])
def test_a_damaged_memory_is_none(tmp_path: Path, damaged: str) -> None:
    file, memory = tmp_path / "a.txt", tmp_path / "memory.json"
    file.write_bytes(b"abc")
    memory.write_text(damaged.replace("%s", str(file)))
    assert Contents(memory).hash(file) == hashlib.sha256(b"abc").hexdigest()


def test_a_folder_counts_by_names_and_contents_and_not_by_hidden_files(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "a").write_text("1")
    (folder / "deep" / "b").write_text("2")
    contents = Contents(tmp_path / "memory.json")
    before = contents.hash(folder)
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").write_text("x")
    assert contents.hash(folder) == before
    (folder / "deep" / "b").rename(folder / "deep" / "c")
    renamed = contents.hash(folder)
    (folder / "a").write_text("3")
    assert len({before, renamed, contents.hash(folder)}) == 3


def test_a_memory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    contents = Contents(tmp_path / "a" / "memory.json")
    contents.hash(tmp_path / "a")
    contents.save()


def test_a_reward_is_made_of_the_modules_that_it_imports(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for name, text in {
        "reward.py": "import json\nimport helper\nfrom mine import parts\nfrom mine.deep import x\n",
        "helper.py": "import reward  # a circle\nimport numpy\n",
        "mine/__init__.py": "",
        "mine/parts.py": "",
        "mine/deep.py": "x = 1\n",
        "mine/unused.py": "",
        "json.py": "",
    }.items():
        (tmp_path / name).write_text(text)
    found = modules_of(tmp_path / "reward.py", tmp_path)
    assert found == ["helper.py", "json.py", "mine/__init__.py", "mine/deep.py", "mine/parts.py", "reward.py"]
