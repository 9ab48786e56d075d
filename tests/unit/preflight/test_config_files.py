"""A config file that YAML cannot read, or reads otherwise than it looks, is named with its line."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from semalign.preflight.config_files import check_config_files, resolved
from semalign.runtime.errors import InputError
from tests.conftest import ROOT

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("rl: {epochs: 1}\n".encode("utf-16"), ": is written in UTF-16; save it as UTF-8"),
        ("rl: {epochs: 1}\n".encode("utf-16-be"), ":1: holds the character U+0000, which YAML refuses; is it UTF-16?"),
        ("seeds: [0]\n# Größe\n".encode("latin-1"), ":2: byte 0xf6 is not UTF-8; save the file as UTF-8"),
        ("rl: {epochs: 1}\n\x07", ":2: holds the character U+0007"),
        ("rl: &a\n  epochs: 1\n  x: *a\n", ":1: config key rl.x is an alias (*name) of what it stands in"),
        ("seeds: &a [0, *a]\n", ":1: config key seeds.1 is an alias (*name) of what it stands in"),
        (LAUGHS, ": more than 100000 values, with its aliases (*name) written out"),
        ("rl:\n\tepochs: 1\n", ":2: no valid YAML: while scanning for the next token, found character '\\t'"),
        ("rl: {epochs: 1\nseeds: [0]\n", ":2: no valid YAML: while parsing a flow mapping, expected ',' or '}'"),
        ("rl: 'open\n", "no valid YAML: while scanning a quoted scalar"),
        ("a: 1\n b: 2\n", ":2: no valid YAML: mapping values are not allowed here"),
        ("rl: *b\n", ":1: no valid YAML: found undefined alias 'b'"),
        ("seeds: [0]\n---\nseeds: [1]\n", ":2: no valid YAML: expected a single document in the stream"),
        ("- 1\n", ": keys and values are needed at the top, as in `seeds: [0]`; found a list"),
        ("hello\n", "found a word"),
        ("", "found nothing"),
        ("# nothing\n", "found nothing"),
        ("rl:\n  1: 2\n", ":2: config key rl.1 is no text to YAML (int); write it in quotes"),
        ("rl: {on: 1}\n", ":1: config key rl.on is no text to YAML (bool)"),
        ("rl: {2024-01-01: 1}\n", "config key rl.2024-01-01 is no text to YAML (timestamp)"),
        ("null: 1\n", "config key null is no text to YAML (null)"),
        ("? [a, b]\n: 1\n", "config key ? is no text to YAML (seq)"),
        ("rl: !mine {epochs: 1}\n", ":1: config key rl has the tag !mine, which no config needs"),
        ("rl: !!python/object/apply:os.system [x]\n", "has the tag !!python/object/apply:os.system"),
        ("seeds: [0]\nabout: 2024-13-45\n", ":2: config key about: 2024-13-45 is no value (month must be in 1..12"),
        ("rl: <<\n", ":1: config key rl: << is no value"),
        ("seeds: [" + "9" * 5000 + "]\n", ":1: config key seeds.0: 999999"),
        ("rl: " + "[" * 5000, "brackets within brackets, deeper than can be read"),
        ("rl: {epochs: 1}\nseeds: [0]\nrl: {epochs: 2}\n", ":3: config key rl was already at line 1; remove one"),
        ('{"rl": {"epochs": 1,\n"epochs": 2}}', ":2: config key rl.epochs was already at line 1"),
    ],
)
def test_a_config_file_that_cannot_be_read(content: Any, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        check_config_files([file])
    assert str(caught.value).startswith(f"{file}:")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfseeds: [0]\n",
        b"seeds: [0]\r\n",
        b"x: &x {epochs: 1}\nrl:\n  <<: *x\n  epochs: 2\n",
        b"mt: &files [{path: a}]\nhg: *files\n",
        b"---\nseeds: [0]\n",
        b'{\n\t"seeds": [0]\n}\n',  # JSON may be indented with tabs
        b"about: 2024-01-01\nnone: ~\nyes: no\n".replace(b"yes", b"'yes'"),
    ],
)
def test_a_config_file_that_can(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    check_config_files([tmp_path / "mine.yaml"])


def test_a_config_file_that_is_not_there(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "absent.yaml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(InputError, match=f"{path}: the config cannot be read: {reason}"):
            check_config_files([path])


def test_the_tool_that_make_asks_first(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("rl:\n\tepochs: 1\n")
    command = [sys.executable, str(ROOT / "tools/check_config.py"), str(tmp_path / "mine.yaml")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"semalign: {tmp_path}/mine.yaml:2: no valid YAML")


def test_values_of_the_command_line_are_what_yaml_has_them_for() -> None:
    """Snakemake's own reading leaves the values within a list or mapping as text."""
    given = {"rl": {"temperature": "1.2", "steps": "null", "on": "true", "loss": "dapo"}, "seeds": ["0", "1"], "n": 3}
    wanted = {"rl": {"temperature": 1.2, "steps": None, "on": True, "loss": "dapo"}, "seeds": [0, 1], "n": 3}
    assert resolved(given) == wanted
    assert resolved({"a": "1e-3", "b": "1.0e-3", "c": "译: {source}", "d": "2024-13-45", "e": "", "f": "~"}) == {
        "a": "1e-3", "b": 0.001, "c": "译: {source}", "d": "2024-13-45", "e": None, "f": None
    }  # fmt: skip
