"""Downloads from the hub: a server that speaks enough of its interface stands for it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.unit.data.test_downloads import HUB, TEXT, digest
from tests.unit.servers import COMMIT, Files, Hub, serving

# The hub's library reads its settings as it is imported: each case is a process of its own.
CODE = """
import json, os, sys
from pathlib import Path
from semalign.config.downloads import parsed
from semalign.data.downloads import fetch, record
from semalign.runtime.errors import InputError
download, files, folder = parsed(json.loads(sys.argv[1])), json.loads(sys.argv[2]), Path(sys.argv[3])
try:
    fetched = fetch("x", download, files, folder)
    print(json.dumps(record("x", download, fetched) | {"places": {k: str(v) for k, v in fetched.files.items()}}))
except InputError as error:
    sys.exit(str(error))
"""


def through_hub(
    address: str, download: dict[str, Any], files: list[str] | None, folder: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    paths = {"PYTHONPATH": str(ROOT / "workflow" / "scripts"), "HF_HOME": str(folder.with_name("hf"))}
    return subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(download), json.dumps(files), str(folder)],
        env=os.environ | paths | {"HF_ENDPOINT": address, "HF_HUB_DISABLE_XET": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


DATASET = HUB | {"revision": "main", "files": ["bo/a.csv"]}
MODEL = {"repo": "owner/name", "kind": "model", "revision": COMMIT, "licence": "MIT"}
REPOSITORY = {
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "model.safetensors": TEXT,
    "pytorch_model.bin": b"pickled",
    "modeling.py": b"code",
    "bo/a.csv": b"id,text\n",
}


def test_the_hub_tells_the_commit_of_a_branch_and_only_what_is_wanted_is_fetched(tmp_path: Path) -> None:
    with serving(Files(REPOSITORY), Hub) as address:
        result = through_hub(address, DATASET, ["bo/a.csv"], tmp_path / "work")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["commit"] == COMMIT
    assert found["files"] == {"bo/a.csv": {"sha256": digest(b"id,text\n"), "bytes": 8}}
    assert f"downloads.x.revision: main may move; pin it: {COMMIT}" in result.stderr


def test_a_model_is_its_weights_config_and_tokenizer_without_code_or_pickles(tmp_path: Path) -> None:
    with serving(Files(REPOSITORY), Hub) as address:
        result = through_hub(address, MODEL, None, tmp_path / "work")
    assert result.returncode == 0, result.stderr
    assert sorted(json.loads(result.stdout)["files"]) == ["config.json", "model.safetensors", "tokenizer.json"]


def test_a_file_that_is_not_what_the_hub_says_is_an_error(tmp_path: Path) -> None:
    files = Files(REPOSITORY)
    files.lied_hash = "f" * 40
    with serving(files, Hub) as address:
        result = through_hub(address, DATASET, ["bo/a.csv"], tmp_path / "work")
    assert result.returncode == 1
    assert "bo/a.csv arrived with hash" in result.stderr
    assert not (tmp_path / "work/bo/a.csv").exists()


@pytest.mark.parametrize(
    ("statuses", "change", "message"),
    [
        ([403], {}, "owner/name asks its users to accept its terms; do so on its page, and set HF"),
        ([], {"revision": "nowhere"}, "the hub answers 404 for owner/name@nowhere; check both"),
        ([], {"files": ["bo/b.csv"]}, f"owner/name@{COMMIT} has no file bo/b.csv; it has bo/a.csv, config.json"),
    ],
)
def test_what_the_hub_refuses_or_lacks_is_named(
    tmp_path: Path, statuses: list[int], change: dict[str, Any], message: str
) -> None:
    download, files = DATASET | change, Files(REPOSITORY)
    files.statuses = statuses
    with serving(files, Hub) as address:
        result = through_hub(address, download, download["files"], tmp_path / "work", HF_TOKEN="hf_secret")
    assert result.returncode == 1
    assert f"config key downloads.x: {message}" in result.stderr
    assert "Traceback" not in result.stderr
    assert "hf_secret" not in result.stdout + result.stderr


def test_offline_the_hubs_cache_serves_or_the_message_says_what_to_do(tmp_path: Path) -> None:
    with serving(Files(REPOSITORY), Hub) as address:
        empty = through_hub(address, DATASET, ["bo/a.csv"], tmp_path / "work", SEMALIGN_OFFLINE="1")
        assert empty.returncode == 1
        assert (
            f"HF_HUB_OFFLINE is set, and owner/name@main is not in the hub's cache ({tmp_path / 'hf'})" in empty.stderr
        )
        assert "results/downloads/x into a folder" in empty.stderr
        fill = "import huggingface_hub as h; h.hf_hub_download('owner/name', 'bo/a.csv', repo_type='dataset')"
        more = {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"}
        subprocess.run([sys.executable, "-c", fill], env=os.environ | more | {"HF_HUB_OFFLINE": "0"}, check=True)
    result = through_hub("http://127.0.0.1:1", DATASET, ["bo/a.csv"], tmp_path / "work", SEMALIGN_OFFLINE="1")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["commit"] == COMMIT


def test_a_file_of_the_hub_is_gone_on_with_and_the_token_stays_with_the_hub(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/model.safetensors").write_bytes(TEXT[:1000])
    files, store = Files(REPOSITORY), Files(REPOSITORY)
    with serving(files, Hub) as address, serving(store) as files.elsewhere:
        result = through_hub(address, MODEL, None, tmp_path / "work", HF_TOKEN="hf_secret")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "work/model.safetensors").read_bytes() == TEXT
    assert store.asked == [("model.safetensors", "bytes=1000-")]
    assert store.tokens == [None]
    assert set(files.tokens) == {"Bearer hf_secret"}
    assert "hf_secret" not in result.stdout + result.stderr  # which hold the record
