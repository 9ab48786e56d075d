"""A policy is loaded only where its weights are those that its folder claims: one change each to a good folder."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from semalign.model_files.model_folders import POLICY, model_problem
from semalign.model_files.weights import check_policy_weights
from semalign.policy.models import load_adapter, load_policy, save_adapter
from semalign.runtime.errors import InputError
from tests.unit.encoder.pretrained_folders import tensors
from tests.unit.policies import policy, rewritten, tokenizer_of
from tests.unit.policy.test_training import fresh

Tensors = dict[str, torch.Tensor]
UP, SECOND = "model.layers.0.mlp.up_proj.weight", "model.layers.1."


held = partial(tensors, "model.safetensors")


def config(**values: object) -> Callable[[Path], None]:
    return lambda folder: rewritten(folder, "config.json", **values)


def put(name: str, make: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path], None]:
    return held(lambda tensors: tensors.update({name: make(tensors[UP if name not in tensors else name])}))


def sharded(change: Callable[[Tensors, Tensors, dict[str, str]], object]) -> Callable[[Path], None]:
    """Two shards and their index, changed."""

    def changed(folder: Path) -> None:
        tensors = load_file(folder / "model.safetensors")
        (folder / "model.safetensors").unlink()
        names = sorted(tensors)
        shards = [{name: tensors[name] for name in part} for part in (names[:9], names[9:])]
        places = {name: f"{number}.safetensors" for number, shard in enumerate(shards) for name in shard}
        change(shards[0], shards[1], places)
        for number, shard in enumerate(shards):
            save_file(shard, folder / f"{number}.safetensors", metadata={"format": "pt"})
        index = {"metadata": {}, "weight_map": places}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    return changed


def spoilt(value: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda tensor: tensor.index_fill(0, torch.tensor([1]), value)


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "a tensor missing": (held(lambda t: t.pop(UP)), f"lack {UP}, which the Qwen3ForCausalLM"),
    "more layers in the config": (config(num_hidden_layers=3, layer_types=None), "the weights lack model.layers.2."),
    "fewer layers in the config": (config(num_hidden_layers=1, layer_types=None), f"the weights hold {SECOND}"),
    "norms that a Llama has not": (config(model_type="llama", architectures=["LlamaForCausalLM"]), "k_norm.weight"),
    "another model_type": (config(model_type="llama"), "whose model_type is qwen3, and model_type llama"),
    "an architecture of its own": (config(architectures=["OwnForCausalLM"]), "no architecture OwnForCausalLM"),
    "a NaN": (put(UP, spoilt(float("nan"))), f"infinite or huge numbers in {UP}"),
    "an infinity": (put("model.norm.weight", spoilt(float("-inf"))), "huge numbers in model.norm.weight"),
    "what float32 cannot square": (put(UP, spoilt(1e30)), f"huge numbers in {UP}"),
    "what float32 cannot hold": (put(UP, lambda t: t.double() * 1e300), f"huge numbers in {UP}"),
    "nothing but zeros": (put(UP, torch.zeros_like), f"nothing but zeros in {UP}"),
    "another shape": (put(UP, lambda t: torch.ones(64, 33)), f"{UP} of shape (64, 33) for (64, 32)"),
    "whole numbers": (put(UP, lambda t: (100 * t).to(torch.int8)), "as I8: quantised weights"),
    "raw float8": (put(UP, lambda t: t.to(torch.float8_e4m3fn)), "as F8_E4M3: quantised weights"),
    "more tokens in the config": (config(vocab_size=999), "for (999, 32)"),
    "a value head": (put("v_head.summary.weight", lambda t: t[:1].clone()), "the weights hold v_head.summary.weight"),
    "tied in the config only": (
        lambda folder: (config(tie_word_embeddings=True)(folder), held(lambda t: None)(folder))[0],
        "ties the output to the input embeddings",
    ),
    "an empty file": (lambda folder: (folder / "model.safetensors").write_bytes(b""), "damaged or cut off"),
    "no tensors": (held(lambda t: t.clear()), "holds no tensor"),
    "a shard short of a tensor": (sharded(lambda a, b, i: a.pop(min(a))), "which model.safetensors.index.json says"),
    "a shard of another model": (sharded(lambda a, b, i: b.update(x=torch.ones(2))), "holds x, which"),
    "weights of another name": (
        lambda folder: (folder / "model.safetensors").rename(folder / "consolidated.safetensors"),
        "holds consolidated.safetensors, but neither",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_weights_that_are_not_what_the_folder_says_are_refused(name: str, tiny_policy: Path, tmp_path: Path) -> None:
    change, said = WRONG[name]
    folder = tmp_path / "policy"
    shutil.copytree(tiny_policy, folder)
    change(folder)
    with pytest.raises(InputError) as loading:
        load_policy(folder, "float32", "cpu")
    with pytest.raises(InputError) as checking:  # the same is found without loading it
        check_policy_weights(folder, "float32")
    assert said in str(loading.value)
    assert said in str(checking.value)


@pytest.mark.parametrize(
    "change",
    [
        sharded(lambda a, b, i: None),
        held(lambda t: [t.update({name.removeprefix("model."): t.pop(name)}) for name in list(t)]),
        put("model.layers.0.self_attn.rotary_emb.inv_freq", lambda t: t[0].clone()),
        put(UP, lambda t: t.to(torch.bfloat16)),
        lambda folder: [config(tie_word_embeddings=True)(folder), held(lambda t: t.pop("lm_head.weight"))(folder)],
    ],
    ids=["shards", "a backbone's names", "an old buffer", "bfloat16", "tied"],
)
def test_other_ways_to_write_a_model_are_not(
    change: Callable[[Path], object], tiny_policy: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(tiny_policy, folder)
    change(folder)
    check_policy_weights(folder, "float32")
    assert model_problem(folder, POLICY) is None
    model, _ = load_policy(folder, "float32", "cpu")
    stored = load_file(tiny_policy / "model.safetensors")[UP]
    torch.testing.assert_close(model.get_parameter(UP).data, stored, atol=1e-2, rtol=1e-2)


def test_a_config_by_which_nothing_can_be_computed_is_refused(tmp_path: Path) -> None:
    folder = policy(tmp_path, tokenizer_of("chatml"), "gptj", rotary_dim=64)  # of heads that have 16
    with pytest.raises(InputError, match=r"GPTJForCausalLM cannot compute as config\.json says"):
        load_policy(folder, "float32", "cpu")


def test_architectures_that_are_no_list_are_named(tiny_policy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "policy"
    shutil.copytree(tiny_policy, folder)
    config(architectures="Qwen3ForCausalLM")(folder)
    assert "must be a list of names, found 'Qwen3ForCausalLM'" in str(model_problem(folder, POLICY))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop(min(t)), "lacks base_model.model.model.layers.0.mlp.down_proj.lora_A.weight"),
        (lambda t: t.update(more=torch.ones(1)), "holds more, which the model has not"),
        (lambda t: t[min(t)].fill_(float("nan")), "huge numbers in base_model.model.model.layers.0"),
        (lambda t: t.update({min(t): torch.ones(3, 3)}), "size mismatch"),
    ],
)
def test_so_is_an_adapter(change: Callable[[Tensors], object], said: str, tiny_policy: Path, tmp_path: Path) -> None:
    model, _ = fresh(tiny_policy)
    save_adapter(model, tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})
    base, _ = load_policy(tiny_policy, "float32", "cpu")
    with pytest.raises(InputError, match="no adapter of this base") as caught:
        load_adapter(base, tmp_path, trainable=False)
    assert said in str(caught.value)
