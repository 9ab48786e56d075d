"""A language model as the judge through Snakemake, against a server on localhost and answers made beforehand."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, TINY
from tests.unit.chat_server import ChatServer, Reply, Request, completion, error, longer
from tests.unit.policies import policy, tokenizer_of
from tests.unit.scored import write_lines
from tests.workflow.run import plans, snakemake

KEY = "workflow-key-91c4be07"
TARGET = "results/mt/judge/0.json"
ITEMS = 12


def judge(server: ChatServer, **changes: Any) -> dict[str, Any]:
    second = {"model": "other", "base_url": server.url, "prices": None, "share": 0.5}
    given = {
        "kind": "openai",
        "model": "judge-1",
        "base_url": server.url,
        "parameters": {"max_tokens": 100, "temperature": 0},
        "prices": {"input": 1000.0, "output": 1000.0},
        "ceiling": 100.0,
        "pilot": 2,
        "first_wait": 0.01,
        "self_agreement": 0.25,
        "prompts": {"mt": "translation_zh_bo"},
        "second": second,
    }
    return given | changes


def overlay(folder: Path, name: str, judge: dict[str, Any], **more: Any) -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump({"judge": judge} | more, allow_unicode=True))
    return file


def run(folder: Path, *overlays: Path, targets: tuple[str, ...] = (TARGET,)) -> subprocess.CompletedProcess[str]:
    environment = {"OPENAI_API_KEY": KEY, "NO_PROXY": "127.0.0.1"}
    return snakemake(folder, *targets, overlays=[TINY, *overlays], environment=environment)


def prepare(folder: Path) -> None:
    """What the rule reads, as two runs would have left it: strong SFT's answers are longer at even items."""
    items = [{"id": f"i{i}", "group": str(i), "source": f"来源{i}", "target": "ཀ"} for i in range(ITEMS)]
    write_lines(folder / "results/data/mt/test.jsonl", items)
    for model, length in (("strong_sft", lambda i: 1 + 2 * (i % 2 == 0)), ("rl", lambda i: 2)):
        answers = [
            {"testset": "mt", "id": f"i{i}", "output": "ཀ" * length(i) + f"།{i}", "tokens": 3, "truncated": False}
            for i in range(ITEMS)
        ]
        write_lines(folder / f"results/mt/{model}/0/predictions.jsonl", answers)


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with ChatServer().running() as running:
        yield running


@pytest.fixture(scope="module")
def finished_judging(server: ChatServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where everything was judged; the server echoes the key and has trouble now and then."""
    folder = tmp_path_factory.mktemp("judged")
    prepare(folder)

    def behave(request: Request) -> Reply:
        if request.time == 1 and "来源3\n" in request.prompt:
            return error(500, None, f"trouble with {request.key}")
        if "来源5\n" in request.prompt:
            return Reply(body=completion(f"{request.key} [[1]] [[2]]"))
        return longer(request)

    server.behave = behave
    result = run(folder, overlay(folder, "own", judge(server)))
    assert result.returncode == 0, result.stdout + result.stderr
    server.behave = longer
    return folder


def test_verdicts_figures_and_agreement(finished_judging: Path) -> None:
    summary = json.loads((finished_judging / TARGET).read_text())
    assert summary["n"] == ITEMS
    assert summary["win"] == {"strong_sft": 50.0, "rl": pytest.approx(100 * 5 / 12)}
    assert (summary["tie"], summary["unparsed"]) == (0.0, pytest.approx(100 / 12))
    assert summary["judge"]["model"] == "judge-1"
    assert len(summary["prompt_sha256"]) == 16
    assert summary["agreement"]["itself"]["agreement"] == 100.0
    assert summary["agreement"]["second_judge"]["n"] + summary["agreement"]["second_judge"]["unparsed"] == 6
    rows = [json.loads(line) for line in (finished_judging / "results/mt/judge/0.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"i{i}" for i in range(ITEMS)]
    assert "Decision: [[" in rows[0]["reasons"]["forward"]
    log = (finished_judging / "results/logs/judge_pairs/mt-0.log").read_text()
    assert "by the 12 calls of the pilot" in log  # two items, two orders, three rounds
    assert "settled 42/42, calls made 54" in log  # six gave no verdict and were made twice more


def test_the_key_is_in_no_file(finished_judging: Path) -> None:
    files = [file for file in finished_judging.rglob("*") if file.is_file()]
    assert len(files) > 10
    assert [file for file in files if KEY.encode() in file.read_bytes()] == []
    assert b"[key]" in (finished_judging / "results/judge_cache/answers.sqlite").read_bytes()


VERDICTS, SUMMARY = {"judge_pairs": 1, "summarise_verdicts": 1}, {"summarise_verdicts": 1}
OTHER_SECOND = {"model": "other", "prices": None, "share": 1.0}
CASES: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "nothing": ({}, {}),
    "model": ({"model": "judge-2"}, VERDICTS),
    "base_url": ({"base_url": "http://127.0.0.1:1/v1"}, VERDICTS),
    "parameters": ({"parameters": {"max_tokens": 200, "temperature": 0}}, VERDICTS),
    "self_agreement": ({"self_agreement": 0.5}, VERDICTS),
    "second": ({"second": OTHER_SECOND}, VERDICTS),
    "no second": ({"second": None}, VERDICTS),
    "a prompt": ({"prompts": {"mt": "prompt.txt"}}, VERDICTS),
    "another task's prompt": ({"prompts": {"mt": "translation_zh_bo", "hg": "prompt.txt"}}, {}),
    "human_votes": ({"human_votes": {"mt": {"format": "csv", "path": "votes.csv"}}}, SUMMARY),
    "another task's human_votes": ({"human_votes": {"hg": {"format": "csv", "path": "votes.csv"}}}, {}),
    "prices": ({"prices": {"input": 1.0, "output": 2.0}}, {}),
    "ceiling": ({"ceiling": 1.0}, {}),
    "api_key_env": ({"api_key_env": "OTHER_KEY"}, {}),
    "pilot": ({"pilot": 5}, {}),
    "concurrency": ({"concurrency": 1}, {}),
    "max_retries": ({"max_retries": 0}, {}),
    "timeout": ({"timeout": 1}, {}),
    "first_wait": ({"first_wait": 2.0}, {}),
    "longest_wait": ({"longest_wait": 2.0}, {}),
    "the parser": ({"kind": "parser"}, VERDICTS),
}


def test_a_changed_key_reruns_what_reads_it(finished_judging: Path, server: ChatServer) -> None:
    (finished_judging / "prompt.txt").write_text("{source} {first} {second} [[0]] [[1]] [[2]]")
    (finished_judging / "votes.csv").write_text("id,vote\ni0,1\n")
    overlays = [
        [TINY, overlay(finished_judging, f"case{number}", judge(server, **changes))]
        for number, (changes, _) in enumerate(CASES.values())
    ]
    planned = plans(finished_judging, overlays, target=TARGET)
    assert dict(zip(CASES, planned, strict=True)) == {case: jobs for case, (_, jobs) in CASES.items()}


def test_a_model_trained_elsewhere_is_judged_beside_ours(finished_judging: Path, server: ChatServer) -> None:
    """Its answers are longer than all others. The comparison of RL with strong SFT stays as it is."""
    policy(finished_judging / "theirs", tokenizer_of("chatml"))
    answers = [
        {"testset": "mt", "id": f"i{i}", "output": f"{'ཀ' * 5}།{i}", "tokens": 3, "truncated": False}
        for i in range(ITEMS)
    ]
    write_lines(finished_judging / "results/models/theirs/predictions.jsonl", answers)
    theirs = {"model": "theirs", "tasks": ["mt"], "judged_against": ["strong_sft", "rl"]}
    own = overlay(finished_judging, "theirs", judge(server), models={"theirs": theirs})
    assert plans(finished_judging, [[TINY, own]], target=TARGET) == [{}]
    before = sum(server.asked.values())
    targets = tuple(f"results/mt/judge/theirs-{other}-0.json" for other in ("strong_sft", "rl"))
    result = run(finished_judging, own, targets=targets)
    assert result.returncode == 0, result.stdout + result.stderr
    for target, other in zip(targets, ("strong_sft", "rl"), strict=True):
        summary = json.loads((finished_judging / target).read_text())
        assert summary["win"] == {other: 0.0, "theirs": 100.0}
        assert summary["net_of"] == f"theirs - {other}"
    assert sum(server.asked.values()) - before == 2 * 2 * (ITEMS + 3 + 6)  # two orders, two opponents
    files = [finished_judging / target.replace(".json", ".jsonl") for target in targets]
    rows = [file.read_bytes() for file in files]
    for file in [*files, *(finished_judging / target for target in targets)]:
        file.unlink()
    result = run(finished_judging, own, targets=targets)
    assert result.returncode == 0, result.stdout + result.stderr
    assert sum(server.asked.values()) - before == 2 * 2 * (ITEMS + 3 + 6)  # nothing is paid twice
    assert [file.read_bytes() for file in files] == rows


def test_what_has_no_verdict_is_asked_again_at_a_command_and_nothing_else_is_paid(tmp_path: Path) -> None:
    prepare(tmp_path)
    with ChatServer().running() as server:
        own = overlay(tmp_path, "own", judge(server, self_agreement=0.0, second=None))
        refusal = error(400, "invalid_request_error", f"Content Exists Risk, says \\u0022{KEY}\\u0022")
        server.behave = lambda request: refusal if "来源3\n" in request.prompt else longer(request)
        result = run(tmp_path, own)
        assert result.returncode == 0, result.stdout + result.stderr
        assert json.loads((tmp_path / TARGET).read_text())["unparsed"] == pytest.approx(100 / 12)
        assert plans(tmp_path, [[TINY, own]], target=TARGET) == [{}]
        tool = [sys.executable, str(ROOT / "tools" / "judge_again.py")]
        told = subprocess.run(tool, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        assert told.startswith("2 questions have no verdict (refused by the server 2).")
        server.behave = longer
        result = run(tmp_path, own)
        assert result.returncode == 0, result.stdout + result.stderr
        assert sum(server.asked.values()) == 2 * ITEMS + 2
        assert json.loads((tmp_path / TARGET).read_text())["unparsed"] == 0.0
        assert plans(tmp_path, [[TINY, own]], target=TARGET) == [{}]
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert [file for file in files if KEY.encode() in file.read_bytes()] == []
