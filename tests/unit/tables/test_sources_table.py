"""The table of sources: what the config names, where it is from, and its licence."""

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd

from semalign.preflight.referenced_paths import source_keys
from semalign.preflight.root import validate
from semalign.reruns.file_hashes import Contents
from semalign.tables.sources_table import rows, write
from tests.unit.shipped import SHIPPED

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MODEL = {"repo": "owner/model", "kind": "model", "revision": COMMIT, "licence": "MIT"}
SET = {"repo": "owner/set", "kind": "dataset", "revision": "main", "files": ["a.csv"], "licence": "CC0"}


def test_what_reads_each_source_is_named() -> None:
    raw: dict[str, Any] = SHIPPED | {"downloads": {"set": SET}}
    tasks = raw["tasks"]
    train = [{"format": "csv", "path": "results/downloads/set/a.csv"}, {"format": "csv", "path": "mine/b.csv"}]
    raw["tasks"] = tasks | {"mt": tasks["mt"] | {"train": train}}
    keys = source_keys(validate(raw))
    assert keys["results/downloads/set/a.csv"] == ["tasks.mt.train.0.path"]
    assert keys["mine/b.csv"] == ["tasks.mt.train.1.path"]
    assert "tasks.hg.train.0.path" in keys["results/world"]
    assert set(keys) == {"results/downloads/set/a.csv", "mine/b.csv", "results/world"}


def test_a_row_each_with_origin_licence_and_hash(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    own, model = Path("mine/b.csv"), Path("results/downloads/model")
    for path, text in ((own, "id\n"), (model / "config.json", "{}"), (model / "x/y.json", "[]")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    contents = Contents(tmp_path / "memory")
    files = {name: {"sha256": contents.hash(model / name), "bytes": 2} for name in ("config.json", "x/y.json")}
    records = [
        {"name": "model", "origin": f"owner/model@{COMMIT}", "files": files},
        {"name": "urls", "origin": {"c.txt": "http://host/c"}, "files": {"c.txt": {"sha256": "c" * 64, "bytes": 9}}},
    ]
    keys = {
        "mine/b.csv": ["tasks.mt.train.0.path", "tasks.hg.train.0.path"],
        "results/downloads/model": ["policy.path"],
        "results/downloads/urls/c.txt": ["exam.pairs.0.path"],
        "results/world": ["retention.benchmarks.cmrc.test.0.path"],
    }
    stated = {name: {"licence": name.upper(), "about": None} for name in ("model", "urls")}
    table = rows(keys, records, stated, {"mine": "CC BY 4.0"}, {"mine/b.csv": contents.hash(own)})
    write(table, "sources.csv", "sources.md")
    found = pd.read_csv("sources.csv", keep_default_na=False, dtype=str).set_index("source").to_dict("index")
    assert list(found) == list(keys)
    assert found["mine/b.csv"]["licence"] == "CC BY 4.0"
    assert found["mine/b.csv"]["sha256"] == hashlib.sha256(b"id\n").hexdigest()
    assert found["mine/b.csv"]["bytes"] == "3"
    assert found["results/downloads/model"]["origin"] == f"owner/model@{COMMIT}"
    assert found["results/downloads/model"]["sha256"] == contents.hash(model)
    assert found["results/downloads/model"]["bytes"] == "4"
    assert found["results/downloads/urls/c.txt"]["origin"] == "http://host/c"
    assert found["results/world"]["bytes"] == ""
    assert rows({"mine/b.csv": []}, [], {}, {}, {"mine/b.csv": ""})[0]["licence"] == "not stated"
    lines = Path("sources.md").read_text().splitlines()
    assert lines[2].startswith("| mine/b.csv | tasks.mt.train.0.path, tasks.hg.train.0.path | the user's | CC BY 4.0 |")
