"""docs/languages.md begins with commands that write a config: each is run as it stands, and its config is planned."""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.policies import policy, tokenizer_of
from tests.workflow.pages import blocks, project, run

SENTENCES = {
    "en": "This is sentence {} of the news.",
    "sw": "Hii ni sentensi {} ya habari.",
    "zh": "这是新闻的第{}句话。",
    "ug": "بۇ خەۋەرنىڭ {} جۈملىسى.",
    "ko": "이것은 뉴스의 {} 문장입니다.",
    "bo": "འདི་གསར་འགྱུར་གྱི་ཚིག་{}ཡིན།",
}
WRITTEN = {  # by what each command must choose: scripts, BLEU's tokens and what identifies the target
    "swahili.yaml": ("Latin", "Latin", "13a", "lingua"),
    "uyghur_pairs.yaml": ("Han", "Arabic", "intl", "script"),
    "tibetan.yaml": ("Hangul", "Tibetan", "tibetan", "script"),
}


def files(folder: Path) -> None:
    """The files that the page names."""
    data = folder / "data"
    data.mkdir()
    for part, count in (("train", 120), ("test", 12)):
        rows = {code: [text.format(f"{part}{n}") for n in range(count)] for code, text in SENTENCES.items()}
        pairs = zip(rows["en"], rows["sw"], strict=True)
        lines = (f'{{"id": "{n}", "source": "{a}", "target": "{b}"}}\n' for n, (a, b) in enumerate(pairs))
        (data / f"{part}.en-sw.jsonl").write_text("".join(lines))
        for code in ("zh", "ug"):
            (data / f"{part}.{code}").write_text("".join(f"{line}\n" for line in rows[code]))
        table = "".join(f"{a}\t{b}\n" for a, b in zip(rows["ko"], rows["bo"], strict=True))
        (data / f"{part}.ko-bo.tsv").write_text(f"korean\ttibetan\n{table}")
    answers = [{"id": "q", "question": "第几句？", "answers": [{"text": "一", "answer_start": 0}]}]
    paragraphs = [{"context": "一句话。", "qas": answers}]
    questions = {"version": "1", "data": [{"title": "t", "paragraphs": paragraphs}]}
    (data / "questions.zh.json").write_text(json.dumps(questions))
    policy(folder / "models" / "base", tokenizer_of("chatml"))


def test_each_command_of_the_page_writes_a_config_that_is_planned(tmp_path: Path) -> None:
    copy = project(tmp_path)
    files(copy)
    commands = [block for block in blocks("languages", "bash") if block.startswith("make language ")]
    assert len(commands) == len(WRITTEN)
    for command in commands:
        said = run(copy, command)
        [name] = re.findall(r"OUT=(\S+)", command)
        text = (copy / name).read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 40
        overlay: dict[str, Any] = yaml.safe_load(text)
        task = overlay["tasks"]["mt"]
        source, target = (overlay["languages"][task[key]] for key in ("source_language", "target_language"))
        chosen = (source["script"], target["script"], target["bleu_tokens"], target["identify"])
        assert chosen == WRITTEN[name]
        assert not {source["script"], target["script"]} & set(target["excluded_scripts"]) - {source["script"]}
        without_lingua = target["identify"] == "lingua" and find_spec("lingua") is None
        assert ("requirements-lingua.txt" in said) == without_lingua
        more = ""
        if without_lingua:  # an extra; the script alone takes its place here
            alone = {of: {"identify": "script", "code": None, "among": None} for of in overlay["languages"]}
            (copy / "alone.yaml").write_text(yaml.safe_dump({"languages": alone}))
            more = " alone.yaml"
        planned = run(copy, f".venv/bin/snakemake results/table3.csv -n --quiet rules --configfile {name}{more}")
        assert re.search(r"^train_grpo +3$", planned, re.M)
        if not more:  # as the command says what comes next
            assert "train_grpo" in run(copy, f"make plan CONFIG={name} BIN=.venv/bin")


@pytest.mark.skipif(find_spec("lingua") is not None, reason="lingua is installed here")
def test_without_lingua_the_run_says_what_to_install(tmp_path: Path) -> None:
    copy = project(tmp_path)
    files(copy)
    run(copy, blocks("languages", "bash")[0])
    with pytest.raises(AssertionError, match=r"identify: lingua cannot be imported .*envs/requirements-lingua\.txt"):
        run(copy, ".venv/bin/snakemake -n results/table3.csv --configfile swahili.yaml")
