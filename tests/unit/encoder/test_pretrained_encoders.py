"""A pretrained encoder is what its folder says: the same vectors as sentence-transformers' own, or a refusal."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, LayerNorm, Normalize, Pooling
from sentence_transformers.sentence_transformer.modules import WeightedLayerPooling as Weighted

from semalign.encoder.model import embed, load_encoder
from semalign.encoder.training import pretrained, train_encoder
from semalign.model_files.model_folders import ENCODER, model_problem
from semalign.runtime.errors import InputError
from semalign.runtime.workspace import Workspace
from tests.unit.encoder.pretrained_folders import WIDTH, json_of, made, tensors
from tests.unit.encoder.pretrained_folders import folders as folders
from tests.unit.encoder.test_encoder import chinese, settings, tibetan, triplets

TEXTS = [chinese([1, 2, 3]), tibetan([4, 5]), chinese([0] * 30), "", tibetan([7]) + chinese([8])]

GOOD: dict[str, tuple[str, list[Any], dict[str, Any], list[str]]] = {
    "cls": ("bert", [Pooling(WIDTH, "cls")], {}, ["BertModel", "cls", "Normalize"]),
    "last token": ("qwen", [Pooling(WIDTH, "lasttoken"), Normalize()], {}, ["Qwen3Model", "lasttoken", "Normalize"]),
    "several": ("bert", [Pooling(WIDTH, ("mean", "max"))], {}, ["BertModel", "mean + max", "Normalize"]),
    "weighted mean": ("xlm-r", [Pooling(WIDTH, "weightedmean")], {}, ["XLMRobertaModel", "weightedmean", "Normalize"]),
    "dense": ("xlm-r", [Pooling(WIDTH), Dense(WIDTH, 8)], {}, ["XLMRobertaModel", "mean", "Dense 32→8", "Normalize"]),
    "t5": ("t5", [Pooling(WIDTH), Dense(WIDTH, 8)], {}, ["T5EncoderModel", "mean", "Dense 32→8", "Normalize"]),
    "layer norm": ("bert", [Pooling(WIDTH), LayerNorm(WIDTH)], {}, ["BertModel", "mean", "LayerNorm", "Normalize"]),
    "a prompt": ("bert", [Pooling(WIDTH)], {"prompt": "Q "}, ["BertModel", "mean", "Normalize"]),
    "a prompt left out": (
        "bert",
        [Pooling(WIDTH, include_prompt=False)],
        {"prompt": "Q "},
        ["BertModel", "mean", "Normalize"],
    ),
    "a limit": ("bert", [Pooling(WIDTH)], {"limit": 8}, ["BertModel", "mean", "Normalize"]),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_folders_modules_are_honoured(
    name: str, folders: dict[str, Path], tmp_path: Path, workspace: Workspace
) -> None:
    base, modules, options, described = GOOD[name]
    folder = made(tmp_path / "encoder", folders[base], modules, **options)
    library = SentenceTransformer(str(folder), device="cpu").encode(TEXTS, normalize_embeddings=True)
    encoder, _ = pretrained(folder, 40)
    ours = embed(encoder, TEXTS)
    np.testing.assert_allclose(ours @ ours.T, library @ library.T, atol=1e-6)
    as_it_is = settings(folders["words"], path=str(folder), max_tokens=40, epochs=0)
    report = train_encoder(as_it_is, triplets(8, 0), tmp_path / "saved", workspace)
    np.testing.assert_array_equal(embed(load_encoder(tmp_path / "saved", "cpu"), TEXTS), ours)
    assert report["modules"] == described
    assert report["added"] == ([] if isinstance(modules[-1], Normalize) else ["Normalize"])
    assert (report["prompt"], report["max_tokens"]) == (options.get("prompt", ""), options.get("limit", 40))


def test_a_prompt_is_trained_with(folders: dict[str, Path], tmp_path: Path, workspace: Workspace) -> None:
    """Two encoders that differ in their prompt alone learn different weights."""
    saved = []
    for prompt in ("", "Q "):
        folder = made(tmp_path / f"encoder{prompt}", folders["bert"], [Pooling(WIDTH)], prompt=prompt)
        saved.append(tmp_path / f"saved{prompt}")
        train_encoder(
            settings(folders["words"], path=str(folder), max_tokens=40), triplets(64, 0), saved[-1], workspace
        )
    plain, prompted = (load_file(folder / "model.safetensors") for folder in saved)
    assert any(not torch.equal(plain[name], prompted[name]) for name in plain)


@pytest.mark.parametrize("base", ["bert", "xlm-r", "t5", "qwen", "modernbert"])
def test_a_plain_transformer_gets_the_mean(base: str, folders: dict[str, Path]) -> None:
    encoder, added = pretrained(folders[base], 40)
    assert added == ["mean", "Normalize"]
    model: Any = encoder[0].auto_model
    tokens = encoder.tokenizer(TEXTS[:1], return_tensors="pt")
    with torch.no_grad():
        mean = model(**{k: tokens[k] for k in ("input_ids", "attention_mask")})[0].mean(1)
    expected = torch.nn.functional.normalize(mean).numpy()
    np.testing.assert_allclose(embed(encoder, TEXTS[:1]), expected, atol=1e-6)


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / "2_Dense/model.safetensors"), folder / "2_Dense/pytorch_model.bin")
    (folder / "2_Dense/model.safetensors").unlink()


DENSE = "2_Dense/model.safetensors"
# What is done to a folder of BERT, mean and Dense, what must be said of it, and whether before anything runs.
BAD: dict[str, tuple[Callable[[Path], object], str, bool]] = {
    "code of its own": (
        json_of("modules.json", lambda j: j[1].update(type="custom.Pooling")),
        "custom.Pooling is code of",
        True,
    ),
    "static embeddings": (
        json_of("modules.json", lambda j: j[0].update(type="sentence_transformers.models.StaticEmbedding")),
        "class StaticEmbedding cannot",
        True,
    ),
    "no pooling": (json_of("modules.json", lambda j: j[:1]), "one Pooling are needed, found Transformer", True),
    "no list": (json_of("modules.json", lambda j: {"a": 1}), "a list of objects with name, type and path", True),
    "a module elsewhere": (json_of("modules.json", lambda j: j[1].update(path="../x")), "../x lies outside", True),
    "a cross-encoder": (
        json_of("config_sentence_transformers.json", lambda j: j.update(model_type="CrossEncoder")),
        "a CrossEncoder is no",
        True,
    ),
    "no such prompt": (
        json_of("config_sentence_transformers.json", lambda j: j.update(default_prompt_name="q")),
        "default_prompt_name 'q' is none of",
        True,
    ),
    "an activation of its own": (
        json_of("2_Dense/config.json", lambda j: j.update(activation_function="own.Gelu")),
        "activation_function own.Gelu is none of torch's",
        True,
    ),
    "an unknown key": (json_of("2_Dense/config.json", lambda j: j.update(foo=1)), "foo is nothing that a Dense", True),
    "another task": (
        json_of("sentence_bert_config.json", lambda j: j.update(transformer_task="fill-mask")),
        "transformer_task fill-mask makes no embeddings",
        True,
    ),
    "a pickled Dense": (pickled, "2_Dense: safetensors weights are needed, found only pytorch_model.bin", True),
    "no Dense": (lambda folder: shutil.rmtree(folder / "2_Dense"), "2_Dense: safetensors weights are needed", True),
    "an adapter": (lambda folder: (folder / "adapter_config.json").write_text("{}"), "adapter_config.json", True),
    "an unknown pooling": (
        json_of("1_Pooling/config.json", lambda j: j.update(pooling_mode="avg")),
        "Invalid pooling mode: 'avg'",
        False,
    ),
    "a Dense of another width": (
        json_of("2_Dense/config.json", lambda j: j.update(in_features=16)),
        "size mismatch for linear.weight",
        False,
    ),
    "a Dense short of a tensor": (
        tensors(DENSE, lambda t: t.pop("linear.bias")),
        'Missing key(s) in state_dict: "linear.bias"',
        False,
    ),
    "a NaN in the Dense": (
        tensors(DENSE, lambda t: t["linear.bias"].fill_(float("nan"))),
        "huge numbers in 2.linear.bias",
        False,
    ),
    "a NaN in the transformer": (
        tensors("model.safetensors", lambda t: t["embeddings.LayerNorm.bias"].fill_(float("nan"))),
        "huge numbers in 0.",
        False,
    ),
    "nothing but zeros": (
        tensors("model.safetensors", lambda t: t["embeddings.word_embeddings.weight"].zero_()),
        "nothing but zeros in model.embeddings.word_embeddings.weight",
        False,
    ),
    "a tokenizer without settings": (  # the library then adds control tokens
        lambda folder: (folder / "tokenizer_config.json").unlink(),
        "is number 68, and the model has embeddings for 65",
        False,
    ),
    "a tensor missing": (
        tensors("model.safetensors", lambda t: t.pop("encoder.layer.0.output.dense.bias")),
        "lack encoder.layer.0.output.dense.bias, which the BertModel",
        False,
    ),
    "another model_type": (
        json_of("config.json", lambda j: j.update(model_type="roberta")),
        "and model_type roberta",
        False,
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_a_folder_only_claims_is_refused(name: str, folders: dict[str, Path], tmp_path: Path) -> None:
    change, said, before_anything = BAD[name]
    folder = made(tmp_path / "encoder", folders["bert"], [Pooling(WIDTH), Dense(WIDTH, 16)])
    assert model_problem(folder, ENCODER) is None
    change(folder)
    with pytest.raises(InputError) as caught:
        load_encoder(folder, "cpu")
    assert said in str(caught.value)
    assert (model_problem(folder, ENCODER) is not None) == before_anything


def test_a_backbone_without_a_layer_and_a_decoder_that_reads_are_refused(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    fewer = tmp_path / "xlm-r"
    shutil.copytree(folders["xlm-r"], fewer)
    json_of("config.json", lambda j: j.update(num_hidden_layers=1))(fewer)
    with pytest.raises(InputError, match=r"the weights hold roberta\.encoder\.layer\.1\."):
        pretrained(fewer, 40)
    with pytest.raises(InputError, match="BartModel reads with a decoder"):
        pretrained(folders["bart"], 40)


def test_layers_are_weighted_or_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    modules = [Weighted(WIDTH, num_hidden_layers=2, layer_start=1), Pooling(WIDTH)]
    folder = made(tmp_path / "encoder", folders["bert"], modules)
    with pytest.raises(InputError, match="WeightedLayerPooling needs output_hidden_states: true"):
        load_encoder(folder, "cpu")
    json_of("config.json", lambda j: j.update(output_hidden_states=True))(folder)
    library = SentenceTransformer(str(folder), device="cpu").encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(embed(load_encoder(folder, "cpu"), TEXTS), library, atol=1e-6)


def test_an_encoder_that_gives_its_attentions_can_be_saved(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["bert"], tmp_path / "bert")
    json_of("config.json", lambda j: j.update(output_attentions=True))(folder)
    encoder, _ = pretrained(folder, 40)
    encoder.save_pretrained(str(tmp_path / "saved"), create_model_card=False)
    np.testing.assert_allclose(embed(load_encoder(tmp_path / "saved", "cpu"), TEXTS), embed(encoder, TEXTS), atol=1e-6)
