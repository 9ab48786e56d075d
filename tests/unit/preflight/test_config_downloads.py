"""Wrong downloads are named with their key and what would be right."""

from typing import Any

import pytest

from semalign.preflight.checks import check_downloads
from semalign.runtime.errors import InputError
from tests.unit.shipped import said as said_of
from tests.unit.shipped import validated

MODEL = {"repo": "owner/name", "kind": "model", "revision": "main", "licence": "MIT"}
SET = MODEL | {"kind": "dataset", "files": ["bo/a.csv"]}
URLS = {"urls": {"a.txt": "https://host/a.txt"}, "licence": "CC0"}


def said(entry: Any) -> str:
    """What is said of a download; nothing where it is right."""
    return said_of({"downloads": {"x": entry}})


@pytest.mark.parametrize("entry", [MODEL, SET, URLS, URLS | {"about": "x"}, SET | {"sha256": {"bo/a.csv": "0" * 64}}])
def test_both_kinds_are_told_apart_by_their_keys(entry: dict[str, Any]) -> None:
    found = validated({"downloads": {"x": entry, "taken-out": None}}).downloads
    assert list(found) == ["x"]
    assert type(found["x"]).__name__ == ("UrlDownload" if "urls" in entry else "HubDownload")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (3, "config key downloads.x: keys are needed here, found 3"),
        (MODEL | {"repo": "name"}, "config key downloads.x.repo: "),
        (MODEL | {"revison": "main"}, "config key downloads.x.revison: unknown key; did you mean revision?"),
        ({"kind": "model"}, "config key downloads.x.repo: missing, and it has no default"),
        (MODEL | {"kind": "space"}, "config key downloads.x.kind: Input should be 'model' or 'dataset', found 'space'"),
        (MODEL | {"files": ["a"]}, "config key downloads.x: files: a model is taken whole; leave it out"),
        (SET | {"files": []}, "config key downloads.x: files: name the files of the data set that are wanted"),
        (SET | {"files": ["../a"]}, "config key downloads.x.files.0: '../a' is no path inside a download"),
        (SET | {"files": ["/etc/a"]}, "config key downloads.x.files.0: '/etc/a' is no path inside a download"),
        (SET | {"sha256": {"b": "0" * 64}}, "config key downloads.x: sha256: b is not among its files: bo/a.csv"),
        (
            SET | {"sha256": {"bo/a.csv": "12"}},
            "config key downloads.x.sha256.bo/a.csv: '12' is no SHA-256: 64 hexadec",
        ),
        (URLS | {"urls": {}}, "config key downloads.x.urls: "),
        (URLS | {"urls": {"a": "ftp://host/a"}}, "config key downloads.x.urls.a: "),
        ({"urls": URLS["urls"]}, "config key downloads.x.licence: missing, and it has no default"),
    ],
)
def test_a_wrong_entry_is_named(entry: Any, expected: str) -> None:
    assert expected in said(entry)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("host/a.txt", "does not begin with http:// or https://"),
        ("www.example.org", "does not begin with http:// or https://"),
        ("//host/a", "does not begin with http:// or https://"),
        ("file:///data/a.txt", "a file of your own needs no download"),
        ("ftp://host/a", "does not begin with http"),
        ("s3://bucket/a", "does not begin with http"),
        ("https:/host/a", "names no server"),
        ("https:host/a", "names no server"),
        ("https://", "names no server"),
        ("https:///a", "names no server"),
        ("https://ho st/a", "holds a space"),
        ("https://host/a b.txt", "holds a space or a character that cannot be seen; write %20"),
        ("https://host/a\n", "holds a space"),
        ("https://host/a\u200b", "holds a space"),
        ("https://host:99999/a", "is no address"),
        ("https://host:port/a", "is no address"),
        ("https://host:0/a", "has port 0"),
        ("https://[::1/a", "is no address"),
        ("https://[host]/a", "is no address"),
        ("https://a..b/c", "names no server"),
        ("https://.host/a", "names no server"),
        ("https://-host/a", "names no server"),
        ("https://*.host/a", "names no server"),
        ("https://1.2.3/a", "names no server"),
        ("https://1.2.3.999/a", "names no server"),
        (r"https:\\host\a", "holds a backslash"),
    ],
)
def test_an_address_that_cannot_be_asked_for(url: str, message: str) -> None:
    found = said(URLS | {"urls": {"a.txt": url}})
    assert found.startswith("config key downloads.x.urls.a.txt: ")
    assert message in found


@pytest.mark.parametrize(
    "url",
    [
        "https://host/a",
        "HTTP://localhost:8000/a%20b?x=1&y=2#z",
        "https://[::1]:8000/a",
        "http://127.0.0.1/a",
        "https://例子.测试/藏文.txt",
        "https://a_b.example.org./c",
    ],
)
def test_an_address_that_can(url: str) -> None:
    assert said(URLS | {"urls": {"a.txt": url}}) == ""


@pytest.mark.parametrize(
    "repo", ["name", "https://huggingface.co/a/b", "a/b/c", "a/b--c", "a/..b", "a/b.git", "a b/c", "/b"]
)
def test_a_repository_that_the_hub_cannot_have(repo: str) -> None:
    assert f"config key downloads.x.repo: {repo!r} is no repository" in said(MODEL | {"repo": repo})


def test_a_name_is_a_folders() -> None:
    assert said_of({"downloads": {"../x": MODEL}}).startswith("config key downloads")


def test_a_mirror_in_vain_is_named(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"config key mirror: nowhere is no folder \(looked for in"):
        check_downloads(validated({"mirror": "nowhere"}))
    (tmp_path / "results/downloads").mkdir(parents=True)
    with pytest.raises(InputError, match="config key mirror: results/downloads is where downloads go; copy it"):
        check_downloads(validated({"mirror": "results/downloads"}))
