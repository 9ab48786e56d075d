"""The page on which a released model is tried, asked by HTTP as a browser does."""

import base64
import hashlib
import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from semalign.config.training import Lora
from semalign.generation.answers import answer_batch
from semalign.policy.models import load_adapter, load_policy, new_adapter, save_adapter
from semalign.runtime.errors import InputError
from semalign.runtime.files import read_json, read_jsonl, write_json
from semalign.text.prompts import prompt_ids
from tests.conftest import PAIRS, ROOT
from tests.unit.releases import MAX_NEW_TOKENS, PROMPT, RUN, released_run
from tests.workflow.test_progress import AS_IN_A_TERMINAL
from tools import try_model
from tools.trying.models import MOST_CHARACTERS, SideBySide
from tools.trying.serving import LARGEST

FOLDER = Path("results/release") / RUN
STRONG = Path("results/mt/strong_sft/0/adapter")
TOOL = [sys.executable, str(ROOT / "tools" / "try_model.py")]
SOURCES = [row["source"] for row in PAIRS[:4]]


class Served(NamedTuple):
    """A page that is served: its port, what was said before, and the working folder."""

    port: int
    said: str
    folder: Path
    process: subprocess.Popen[str]

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, str]:
        """Status, headers and text of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.headers, response.read().decode(errors="replace")

    def answer(self, text: str, model: str) -> dict[str, Any]:
        """What a model answers; `status` is among it."""
        body = json.dumps({"text": text, "model": model}).encode()
        status, _, said = self.ask("POST", "/answer", body, Content_Type="application/json")
        return json.loads(said) | {"status": status}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_policy: Path) -> Path:
    """A working folder with a released model, and strong SFT of the same base."""
    folder = released_run(tmp_path_factory.mktemp("run"), tiny_policy)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        model, _ = load_policy("results/base/model", "float32", "cpu")
        strong = new_adapter(model, Lora(rank=2, alpha=4, dropout=0.0), seed=1)
        with torch.no_grad():
            for name, parameter in strong.named_parameters():
                if "lora_B" in name:
                    parameter.normal_(std=0.2, generator=torch.Generator().manual_seed(7 + len(name)))
        save_adapter(strong, STRONG)
        write_json(f"{STRONG}.provenance.json", {"settings": {"prompt": PROMPT}})
    return folder


@pytest.fixture(scope="module")
def page(made: Path) -> Iterator[Served]:
    process = subprocess.Popen(
        [sys.executable, "-c", AS_IN_A_TERMINAL, *TOOL, "--port", "0"],
        cwd=made,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    while (found := re.search(r"the page is http://127\.0\.0\.1:(\d+)/; Ctrl-C ends it\n", said)) is None:
        line = process.stdout.readline()
        assert line, said
        said += line
    yield Served(int(found[1]), said, made, process)
    if process.poll() is None:
        process.kill()
    process.wait()


@pytest.fixture(scope="module")
def alone(made: Path) -> dict[str, list[str]]:
    """What each model answers to the sources when it is loaded by itself."""
    base = made / "results" / "base" / "model"
    places = {"base": None, "strong_sft": made / STRONG, "released": made / "results" / RUN / "adapter"}
    found = {}
    for name, adapter in places.items():
        model, tokenizer = load_policy(base, "float32", "cpu")
        asked: Any = load_adapter(model, adapter, trainable=False).eval() if adapter else model
        ids = prompt_ids(tokenizer, [PROMPT.replace("{source}", source) for source in SOURCES])
        found[name] = [answer_batch(asked, tokenizer, [one], MAX_NEW_TOKENS)[0].text for one in ids]
    return found


def test_models_answer_side_by_side_as_each_does_alone(page: Served, alone: dict[str, list[str]]) -> None:
    assert len({tuple(answers) for answers in alone.values()}) == 3
    for place, source in enumerate(SOURCES):
        for name in ("released", "base", "strong_sft"):
            found = page.answer(source, name)
            assert found["text"] == alone[name][place]
            assert found["seconds"] > 0
    answers = {row["id"]: row["output"] for row in read_jsonl(page.folder / "results" / RUN / "predictions.jsonl")}
    assert page.answer(SOURCES[0], "released")["text"] == answers["t0"]


def test_requests_at_once_are_answered_one_after_another(page: Served, alone: dict[str, list[str]]) -> None:
    asked = [(place, name) for place in range(2) for name in ("base", "strong_sft", "released")]
    with ThreadPoolExecutor(len(asked)) as pool:
        found = list(pool.map(lambda one: page.answer(SOURCES[one[0]], one[1])["text"], asked))
    assert found == [alone[name][place] for place, name in asked]


def test_too_many_at_once_are_asked_to_come_back(page: Served) -> None:
    with ThreadPoolExecutor(60) as pool:
        found = list(pool.map(lambda _: page.answer(SOURCES[0], "released"), range(60)))
    assert {one["status"] for one in found} <= {200, 503}
    assert len({one["text"] for one in found if one["status"] == 200}) == 1
    refused = [one["error"] for one in found if one["status"] == 503]
    assert set(refused) <= {"8 texts wait already; ask again in a while"}


def test_an_unexpected_text_is_warned_of(page: Served) -> None:
    assert page.answer(SOURCES[0], "base")["about_text"] == []
    foreign = page.answer("The teacher reads.", "base")
    assert foreign["about_text"][0].startswith("the text is not in the script of zh: letters of Han")
    long = page.answer("".join(SOURCES), "base")["about_text"]
    assert re.fullmatch(r"the text has \d+ tokens, more than any that it was trained on \(at most \d+\)", long[0])
    cut = page.answer(SOURCES[0], "released")["about_answer"]
    assert f"the answer was cut off after {MAX_NEW_TOKENS} tokens" in cut
    assert any(note.startswith("the answer is not in the script of bo: letters of Tibetan") for note in cut)


def test_the_generated_world_is_told_in_english(page: Served) -> None:
    assert page.answer("今天在饭馆女孩买了碗。", "base")["text_gloss"] == "today · girl · restaurant · buy · bowl"


def test_a_text_that_cannot_be_asked_is_refused_politely(page: Served) -> None:
    for text in ("", " \n\t\u200b"):
        assert page.answer(text, "base") == {"status": 422, "error": "there is no text yet: write some"}
    most = page.answer("好" * (MOST_CHARACTERS + 1), "base")
    assert most == {"status": 422, "error": "the text has 5,001 characters; at most 5,000 are answered"}
    assert page.answer("好", "x" * 50) == {"status": 422, "error": f"no model '{'x' * 40}' is here"}


def test_a_request_that_is_none_is_refused_and_the_page_goes_on(page: Served) -> None:
    huge = b'{"text": "' + b"a" * LARGEST + b'"}'
    for body, kind, status, why in [
        (huge, "application/json", 413, "the request has 65,548 bytes; at most 65,536 are read"),
        (b"{", "application/json", 400, "ask with a JSON object"),
        (b'{"text": 1, "model": "base"}', "application/json", 400, "ask with a JSON object"),
        (b'{"text": "\\ud800", "model": "base"}', "application/json", 400, "ask with a JSON object"),
        (b'["text"]', "application/json", 400, "ask with a JSON object"),
        (b"[" * 30_000, "application/json", 400, "ask with a JSON object"),
        (b"\xff", "application/json", 400, "ask with a JSON object"),
        (b'{"text": "a", "model": "base"}', "text/plain", 415, "ask with Content-Type: application/json"),
    ]:
        found, _, said = page.ask("POST", "/answer", body, Content_Type=kind)
        assert (found, json.loads(said)["error"][: len(why)]) == (status, why)
    assert page.ask("POST", "/answer", b"", Content_Type="application/json", Content_Length="-1")[0] == 411
    assert page.ask("GET", "/../semalign.json")[0] == 404
    with socket.create_connection(("127.0.0.1", page.port)) as silent:  # as a browser that opens one in advance
        silent.sendall(b"POST /answer HTTP/1.1\r\n")
        assert page.answer(SOURCES[0], "base")["status"] == 200


def test_only_this_machine_is_served(page: Served) -> None:
    for host in ("evil.example", f"evil.example:{page.port}", "127.0.0.1.evil.example", "me@127.0.0.1", "[::1", ""):
        for method, path in (("GET", "/"), ("GET", "/about"), ("POST", "/answer")):
            status, _, said = page.ask(method, path, Host=host)
            assert (status, json.loads(said)["error"]) == (
                403,
                f"this page answers at http://127.0.0.1:{page.port}/ alone",
            )
    assert page.ask("GET", "/", Host="localhost:9000")[0] == 200  # through a tunnel
    status, _, said = page.ask("POST", "/answer", b"{}", Origin="http://evil.example", Content_Type="application/json")
    assert (status, json.loads(said)["error"]) == (403, "a page of another site may not ask here")
    listening = Path("/proc/net/tcp").read_text() if Path("/proc/net/tcp").exists() else ""
    assert f" 00000000:{page.port:04X} " not in listening


def test_the_page_runs_its_own_script_and_asks_nobody_else(page: Served) -> None:
    status, headers, text = page.ask("GET", "/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert re.findall(r"https?://", text) == []
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in headers["Content-Security-Policy"]
    assert "innerHTML" not in script
    _, headers, _ = page.ask("GET", "/tibetan.ttf")
    assert headers["Content-Type"] == "font/ttf"


def test_the_page_says_how_models_are_asked(page: Served) -> None:
    status, headers, text = page.ask("GET", "/about")
    assert (status, headers["Content-Type"], headers["X-Content-Type-Options"]) == (200, "application/json", "nosniff")
    about = json.loads(text)
    assert (about["run"], about["max_new_tokens"], about["stop"]) == (RUN, MAX_NEW_TOKENS, [])
    assert PROMPT in about["prompt"]
    assert about["prompt"].endswith("<|im_start|>assistant\n")
    assert about["example"] in SOURCES
    assert [(model["name"], model["absent"]) for model in about["models"]] == [
        ("base", None),
        ("strong_sft", None),
        ("released", None),
    ]
    assert "semalign: strong_sft: SFT on all the data, seed 0\n" in page.said
    assert "Warning" not in page.said


def absent() -> str | None:
    return {model.name: model.absent for model in SideBySide(FOLDER).models}["strong_sft"]


def test_why_strong_sft_is_not_here_is_said(copy: Path) -> None:
    assert absent() is None
    write_json(f"{STRONG}.provenance.json", {"settings": {"prompt": "Translate: {source}"}})
    assert absent() == f"{STRONG} was trained with another prompt: Translate: {{source}}"
    Path(f"{STRONG}.provenance.json").unlink()
    other = read_json(STRONG / "trained_on.json") | {"sha256": "0" * 64}
    write_json(STRONG / "trained_on.json", other)
    assert absent() == f"{STRONG} was trained on another base than this release"
    shutil.copy(FOLDER / "trained_on.json", STRONG)
    (STRONG / "adapter_model.safetensors").write_bytes(b"damaged")
    assert str(absent()).startswith(f"{STRONG} cannot be read: ")
    shutil.rmtree(STRONG)
    assert absent() == f"{STRONG} is not here; make table3 trains it, in the folder where the results are"


def test_a_text_that_the_model_cannot_read_is_refused(copy: Path) -> None:
    config = FOLDER / "base" / "config.json"
    write_json(config, read_json(config) | {"max_position_embeddings": 128})
    models = SideBySide(FOLDER)
    assert models.answer(SOURCES[0], "base").text == models.answer(f" {SOURCES[0]}\n", "base").text
    said = (
        rf"the text is too long: its prompt has [\d,]+ tokens and an answer up to {MAX_NEW_TOKENS}, the model takes 128"
    )
    with pytest.raises(InputError, match=said):
        models.answer(SOURCES[0] * 20, "base")


def test_what_is_wrong_is_said_before_a_model_is_loaded(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^try: results/release/mt/rl/1: no release lies there; there are results/"):
        try_model.main(["--release", "results/release/mt/rl/1"])
    shutil.rmtree(FOLDER / "base")  # would fail if it were loaded
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=rf"^try: port {port}: Address already in use; take another"):
            try_model.main(["--port", str(port)])
    with pytest.raises(SystemExit, match=r"^try: port 70000: .*; take another, as in PORT=8001"):
        try_model.main(["--port", "70000"])
    assert capsys.readouterr().out == ""
    shutil.rmtree("results/release")
    with pytest.raises(SystemExit, match=r"^try: no model is released yet: run make release MODEL=mt/rl/0 first"):
        try_model.main([])


def test_ctrl_c_ends_it(page: Served) -> None:
    page.process.send_signal(signal.SIGINT)
    rest, _ = page.process.communicate(timeout=30)
    assert (page.process.returncode, rest) == (130, "\n")
    with pytest.raises(ConnectionRefusedError):
        page.ask("GET", "/")
