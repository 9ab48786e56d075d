"""Downloads: verified, resumed, waited for; from plain addresses, the hub, its cache and a mirror."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from semalign.config.downloads import HubDownload, UrlDownload, parsed, problem_with
from semalign.data import fetching
from semalign.data.downloads import check_digests, fetch, from_mirror, place, record, unpickle
from semalign.data.fetching import fetch_url
from semalign.data.hub import Fetched
from semalign.runtime.errors import InputError
from tests.conftest import ROOT
from tests.unit.servers import COMMIT, Files, serving

TEXT = b"".join(b"line %d\n" % number for number in range(50_000))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SECONDS_BEFORE_NEXT", 0.01)
    for name in ("SEMALIGN_MIRROR", "SEMALIGN_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def of_urls(address: str, *names: str, **more: Any) -> UrlDownload:
    return UrlDownload(urls={name: f"{address}/{name}" for name in names}, licence="CC0", **more)


def test_a_file_that_breaks_off_twice_is_whole(tmp_path: Path) -> None:
    files = Files({"a.txt": TEXT})
    files.break_after = [100_000, 200_000]
    with serving(files) as address:
        fetch_url(f"{address}/a.txt", tmp_path / "a.txt", "downloads.x")
    assert (tmp_path / "a.txt").read_bytes() == TEXT
    assert [wanted for _, wanted in files.asked] == [None, "bytes=65536-", "bytes=262144-"]


def test_what_an_earlier_run_left_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(TEXT[:1000])
    files = Files({"a.txt": TEXT})
    with serving(files) as address:
        fetch_url(f"{address}/a.txt", tmp_path / "a.txt", "downloads.x")
        fetch_url(f"{address}/a.txt", tmp_path / "a.txt", "downloads.x")  # whole already
    assert (tmp_path / "a.txt").read_bytes() == TEXT
    assert [wanted for _, wanted in files.asked] == ["bytes=1000-", f"bytes={len(TEXT)}-"]


@pytest.mark.parametrize("retry_after", [None, "0"])
def test_passing_troubles_are_waited_out(tmp_path: Path, retry_after: str | None) -> None:
    files = Files({"a.txt": TEXT})
    files.statuses, files.retry_after = [503, 429, 500], retry_after
    with serving(files) as address:
        fetch_url(f"{address}/a.txt", tmp_path / "a.txt", "downloads.x")
    assert (tmp_path / "a.txt").read_bytes() == TEXT


def test_troubles_that_last_end_with_one_message(tmp_path: Path) -> None:
    files = Files({"a.txt": TEXT})
    files.statuses = [503] * 50
    with serving(files) as address, pytest.raises(InputError, match=r"downloads.x: .* in 6 attempts .*; run the same"):
        fetch_url(f"{address}/a.txt", tmp_path / "a.txt", "downloads.x")
    assert len(files.asked) == 6


def test_troubles_with_progress_between_them_do_not_count_together(tmp_path: Path) -> None:
    files = Files({"a.txt": TEXT})
    files.break_after = [fetching.CHUNK] * 8  # more often than it would be tried in vain
    with serving(files) as address:
        fetch_url(f"{address}/a.txt", tmp_path / "a.txt", "downloads.x")
    assert (tmp_path / "a.txt").read_bytes() == TEXT


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(404, "check the address"), (302, "check"), (204, "check"), (401, "wants a login"), (403, "mirror")],
)
def test_refusals_are_not_repeated(tmp_path: Path, status: int, remedy: str) -> None:
    files = Files({})
    files.statuses = [status]
    with serving(files) as address, pytest.raises(InputError, match=f"x.urls.a.txt: .*answers {status}.*{remedy}"):
        fetch("x", of_urls(address, "a.txt"), ["a.txt"], tmp_path)
    assert len(files.asked) == 1


def test_an_empty_file_is_not_what_was_asked_for(tmp_path: Path) -> None:
    with serving(Files({"a.txt": b""})) as address, pytest.raises(InputError, match="answers with an empty file"):
        fetch("x", of_urls(address, "a.txt"), ["a.txt"], tmp_path)


def test_another_content_than_expected_is_an_error_and_does_not_stay(tmp_path: Path) -> None:
    with serving(Files({"a.txt": TEXT})) as address:
        download = of_urls(address, "a.txt", sha256={"a.txt": digest(b"other")})
        with pytest.raises(
            InputError, match=f"sha256.a.txt: {digest(b'other')} is expected, the file has {digest(TEXT)}"
        ):
            fetch("x", download, ["a.txt"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_was_fetched_is_recorded_and_what_nothing_fixes_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(Files({"a.txt": TEXT, "b/c.txt": b"c"})) as address:
        download = of_urls(address, "a.txt", "b/c.txt", sha256={"a.txt": digest(TEXT)})
        found = record("x", download, fetch("x", download, ["a.txt", "b/c.txt"], tmp_path))
    assert found["files"] == {
        "a.txt": {"sha256": digest(TEXT), "bytes": len(TEXT)},
        "b/c.txt": {"sha256": digest(b"c"), "bytes": 1},
    }
    assert found["origin"]["b/c.txt"] == f"{address}/b/c.txt"
    assert f"pin sha256: {digest(b'c')}" in caplog.text
    assert "a.txt: nothing" not in caplog.text


def test_the_mirror_is_the_only_place_when_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = tmp_path / "mirror"
    (mirror / "x").mkdir(parents=True)
    monkeypatch.setenv("SEMALIGN_MIRROR", str(mirror))
    download = of_urls("http://127.0.0.1:1", "a.txt")
    with pytest.raises(InputError, match=r"the mirror lacks .*mirror/x/a.txt"):
        fetch("x", download, ["a.txt"], tmp_path / "work")
    (mirror / "x" / "a.txt").write_bytes(TEXT)
    assert fetch("x", download, ["a.txt"], tmp_path / "work").files["a.txt"].read_bytes() == TEXT


def test_a_model_of_the_mirror_is_taken_whole(tmp_path: Path) -> None:
    folder = tmp_path / "mirror" / "m"
    (folder / "1_Pooling").mkdir(parents=True)
    for name in ("config.json", "1_Pooling/config.json", ".snakemake_timestamp"):
        (folder / name).write_text("{}")
    fetched = from_mirror(tmp_path / "mirror", "m", None, "downloads.m")
    assert sorted(fetched.files) == ["1_Pooling/config.json", "config.json"]
    place(fetched, tmp_path / "out", tmp_path / "work")
    assert (tmp_path / "out/1_Pooling/config.json").is_file()
    assert (folder / "config.json").is_file()


def test_pickled_weights_become_safetensors_and_code_in_them_is_refused(tmp_path: Path) -> None:
    shared = torch.arange(6.0).reshape(2, 3)
    torch.save({"a": shared, "b": shared.T}, tmp_path / "pytorch_model.bin")
    unpickle(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    assert torch.equal(weights["a"], shared)
    assert torch.equal(weights["b"], shared.T)
    assert not (tmp_path / "pytorch_model.bin").exists()
    torch.save({"a": os.system}, tmp_path / "pytorch_model.bin")
    with pytest.raises(Exception, match="Weights only load failed"):
        unpickle(tmp_path)


def test_digests_of_other_files_do_not_matter() -> None:
    check_digests({"a": "1"}, {"b": "2"}, "downloads.x")


HUB = {"repo": "owner/name", "kind": "dataset", "licence": "MIT"}
DOWNLOADS = {
    "set": parsed(HUB | {"revision": "main", "files": ["a.csv", "b/c.csv"]}),
    "model": HubDownload(repo="owner/name", kind="model", revision=COMMIT, licence="MIT"),
}


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("data/a.csv", None),
        ("results/downloads/set/b/c.csv", None),
        ("results/downloads/model", None),
        ("results/downloads/set", "a folder is not among the files of set: a.csv, b/c.csv"),
        ("results/downloads/set/d.csv", "d.csv is not among the files of set: a.csv, b/c.csv"),
        ("results/downloads/model/config.json", "model is a model, which is named as a whole: results/downloads/model"),
        ("results/downloads/other/a.csv", "downloads has no entry 'other'; it has model, set"),
    ],
)
def test_a_path_that_no_download_makes_is_named(path: str, problem: str | None) -> None:
    found = problem_with(path, DOWNLOADS)
    assert found == (problem and f"{path}: {problem}")


def test_fetched_files_are_moved_from_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/a").write_text("a")
    place(Fetched({"a": tmp_path / "work/a"}, None), tmp_path / "out", tmp_path / "work")
    assert not (tmp_path / "work/a").exists()
    assert (tmp_path / "out/a").read_text() == "a"


def test_a_stopped_download_keeps_what_it_has(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from semalign.data.fetching import fetch_url
from semalign.runtime.signals import Stopped, stop_on_signals
with stop_on_signals():
    try:
        fetch_url(sys.argv[1], Path(sys.argv[2]), "downloads.x")
    except Stopped:
        sys.exit(7)
"""
    files = Files({"a.txt": TEXT})
    with serving(files) as address:
        files.statuses, files.retry_after = [503], "60"
        (tmp_path / "a.txt").write_bytes(TEXT[:1000])
        process = subprocess.Popen(
            [sys.executable, "-c", code, f"{address}/a.txt", str(tmp_path / "a.txt")],
            env=os.environ | {"PYTHONPATH": str(ROOT / "workflow" / "scripts")},
        )
        files.was_asked.wait(20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 7
    assert (tmp_path / "a.txt").read_bytes() == TEXT[:1000]
