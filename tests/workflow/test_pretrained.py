"""Pretrained encoders are loaded and tried before anything costly, and an unusable one is told with its key."""

from pathlib import Path

from sentence_transformers.sentence_transformer.modules import Dense, Pooling

from semalign.runtime.files import read_json
from tests.conftest import TINY
from tests.unit.encoder.pretrained_folders import WIDTH, made, tensors
from tests.unit.encoder.pretrained_folders import folders as folders
from tests.workflow.run import snakemake

REPORT = "results/encoders/pretrained.json"


def test_each_is_tried_under_its_key(folders: dict[str, Path], tmp_path: Path) -> None:
    made(tmp_path / "good", folders["xlm-r"], [Pooling(WIDTH, "cls"), Dense(WIDTH, 16)], prompt="Q ")
    made(tmp_path / "bad", folders["bert"], [Pooling(WIDTH)])
    tensors("model.safetensors", lambda t: t["embeddings.LayerNorm.bias"].fill_(float("nan")))(tmp_path / "bad")
    overlay = tmp_path / "pretrained.yaml"
    overlay.write_text("encoders: {reward: {path: good, max_tokens: 30}, independent: {path: bad, max_tokens: 30}}\n")
    failed = snakemake(tmp_path, REPORT, overlays=[TINY, overlay])
    assert "config key encoders.independent.path: bad: NaN, infinite or huge numbers in 0." in failed.stderr
    assert not (tmp_path / REPORT).exists()
    overlay.write_text("encoders: {reward: {path: good, max_tokens: 30}}\n")
    snakemake(tmp_path, REPORT, overlays=[TINY, overlay])
    assert read_json(tmp_path / REPORT) == {
        "encoders.reward": {
            "modules": ["XLMRobertaModel", "cls", "Dense 32→16", "Normalize"],
            "added": ["Normalize"],
            "max_tokens": 30,
            "prompt": "Q ",
            "dimension": 16,
        }
    }
