"""Contrastive training on a toy bilingual lexicon: concept i is the Han character 4E00+i and a Tibetan syllable."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semalign.config.models import Encoder
from semalign.encoder.model import embed, load_encoder, similarity, truncation_rate
from semalign.encoder.training import train_encoder
from semalign.runtime.errors import InputError
from semalign.runtime.files import Row
from semalign.runtime.workspace import Workspace

CONCEPTS = 30
SYLLABLES = [chr(0x0F40 + i // 6) + chr(0x0F50 + i % 6) + "་" for i in range(CONCEPTS)]


def chinese(scene: list[int]) -> str:
    return "".join(chr(0x4E00 + i) for i in scene)


def tibetan(scene: list[int]) -> str:
    return "".join(SYLLABLES[i] for i in reversed(scene))


def triplets(count: int, seed: int) -> list[Row]:
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        scene = [rng.randrange(CONCEPTS) for _ in range(4)]
        wrong = [*scene[:3], (scene[3] + rng.randrange(1, CONCEPTS)) % CONCEPTS]
        rows.append({"anchor": chinese(scene), "positive": tibetan(scene), "negative": tibetan(wrong)})
    return rows


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lexicon") / "lexicon.txt"
    path.write_text("\n".join([*chinese(list(range(CONCEPTS))), *SYLLABLES]) + "\n", encoding="utf-8")
    return path


def settings(lexicon: Path, **changes: Any) -> Encoder:
    shape = {"hidden_size": 32, "intermediate_size": 32, "layers": 1, "heads": 2}
    return Encoder.model_validate(
        {
            "shape": shape | {"architecture": changes.pop("architecture", "xlm-roberta")},
            "tokenizer": {"lexicon": str(lexicon)},
            "train": [{"format": "jsonl", "path": "unused.jsonl"}],
            "batch_size": 32,
            "learning_rate": 5.0e-3,
            "max_tokens": 12,
        }
        | changes
    )


@pytest.fixture(scope="module")
def trained(lexicon: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    output = tmp_path_factory.mktemp("encoder") / "encoder"
    workspace = Workspace(tmp_path_factory.mktemp("work"), 3600)
    report = train_encoder(settings(lexicon, epochs=2), triplets(1280, seed=0), output, workspace)
    return output, report


@pytest.mark.parametrize("architecture", ["xlm-roberta", "bert"])
def test_training_learns_translation(lexicon: Path, tmp_path: Path, architecture: str, workspace: Workspace) -> None:
    output = tmp_path / "encoder"
    report = train_encoder(
        settings(lexicon, architecture=architecture, epochs=2), triplets(1280, seed=0), output, workspace
    )
    assert report["steps"] == 80
    assert report["rows"] == 1280
    assert report["truncated"] == 0
    assert report["loss"][-1]["loss"] < 0.5 * report["loss"][0]["loss"]
    held_out = triplets(100, seed=1)
    encoder = load_encoder(output, "cpu")
    right = similarity(encoder, [r["anchor"] for r in held_out], [r["positive"] for r in held_out], 32)
    wrong = similarity(encoder, [r["anchor"] for r in held_out], [r["negative"] for r in held_out], 32)
    assert np.mean(right > wrong) > 0.9


def test_without_epochs_nothing_is_tuned(
    lexicon: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path, workspace: Workspace
) -> None:
    rows = triplets(64, seed=0)
    report = train_encoder(settings(lexicon, epochs=0), rows, tmp_path / "random", workspace)
    assert (report["tuned"], report["steps"], report["loss"]) == (False, 0, [])
    pairs = [{"anchor": row["anchor"], "positive": row["positive"]} for row in rows]
    as_it_was = train_encoder(
        settings(lexicon, epochs=0, path=str(trained[0])), pairs, tmp_path / "pretrained", workspace
    )
    assert (trained[1]["tuned"], trained[1]["hard_negatives"], as_it_was["hard_negatives"]) == (True, True, False)
    texts = [row["anchor"] for row in rows]
    given, kept = (embed(load_encoder(folder, "cpu"), texts) for folder in (trained[0], tmp_path / "pretrained"))
    np.testing.assert_array_equal(given, kept)
    random_one = embed(load_encoder(tmp_path / "random", "cpu"), texts)
    assert np.abs(random_one - given).max() > 0.01


def test_tuning_changes_a_pretrained_encoder(
    lexicon: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path, workspace: Workspace
) -> None:
    rows = [{"anchor": r["anchor"], "positive": r["positive"]} for r in triplets(64, seed=2)]
    train_encoder(
        settings(lexicon, path=str(trained[0]), shape=None, tokenizer=None), rows, tmp_path / "tuned", workspace
    )
    before, after = load_encoder(trained[0], "cpu").state_dict(), load_encoder(tmp_path / "tuned", "cpu").state_dict()
    assert before.keys() == after.keys()
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert len(changed) > len(before) / 2


def test_cached_loss_is_the_same_loss(lexicon: Path, tmp_path: Path, workspace: Workspace) -> None:
    rows = triplets(64, seed=0)
    plain = train_encoder(settings(lexicon), rows, tmp_path / "plain", workspace)
    cached = train_encoder(settings(lexicon, mini_batch_size=8), rows, tmp_path / "cached", workspace)
    assert [e["loss"] for e in cached["loss"]] == pytest.approx([e["loss"] for e in plain["loss"]], rel=1e-3)


def test_loaded_encoder_is_frozen(trained: tuple[Path, dict[str, Any]]) -> None:
    encoder = load_encoder(trained[0], "cpu")
    assert not encoder.training
    assert not any(p.requires_grad for p in encoder.parameters())
    assert sum(p.numel() for p in encoder.parameters()) == trained[1]["parameters"]


def test_similarity_does_not_depend_on_order(trained: tuple[Path, dict[str, Any]]) -> None:
    encoder = load_encoder(trained[0], "cpu")
    rng = random.Random(0)
    scenes = [[rng.randrange(CONCEPTS) for _ in range(rng.randrange(1, 8))] for _ in range(50)]
    a, b = [chinese(s) for s in scenes], [tibetan(s) for s in scenes]
    order = rng.sample(range(50), 50)
    straight = similarity(encoder, a, b, 8)
    shuffled = similarity(encoder, [a[i] for i in order], [b[i] for i in order], 8)
    np.testing.assert_array_equal(straight[order], shuffled)
    assert similarity(encoder, a, a, 8) == pytest.approx(np.ones(50), abs=1e-6)


def test_embeddings_have_length_one_and_empty_text_has_one_too(trained: tuple[Path, dict[str, Any]]) -> None:
    encoder = load_encoder(trained[0], "cpu")
    embeddings = embed(encoder, ["", chinese([1, 2]), ""], 2)
    assert embeddings.shape == (3, 32)
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(3), abs=1e-6)
    np.testing.assert_array_equal(embeddings[0], embeddings[2])


def test_truncation_rate(trained: tuple[Path, dict[str, Any]]) -> None:
    encoder = load_encoder(trained[0], "cpu")
    texts = [chinese([0] * length) for length in (1, 10, 11, 40)]  # 12 tokens, two of them special
    assert truncation_rate(encoder, texts) == 0.5
    assert truncation_rate(encoder, []) == 0.0


def test_truncation_is_reported_and_nothing_else_is_written(
    lexicon: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspace: Workspace
) -> None:
    monkeypatch.chdir(tmp_path)
    report = train_encoder(settings(lexicon, max_tokens=5), triplets(64, seed=0), tmp_path / "encoder", workspace)
    assert report["truncated"] == 1.0
    assert {path.name for path in tmp_path.iterdir()} == {"encoder", "work"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"anchor": "a", "positive": "b"}], "1 training rows"),
        ([{"anchor": "a", "positive": "b"}, {"anchor": "a"}], "row 2 has no text in 'positive'"),
        ([{"anchor": "a", "positive": "b"}, {"anchor": "c", "positive": "d", "negative": "e"}], "row 1 .*'negative'"),
    ],
)
def test_wrong_rows(lexicon: Path, tmp_path: Path, rows: list[Row], message: str, workspace: Workspace) -> None:
    with pytest.raises(InputError, match=message):
        train_encoder(settings(lexicon), rows, tmp_path / "encoder", workspace)
    assert not (tmp_path / "encoder").exists()


def test_more_tokens_than_positions(
    lexicon: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path, workspace: Workspace
) -> None:
    with pytest.raises(InputError, match="13 is more than the 12 positions"):
        train_encoder(
            settings(lexicon, path=str(trained[0]), max_tokens=13), triplets(4, seed=0), tmp_path / "encoder", workspace
        )


def test_folder_without_encoder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"modules\.json"):
        load_encoder(tmp_path, "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_no_such_device(
    lexicon: Path, trained: tuple[Path, dict[str, Any]], tmp_path: Path, workspace: Workspace
) -> None:
    with pytest.raises(InputError, match="no GPU"):
        load_encoder(trained[0], "cuda")
    with pytest.raises(InputError, match="no GPU"):
        train_encoder(settings(lexicon), triplets(4, seed=0), tmp_path / "encoder", workspace, device="cuda")
