import gzip
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semalign.runtime.errors import InputError
from semalign.runtime.files import (
    read_json,
    read_jsonl,
    read_lines,
    replacing,
    replacing_folder,
    sha256,
    write_json,
    write_jsonl,
)
from tests.conftest import ROOT

WRITER = f"""
import sys, time
sys.path.insert(0, {str(ROOT / "workflow" / "scripts")!r})
from semalign.runtime.files import replacing, replacing_folder
with replacing(sys.argv[1]) as file, replacing_folder(sys.argv[2]) as folder:
    file.write("half")
    (folder / "half").mkdir()
    print("up", flush=True)
    time.sleep(60)
"""


def written(folder: Path, content: bytes, name: str = "data.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_lines_have_numbers_and_lose_bom_and_line_ends(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbfone\r\n\r\nthree\xe2\x80\xa8still three\nfour")
    assert list(read_lines(path)) == [(1, "one"), (2, ""), (3, "three\u2028still three"), (4, "four")]


def test_what_gzip_has_compressed_is_unpacked_and_damage_is_named(tmp_path: Path) -> None:
    packed = gzip.compress("\ufeff书\r\nb\n".encode())
    assert list(read_lines(written(tmp_path, packed))) == [(1, "书"), (2, "b")]
    for name, damaged in {"end.gz": packed[:-6], "sum.gz": packed[:-8] + b"\0" * 8, "no.gz": b"\x1f\x8b"}.items():
        with pytest.raises(InputError, match=rf"{name}:\d: gzip cannot unpack it"):
            list(read_lines(written(tmp_path, damaged, name)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"a": 1,\n "b": [{"a": 1}, {"a": 1}],\n\n "a": 2}', ":4: the key 'a' was already at line 1"),
        ('[{"x": {\n"k": "{\\"k\\": 1",\n"k": []}}]', ":3: the key 'k' was already at line 2"),
        ('{"k": 1, "\\u006b" : 1}', ":1: the key 'k' was already at line 1"),
        ('{"a": {"": 0, "": 0}}', ":1: the key '' was already at line 1"),
    ],
)
def test_a_key_twice_in_an_object_is_named_by_line(tmp_path: Path, content: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        read_json(written(tmp_path, content.encode(), "data.json"))
    assert str(caught.value) == f"{tmp_path}/data.json{expected}; remove one of them"
    line = content.replace("\n", " ")
    with pytest.raises(InputError, match=r"data\.jsonl:2: .*(the key|found list)"):
        list(read_jsonl(written(tmp_path, f"{{}}\n{line}\n".encode())))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.dictionaries(st.text(), VALUES), max_size=4))
def test_written_rows_are_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("files") / "new" / "rows.jsonl"
    assert write_jsonl(path, rows) == len(rows)
    assert list(read_jsonl(path)) == rows
    write_json(path.with_suffix(".json"), rows)
    assert read_json(path.with_suffix(".json")) == rows


def test_text_is_written_as_itself(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", [{"text": "བོད་ཡིག"}])
    assert (tmp_path / "a.jsonl").read_bytes() == '{"text": "བོད་ཡིག"}\n'.encode()


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_jsonl(path, [{"n": 1}])

    def rows() -> Any:
        yield {"n": 2}
        raise KeyError("stop")

    with pytest.raises(KeyError):
        write_jsonl(path, rows())
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert list(read_jsonl(path)) == [{"n": 1}]
    assert list(tmp_path.iterdir()) == [path]


def test_unfinished_write_has_another_name(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with replacing(path) as file:
        file.write("half")
        file.flush()
        assert not path.exists()
    assert path.read_text() == "half"


def test_what_a_killed_write_left_is_removed_by_the_next_and_a_living_one_is_left_alone(tmp_path: Path) -> None:
    targets = [tmp_path / "rows.json", tmp_path / "model"]
    neighbour = tmp_path / ".rows.json.more.5.part"  # of another file, rows.json.more
    neighbour.touch()
    os.utime(neighbour, (0, 0))
    killed, living = (
        subprocess.Popen([sys.executable, "-c", WRITER, *map(str, targets)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    for writer in (killed, living):
        assert writer.stdout is not None
        assert writer.stdout.readline() == "up\n"
    killed.kill()
    killed.wait()
    another = tmp_path / ".model.0123456789ab-1-1.part"  # of another machine
    another.mkdir()
    write_json(targets[0], 1)
    with replacing_folder(targets[1]) as folder:
        (folder / "whole").touch()
    marks = sorted(path.name.rpartition("-")[0].rpartition("-")[2] for path in tmp_path.glob(".*-*.part"))
    assert marks == sorted(["1", str(living.pid), str(living.pid)])
    os.utime(another, (time.time() - 2 * 24 * 3600,) * 2)
    with replacing_folder(targets[1]):
        pass
    assert not another.exists()
    assert neighbour.exists()
    living.kill()
    living.wait()


def test_sha256_of_file_and_folder(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    file = written(tmp_path / "b", b"abc", "c.txt")
    assert sha256(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2
    written(tmp_path, b"x", "z.txt")
    assert sha256(tmp_path) == hashlib.sha256(b"b/c.txt\0abcz.txt\0x").hexdigest()
    before = sha256(tmp_path)
    written(tmp_path, b"", ".snakemake_timestamp")  # put there by Snakemake when a job has ended
    assert sha256(tmp_path) == before
    file.rename(file.with_name("d.txt"))
    assert sha256(tmp_path) != before


def test_json_is_indented_and_unescaped(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"语言": "བོད"})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "语言": "བོད"\n}\n'
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"语言": "བོད"}
