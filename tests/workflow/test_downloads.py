"""Downloads in the workflow: data of a server on localhost, fetched, checked, listed; what reruns them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import save

from tests.conftest import TINY
from tests.unit.servers import COMMIT, Files, Hub, serving
from tests.workflow.run import plan, snakemake

TARGETS = ("results/data/mt/prepared.jsonl", "results/sources.csv")
PAIRS = [{"id": str(i), "source": f"老师看书{i}。", "target": f"དགེ་རྒན་གྱིས་དཔེ་ཆ་{'ཀ' * (i + 1)}བལྟས།"} for i in range(6)]
CONTENTS = {
    name: "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs).encode()
    for name, pairs in {"zh-bo/train.jsonl": PAIRS[:4], "zh-bo/test.jsonl": PAIRS[4:]}.items()
}


def overlay(folder: Path, address: str, **changes: Any) -> list[Path]:
    """The tiny config with pairs of the server at `address`; changes are of the download or, by their names, others."""
    others = {key: changes.pop(key) for key in ("mirror",) if key in changes}
    entry = {
        "urls": {name: f"{address}/{name}" for name in CONTENTS},
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()},
        "licence": "CC0",
    } | changes
    parts = {
        part: [{"format": "jsonl", "path": f"results/downloads/pairs/zh-bo/{part}.jsonl"}] for part in ("train", "test")
    }
    file = folder / "overlay.yaml"
    file.write_text(yaml.safe_dump({"downloads": {"pairs": entry}, "tasks": {"mt": parts}} | others))
    return [TINY, file]


def test_task_data_are_fetched_listed_and_made_anew_only_for_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    run = tmp_path / "run"
    run.mkdir()
    files = Files(CONTENTS)
    files.statuses, files.retry_after = [503], "0"
    with serving(files) as address:
        result = snakemake(run, *TARGETS, overlays=overlay(tmp_path, address))
    assert result.returncode == 0, result.stdout + result.stderr
    assert (run / "results/downloads/pairs/zh-bo/train.jsonl").read_bytes() == CONTENTS["zh-bo/train.jsonl"]
    assert len((run / TARGETS[0]).read_text().splitlines()) == len(PAIRS)
    table = pd.read_csv(run / "results/sources.csv").set_index("source")
    row = table.loc["results/downloads/pairs/zh-bo/test.jsonl"]
    assert row["read_by"] == "tasks.mt.test.0.path"
    assert row["origin"] == f"{address}/zh-bo/test.jsonl"
    assert (row["licence"], row["bytes"]) == ("CC0", len(CONTENTS["zh-bo/test.jsonl"]))

    def reruns(**changes: Any) -> dict[str, int]:
        jobs: dict[str, int] = {}
        for target in TARGETS:
            jobs |= plan(run, target, overlay(tmp_path, address, **changes))
        return {rule: count for rule, count in jobs.items() if rule != "total"}

    again = {"download_file": 2, "prepare_pairs": 1, "list_sources": 1}
    assert reruns() == {}
    assert reruns(licence="CC BY 4.0") == reruns(about="pairs") == {"list_sources": 1}
    assert reruns(mirror=str(tmp_path)) == {}
    assert reruns(urls={name: f"{address}/moved/{name}" for name in CONTENTS}) == again
    assert reruns(sha256={"zh-bo/test.jsonl": "0" * 64} | {"zh-bo/train.jsonl": "1" * 64}) == again


def test_an_air_gapped_machine_takes_a_mirror_or_says_what_to_put_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    run, nowhere = tmp_path / "run", "http://127.0.0.1:1"
    run.mkdir()
    result = snakemake(run, "downloads", overlays=overlay(tmp_path, nowhere))
    assert result.returncode != 0
    assert "error: config key downloads.pairs: HF_HUB_OFFLINE is set; unset it, or name a" in result.stderr
    assert f"put there pairs/zh-bo/test.jsonl (from {nowhere}/zh-bo/test.jsonl)" in result.stderr
    for name, content in CONTENTS.items():
        path = tmp_path / "mirror" / "pairs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    result = snakemake(run, "downloads", overlays=overlay(tmp_path, nowhere, mirror=str(tmp_path / "mirror")))
    assert result.returncode == 0, result.stdout + result.stderr
    for name, content in CONTENTS.items():
        assert (run / "results/downloads/pairs" / name).read_bytes() == content


MODEL = {
    "config.json": b'{"architectures": ["Qwen3ForCausalLM"]}',
    "tokenizer.json": b"{}",
    "tokenizer_config.json": b'{"chat_template": "{{ messages }}"}',
    "model.safetensors": save({"weight": torch.ones(3)}),
    "modeling.py": b"print()",
}


@pytest.mark.parametrize("complete", [True, False])
def test_a_model_of_the_hub_is_fetched_and_checked_for_what_it_is_to_be(
    complete: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    run, file, model = tmp_path / "run", tmp_path / "overlay.yaml", "results/downloads/model"
    run.mkdir()
    entry = {"repo": "owner/name", "kind": "model", "revision": "main", "licence": "MIT"}
    file.write_text(yaml.safe_dump({"downloads": {"model": entry}, "policy": {"path": model}}))
    contents = {name: content for name, content in MODEL.items() if complete or name != "tokenizer_config.json"}
    with serving(Files(contents), Hub) as address:
        monkeypatch.setenv("HF_ENDPOINT", address)
        result = snakemake(run, model, "results/sources.csv", overlays=[TINY, file])
    if not complete:
        assert result.returncode != 0
        assert "error: config key downloads.model: " in result.stderr
        assert "the tokenizer has no chat template; take an instruction-tuned model" in result.stderr
        assert not (run / model).exists()
        return
    assert result.returncode == 0, result.stdout + result.stderr
    made = {path.name for path in (run / model).iterdir() if not path.name.startswith(".")}
    assert made == contents.keys() - {"modeling.py"}
    row = pd.read_csv(run / "results/sources.csv").set_index("source").loc[model]
    assert (row["read_by"], row["origin"], row["licence"]) == ("policy.path", f"owner/name@{COMMIT}", "MIT")
    assert f"main may move; pin it: {COMMIT}" in (run / "results/logs/download_model/model.log").read_text()
    assert plan(run, model, [TINY, file]) == {}
    (run / model / "tokenizer_config.json").unlink()  # what lies there is looked at before anything runs
    result = snakemake(run, "all", "-n", overlays=[TINY, file])
    assert "config key policy.path: results/downloads/model: the tokenizer has no chat template" in result.stdout
