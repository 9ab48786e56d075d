"""Using a release: a line in, a line out."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from semalign.policy.policy_tokenizer import load_tokenizer
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json, read_jsonl, sha256, write_json, write_jsonl
from semalign.text.prompts import prompt_ids
from tests.conftest import ROOT
from tests.unit.releases import PROMPT, RUN, released_run
from tools import translate
from tools.releasing.expected import EARLIER, Expected, training_texts
from tools.releasing.finished import base_of, find
from tools.releasing.folder import settings_of

FOLDER = f"results/release/{RUN}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_policy: Path) -> Path:
    return released_run(tmp_path_factory.mktemp("run"), tiny_policy)


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


def test_a_text_unlike_those_of_the_training_is_noted_by_its_line(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = max((row["source"] for row in read_jsonl("results/data/mt/rl.jsonl")), key=len)
    translate.main(["--release", FOLDER, "--text", f"{source}\nThe teacher reads.\n{source}{source}\n2026"])
    said = [line for line in capsys.readouterr().err.splitlines() if ": the text " in line]
    rule = "letters of Han, at most 50% Latin, none of Tibetan, Hiragana, Katakana, Hangul"
    assert f"translate: line 2: the text is not in the script of zh: {rule}" in said
    assert f"translate: line 4: the text is not in the script of zh: {rule}" in said
    (longer,) = [line for line in said if line.startswith("translate: line 3")]
    assert longer.startswith("translate: line 3: the text has ")
    assert "more than any that it was trained on (at most " in longer
    assert [line for line in said if line.startswith("translate: line 1")] == []


def test_rl_has_not_read_what_it_dropped(here: Path, tiny_policy: Path) -> None:
    tokenizer = load_tokenizer(tiny_policy)
    run = find(RUN)
    sources = sorted({len(tokenizer(row["source"])["input_ids"]) for row in read_jsonl("results/data/mt/rl.jsonl")})
    assert len(sources) > 1
    assert training_texts(run, tokenizer)["longest_source"] == sources[-1]
    around = len(prompt_ids(tokenizer, [PROMPT.replace("{source}", "")])[0])
    run.training["settings"]["grpo"]["max_prompt_tokens"] = around + sources[-1] - 1
    assert training_texts(run, tokenizer)["longest_source"] == sources[-2]


@pytest.mark.parametrize("name", ["cold", "rewritten"])
def test_a_model_has_read_its_cold_starts_sources(copy: Path, tiny_policy: Path, name: str) -> None:
    """Also where the cold start learnt from targets that leave out details."""
    tokenizer = load_tokenizer(tiny_policy)
    pairs = f"results/data/mt/{name}.jsonl"
    source = "".join(row["source"] for row in read_jsonl("results/data/mt/rl.jsonl"))
    write_jsonl(pairs, [{"id": "a", "source": source, "target": "b"}])
    run = find(RUN)
    run.jobs.append({"rule": "train_sft", "settings": {}, "inputs": {pairs: sha256(pairs)}})
    assert training_texts(run, tokenizer)["longest_source"] == len(tokenizer(source)["input_ids"])


def test_what_cannot_be_judged_is_said(tiny_policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = load_tokenizer(tiny_policy)
    assert Expected({}, tokenizer).notes == [EARLIER]
    assert Expected({}, tokenizer).of_source("x") == []
    russian = {"script": "Cyrillic", "excluded_scripts": [], "latin_share": 0.1, "bleu_tokens": "13a"}
    own = russian | {"identify": "os:system", "code": "ru"}
    settings = {"source_language": "ru", "source_rules": own, "longest_source": 100}
    settings |= {"target_language": "ru", "target_rules": russian}
    expected = Expected(settings, tokenizer)
    assert expected.notes == [
        "ru: the script alone decides whether a text is in it: os:system is a function that a release does not hold"
    ]
    assert expected.of_source("учитель читает") == []
    assert expected.of_answer("the teacher reads") == [
        "the answer is not in the script of ru: letters of Cyrillic, at most 10% Latin"
    ]
    monkeypatch.setitem(sys.modules, "lingua", None)  # as where it is not installed
    settings["source_rules"] = russian | {"identify": "lingua", "code": "ru"}
    (note,) = Expected(settings, tokenizer).notes
    assert note.startswith("ru: the script alone decides whether a text is in it: identify: lingua cannot be imported")


def test_examples_before_each_prompt_are_released_with_it(copy: Path) -> None:
    shots = "results/data/mt/shots.jsonl"
    write_jsonl(shots, [{"source": "a", "target": "b", "answer": "b"}])
    record = read_json(f"results/{RUN}/predictions.jsonl.provenance.json")
    record["inputs"][shots] = sha256(shots)
    record["settings"]["tasks"]["mt"]["shots"] = {"delimiter": " = ", "separator": "\n"}
    write_json(f"results/{RUN}/predictions.jsonl.provenance.json", record)
    run = find(RUN)
    assert settings_of(run, base_of(run, None))["prompt"] == "翻译：a = b\n翻译：{source}"


def test_a_model_is_named_where_none_was(copy: Path) -> None:
    assert translate.only_release() == Path(FOLDER)
    shutil.copytree(FOLDER, "results/release/mt/strong_sft/0")
    with pytest.raises(InputError, match=r"as in MODEL=mt/rl/0; there are mt/rl/0, mt/strong_sft/0$"):
        translate.only_release()
    shutil.rmtree("results/release")
    with pytest.raises(InputError, match=r"run make release MODEL=mt/rl/0 first; there are mt/rl/0$"):
        translate.only_release()
    shutil.rmtree("results/mt")
    with pytest.raises(InputError, match=r"no model is trained yet: run make table3, then make release MODEL=mt/rl/0"):
        translate.only_release()


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
