"""Secrets: refused in a config wherever they stand, taken out of what servers send, never shown."""

import base64
import json
import logging
import os
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from semalign.config.secrets import masked
from semalign.data.downloads import fetch
from semalign.network.redaction import redacted
from semalign.preflight.root import validate
from semalign.runtime.errors import InputError
from tests.unit.chat_server import ChatServer, Reply, Request, completion, error, longer
from tests.unit.data.test_downloads import of_urls
from tests.unit.judging.asked import KEY, judged, settings
from tests.unit.servers import Files, serving
from tests.unit.shipped import SHIPPED, message

SECRET = "zQ7-key/Ab3+dEf6hIj9Kl=mN0pQrStUv_w.YZ"


JUDGE = {"kind": "openai", "model": "m", "prices": None}


def said(**changes: Any) -> str:
    return message(SHIPPED | changes)


ADDRESSES = [
    "https://me:hunter22@host/f",
    "https://hunter22@host/f",
    "https://host/f?token=hunter22",
    "https://host/f?a=1&access_token=hunter22",
    "https://host/f?a=1;password=hunter22",
    "https://host/f?X-Amz-Credential=a&X-Amz-Signature=hunter22",
    "https://host/f?sv=2022-11-02&sr=b&sig=hunter22",
    "https://host/f?apiKey=hunter22",
    "https://host/f?auth=hunter22",
    "https://host/f#access_token=hunter22",
    "https://host/f;jsessionid=hunter22",
    "https://host/f?%74oken=hunter22",
    "https://host/f?next=https%3A%2F%2Fme%3Ahunter22%40host",
    "https://host/f?q=token%253Dhunter22",
    "https://host/f?k=9f8a7s6d5f4hunter22",
    "https://host/f?9f8a7s6d5f4g3hunter22",
    "https://host/f?k=abcdefghijklmnopqrstuvwxhunter22",
    "https://host/sk-1234567890hunter22/f",
    "https://host/hf_aB3dE5gH7jK9hunter22/f",
    "https://host/f?md5=hunter22&expires=2147483647",
    "https://host/f?tkn=hunter22",
    "ftp://me:hunter22@host/f",
    "https://us\u2100er:hunter22@host/f",
    "https://host:hunter22/f",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_with_a_secret_is_refused_without_showing_it(address: str) -> None:
    found = said(downloads={"x": {"urls": {"f": address}, "licence": "CC0"}})
    assert found.startswith("config key downloads.x.urls.f: ")
    assert "hunter22" not in found


@pytest.mark.parametrize(
    "address",
    [
        "https://zenodo.org/records/123456/files/tibetan-news-corpus-2024-part-01.jsonl?download=1",
        "https://raw.githubusercontent.com/a/b/0123456789abcdef0123456789abcdef01234567/x.csv",
        "https://host/f?ref=0123456789abcdef0123456789abcdef01234567&lang=bo",
        "https://drive.google.com/uc?id=1A2b3C4d5E6f7G8h9I0jKlMnOpQrStUv&export=download",
        "http://host:8080/~name/a@b/f.zip#part",
        "https://host/sk-slovak-news-2024-part1.jsonl",
        "https://host/f?title=Basic+translation+corpus&by=me@host",
        "https://host/f?name=The%20Quick%20Brown%20Fox",
        "https://host/f?uuid=550e8400-e29b-41d4-a716-446655440000",
    ],
)
def test_other_addresses_are_not(address: str) -> None:
    validate(SHIPPED | {"downloads": {"x": {"urls": {"f": address}, "licence": "CC0"}}})


@pytest.mark.parametrize(
    "parameters",
    [
        {"extra_body": {"api_key": "hunter22"}},
        {"extra_headers": {"Authorization": "Bearer sk-hunter22"}},
        {"data_sources": [{"parameters": {"authentication": {"type": "api_key", "key": "hunter22"}}}]},
        {"metadata": {"X-Api-Key": "hunter22"}},
        {"metadata": {"note": "Bearer hunter22hunter22"}},
        {"metadata": {"note": ["https://me:hunter22@host"]}},
        {"metadata": {"callback": "https://host/f?access_token=hunter22"}},
        {"metadata": {"note": "sk-aB3dE5gH7jK9hunter22"}},
        {"accessToken": "hunter22"},
        {"user": "aB3dE5gH7jK9mN1pQ3rS5hunter22"},
        {"metadata": {"sk-aB3dE5gH7jK9hunter22": 1}},
        {"metadata": {"note": "AccountKey=aB3dE5gH7jK9hunter22"}},
        {"a": {"b": {"c": {"clientSecret": "hunter22"}}}},
    ],
)
def test_a_secret_in_parameters_is_refused_at_every_depth(parameters: dict[str, Any]) -> None:
    found = said(judge=JUDGE | {"parameters": parameters})
    assert found.startswith("config key judge.parameters: ")
    assert "looks like a secret" in found
    assert "hunter22" not in found


def test_parameters_that_only_sound_like_it_are_sent() -> None:
    parameters = {
        "max_tokens": 5,
        "stop_token_ids": [1],
        "eos_token": "</s>",
        "prompt_cache_key": "a",
        "chat_template_kwargs": {"enable_thinking": False},
        "user": "550e8400-e29b-41d4-a716-446655440000",
        "response_format": {"json_schema": {"properties": {"key": {"type": "string"}}}},
    }
    validate(SHIPPED | {"judge": JUDGE | {"parameters": parameters}})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("base_url", "http://host/v1?api-key=hunter22"),  # nothing but the server
        ("base_url", "http://host/v1#hunter22"),
        ("base_url", "http://hunter22@host/v1"),
        ("base_url", "https://me:hunter22@host"),
        ("api_key_env", "sk-hunter22"),
        ("api_key", "sk-hunter22"),
    ],
)
def test_a_secret_of_the_judge_is_refused_without_being_shown(key: str, value: str) -> None:
    found = said(judge=JUDGE | {key: value})
    assert f"config key judge.{key}: " in found
    assert "hunter22" not in found


@pytest.mark.parametrize(
    "left",
    [
        {"parameters": {"a": {"api_key": "hunter22"}}},
        {"api_key_env": "hunter22"},
        {"base_url": "http://host/v1?key=hunter22"},
        {"second": {"api_key_env": "hunter22"}},
    ],
)
def test_what_is_left_of_a_judge_that_is_turned_off_holds_no_secret(left: dict[str, Any]) -> None:
    found = said(judge={"kind": "none"} | left)
    assert found.startswith("config key judge: ")
    assert "hunter22" not in found


def test_the_value_of_a_keys_variable_is_refused_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "plain words as a key")
    judge = {"kind": "openai", "model": "plain words as a key", "prices": None, "api_key_env": "MY_KEY"}
    found = said(judge=judge)
    assert found.startswith("config key judge.model: holds the value of the environment variable MY_KEY")
    assert "plain words" not in found
    validate(SHIPPED | {"licences": {"data": "Basic translation corpus, CC BY 4.0, https://host/about"}})
    found = said(licences={"data": "see https://me:hunter22@host"})
    assert found.startswith("config key licences.data: holds a password, key or token")


def test_a_wrong_value_is_shown_without_what_looks_secret() -> None:
    assert "hunter22" not in said(downloads={"x": ["https://me:hunter22@host/f?sig=hunter22"]})
    assert "hunter22" not in said(judge={"kind": "openai", "model": {"api_key": "hunter22"}, "prices": None})
    assert masked("at https://me:pw@h/f?token=ab&a=1") == "at https://[hidden]@h/f?token=[hidden]&a=1"


def every(form: str) -> Callable[[str], str]:
    return lambda secret: "".join(form.format(ord(character)) for character in secret)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": lambda secret: json.dumps(secret)[1:-1],
    "JSON with escaped slashes": lambda secret: secret.replace("/", "\\/"),
    "JSON inside JSON": lambda secret: json.dumps(json.dumps(secret).replace("/", "\\/")),
    "JSON escapes": every("\\u{:04x}"),
    "some JSON escapes": lambda secret: secret.replace("-", "\\u002d").replace("=", "\\u003D"),
    "capitals": str.upper,
    "octal digits": every("\\{:03o}"),
    "long escapes": every("\\U{:08x}"),
    "escapes in braces": every("\\u{{{:x}}}"),
    "escaped characters of no width": "\\u200b".join,
    "percent": lambda secret: urllib.parse.quote(secret, safe=""),
    "percent everywhere": every("%{:02X}"),
    "percent twice": lambda secret: urllib.parse.quote(urllib.parse.quote(secret, safe=""), safe=""),
    "HTML": every("&#{};"),
    "HTML in hexadecimal": every("&#x{:x};"),
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64 of the header": lambda secret: base64.b64encode(f"Bearer {secret}".encode()).decode(),
    "base64 of a login": lambda secret: base64.urlsafe_b64encode(f"x:{secret}:y".encode()).decode(),
    "hexadecimal": lambda secret: secret.encode().hex(),
    "a line break": lambda secret: f"{secret[:13]}\n  {secret[13:]}",
    "spaced": " ".join,
    "the first half": lambda secret: secret[: len(secret) // 2],
    "the second half": lambda secret: secret[len(secret) // 2 :],
    "twice": lambda secret: secret + secret,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_secret_is_taken_out(spelling: str) -> None:
    written = SPELLINGS[spelling](SECRET)
    found = redacted(f'{{"said": "{written}"}} [[1]]', [SECRET])
    assert found.startswith('{"said": "')
    assert found.endswith("} [[1]]")
    assert "[key]" in found
    assert len(found) - len('{"said": ""} [[1]]') < 22  # of base64, letters of what stood beside it stay


@pytest.mark.parametrize("text", ["", "sk-…w.YZ", "zQ7-key***", "100%25 [[1]] \\u0041 &#65;", "\\\\ \\n \\"])
def test_other_texts_stay(text: str) -> None:
    assert redacted(text, [SECRET, "none", ""]) == text


@pytest.mark.parametrize("spelling", ["as it is", "JSON inside JSON", "percent twice", "base64 of the header"])
def test_a_key_that_a_judge_echoes_is_in_no_file_and_no_row(
    spelling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEST_JUDGE_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    caplog.set_level(logging.DEBUG)
    seen: set[str] = set()

    def echo(request: Request) -> Reply:
        seen.add(request.key)
        written = SPELLINGS[spelling](request.key)
        if request.time == 1 and "来源3\n" in request.prompt:
            return error(500, None, f"internal error for {written}")
        if "来源1\n" in request.prompt:
            return error(400, None, f"not for {written}")
        body = json.dumps(completion("mine is @. [[1]]")).replace("@", json.dumps(written)[1:-1])
        return Reply(body=body.encode()) if "来源2\n" in request.prompt else longer(request)

    with ChatServer().running() as server:
        server.behave = echo
        rows = judged(settings(server))
    assert seen == {KEY}
    assert [row["winner"] for row in rows] == [1, None, 0, 2]
    assert "[key]" in rows[1]["reasons"]["forward"]
    shown = rows[2]["reasons"]["forward"]
    assert shown.startswith("mine is ")
    assert len(shown) < 40
    kept = b"".join(file.read_bytes() for file in Path("results").rglob("*") if file.is_file())
    assert written_nowhere(SPELLINGS[spelling](KEY), kept.decode("utf-8", "replace") + json.dumps(rows) + caplog.text)


def written_nowhere(written: str, text: str) -> bool:
    return written not in text and json.dumps(written)[1:-1] not in text


def test_a_token_of_the_environment_is_sent_and_written_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEMALIGN_MIRROR", raising=False)
    files = Files({"a.txt": b"text"})
    with serving(files) as address:
        download = of_urls(address, "a.txt", token_env="FILE_TOKEN")
        with pytest.raises(InputError, match=r"x.token_env: the environment variable FILE_TOKEN is not set: export"):
            fetch("x", download, ["a.txt"], tmp_path / "work", download.token_env)
        monkeypatch.setenv("FILE_TOKEN", SECRET)
        fetch("x", download, ["a.txt"], tmp_path / "work", download.token_env)
    assert files.tokens[-1] == f"Bearer {SECRET}"
    assert SECRET not in caplog.text
    assert os.listdir(tmp_path / "work") == ["a.txt"]
