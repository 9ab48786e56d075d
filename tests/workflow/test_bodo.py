"""The configs of English captions into Bodo give a plan from a mirror alone, the small one with a trimmed policy."""

import gzip
import json
from itertools import islice
from pathlib import Path

import pytest
import yaml

from semalign.runtime.files import read_json, sha256
from tests.conftest import ROOT
from tests.unit.inputs import DATA, needs_data
from tests.unit.policies import policy, tokenizer_of
from tests.workflow.run import plan, snakemake
from tools import trim_vocabulary

CONFIGS = [ROOT / "config" / name for name in ("bodo.yaml", "bodo_small.yaml")]
CAPTIONS = [f"{part}.{language}" for part in ("train", "val", "test_2016_flickr") for language in ("en", "brx")]
pytestmark = needs_data


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with a mirror of some of the samples and a random Gemma 3, and an overlay that names it."""
    home = tmp_path_factory.mktemp("bodo")
    mirror = home / "mirror"
    for name in ("multi30k_brx", "xquad", "xcopa", "ntrex128"):
        (mirror / name).mkdir(parents=True)
    for name in CAPTIONS:
        with open(DATA / "multi30k_brx" / name, "rb") as file:
            (mirror / "multi30k_brx" / f"{name}.gz").write_bytes(gzip.compress(b"".join(islice(file, 200))))
    questions = json.loads((DATA / "xquad_en" / "xquad.en.first24.json").read_text())
    (mirror / "xquad" / "xquad.en.json").write_text(json.dumps({"data": questions["data"][:2]}))
    for name in ("val.zh.jsonl", "test.zh.jsonl"):  # whole: their hashes are those of the config
        (mirror / "xcopa" / name).write_bytes((DATA / "xcopa" / name).read_bytes())
    news = (DATA / "ntrex128" / "newstest2019-src.eng.txt").read_bytes()
    (mirror / "ntrex128" / "newstest2019-src.eng.txt").write_bytes(news)
    policy(mirror / "gemma-3-270m", tokenizer_of("gemma"), "gemma3_text", head_dim=16)
    digests = {
        name: {"sha256": {path.name: sha256(path) for path in sorted((mirror / name).iterdir())}}
        for name in ("multi30k_brx", "xquad", "ntrex128")
    }
    (home / "mirror.yaml").write_text(yaml.safe_dump({"mirror": str(mirror), "downloads": digests}))
    (home / "config").symlink_to(ROOT / "config")
    return home


def test_both_give_a_plan_from_a_mirror(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = home / "mirror.yaml"
    result = snakemake(home, "downloads", "results/data/policy.checks.json", overlays=[CONFIGS[0], mirror])
    assert result.returncode == 0, result.stdout + result.stderr
    jobs = plan(home, overlays=[CONFIGS[0], mirror])
    assert {rule: jobs.get(rule, 0) for rule in ("train_sft", "train_grpo", "train_method", "take_snapshot")} == {
        "train_sft": 5,
        "train_grpo": 1,
        "train_method": 3,
        "take_snapshot": 2,
    }
    assert not {"download_file", "download_model", "generate_world", "train_base"} & jobs.keys()
    monkeypatch.chdir(home)
    trim_vocabulary.main([str(home / "results" / "downloads" / "gemma-3-270m"), *map(str, CONFIGS)])
    before, after = read_json(home / "models" / "gemma-3-270m-bodo" / "trimmed.json")["rows"]
    assert after < before
    small = plan(home, overlays=[*CONFIGS, mirror])
    assert {rule: small.get(rule, 0) for rule in ("train_sft", "train_grpo", "train_method", "take_snapshot")} == {
        "train_sft": 3,
        "train_grpo": 1,
        "train_method": 1,
        "take_snapshot": 1,
    }
