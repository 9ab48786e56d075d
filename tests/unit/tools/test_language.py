"""`make language`: what a code tells, and what of a pair of languages is refused."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from semalign.runtime.errors import InputError
from tests.conftest import ROOT
from tests.unit.policies import policy, tokenizer_of
from tools.overlaying.codes import language_of


@pytest.mark.parametrize(
    ("code", "name", "scripts", "tokens"),
    [
        ("sw", "Swahili", ["Latin"], "13a"),
        ("ug", "Uyghur", ["Arabic"], "intl"),
        ("bo", "Tibetan", ["Tibetan"], "tibetan"),
        ("zh", "Chinese", ["Han"], "zh"),
        ("ko", "Korean", ["Hangul", "Han"], "13a"),
        ("ja", "Japanese", ["Hiragana", "Katakana", "Han"], "char"),
        ("brx", "Bodo", ["Devanagari"], "intl"),
        ("kk", "Kazakh", ["Cyrillic"], "13a"),
        ("km", "Khmer", ["Khmer"], "tibetan"),
    ],
)
def test_what_a_code_tells(code: str, name: str, scripts: list[str], tokens: str) -> None:
    found = language_of(code)
    assert (found.name, found.scripts, found.bleu_tokens) == (name, scripts, tokens)


def test_unknown_codes_and_scripts_say_what_to_pass() -> None:
    with pytest.raises(
        InputError, match=r"'swahilli' is no language code .*did you mean sw \(Swahili\)\?.*ug \(Uyghur\)"
    ):
        language_of("swahilli")
    with pytest.raises(InputError, match="SCRIPTS=qqq=Latin"):
        language_of("qqq")
    assert language_of("qqq", "Latin").scripts == ["Latin"]
    with pytest.raises(InputError, match="'Latn1' is no script of Unicode"):
        language_of("qqq", "Latn1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("language")
    policy(home / "base", tokenizer_of("chatml"))
    rows = [{"id": str(n), "source": f"sentence {n}", "target": f"sentensi {n}"} for n in range(120)]
    (home / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (home / "few.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:20]))
    return home


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["--target", "en"], "SOURCE and TARGET are both en"),
        (["--train", "few.jsonl"], "TRAIN: 20 pairs are too few to divide; 100 are the least"),
        (["--train", "absent.jsonl"], "TRAIN: absent.jsonl is no file"),
        (["--train", "base/config.md"], "TRAIN: base/config.md is no file"),
        (["--base", "nowhere"], "config key policy.path: nowhere does not exist"),
        (["--prompt", "Translate"], "config key tasks.mt.prompt"),
        (["--columns", "source:en"], "MAP: 'source:en': write it as name=value"),
        (["--columns", "source=english"], "english"),
        (["--out", "few.jsonl"], "OUT: few.jsonl exists"),
    ],
)
def test_what_is_refused_writes_nothing(changes: list[str], said: str, folder: Path) -> None:
    given = ["--source", "en", "--target", "ug", "--train", "train.jsonl", "--test", "few.jsonl", "--base", "base"]
    command = [sys.executable, str(ROOT / "tools" / "language.py"), *given, "--out", "new.yaml", *changes]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not (folder / "new.yaml").exists()
