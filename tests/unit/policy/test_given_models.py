"""Models that were trained elsewhere, loaded and compared with the base. The adapters are peft's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from semalign.policy.given_models import adapter_checks, load_given_adapter, load_measured, without_kl
from semalign.policy.likelihood import token_statistics
from semalign.policy.models import load_policy
from semalign.runtime.errors import InputError
from semalign.runtime.files import write_json
from tests.unit.policies import laid_on, policy, tokenizer_of

POLICY: Any = {"dtype": "float32", "device": "cpu"}
TEXTS = ["老师看书。老师写字。", "你好。"]
BOUNDS = {"max_tokens": 64, "batch_size": 2, "chunk_tokens": 16}


def trained(base: Path, folder: Path, **changes: Any) -> Path:
    """An adapter after a few steps of plain PyTorch."""
    torch.manual_seed(1)
    model = laid_on(base, **changes)
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 5.0)
    ids = torch.arange(20, 60)[None]
    for _ in range(3):
        model(input_ids=ids, labels=ids).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    model.save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("given")
    policy(folder / "base", tokenizer_of("chatml"))
    policy(folder / "deep", tokenizer_of("chatml"), num_hidden_layers=3)
    policy(folder / "foreign", tokenizer_of("gemma"))
    trained(folder / "base", folder / "adapter")
    return folder


def problems(folder: Path, base: Path) -> str:
    return "\n".join(str(row["problem"]) for row in adapter_checks(folder, base, None) if row["problem"])


def test_an_adapter_of_peft_answers_as_peft_has_it(folders: Path) -> None:
    model, tokenizer = load_measured(folders / "base", folders / "adapter", POLICY, "models.theirs.adapter")
    assert not any(parameter.requires_grad for parameter in model.parameters())
    plain = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(folders / "base"), folders / "adapter")
    ids = torch.tensor([tokenizer(TEXTS[0])["input_ids"]])
    with torch.no_grad():
        assert torch.equal(model(input_ids=ids).logits, plain.eval()(input_ids=ids).logits)
    arrays, _ = token_statistics(model, tokenizer, TEXTS, **BOUNDS)
    assert arrays["kl"].mean() > 1e-6


def test_its_base_is_told_by_modules_shapes_and_digest(folders: Path, tmp_path: Path) -> None:
    assert problems(folders / "adapter", folders / "base") == ""
    of_deep = trained(folders / "deep", tmp_path / "deep")
    said = problems(of_deep, folders / "base")
    assert "it adapts model.layers.2.self_attn.q_proj, model.layers.2.self_attn.v_proj, which" in said
    assert f"it names its base '{folders / 'deep'}': set policy.path to that model" in said
    assert "which its own config asks for on" in problems(folders / "adapter", folders / "deep")
    with pytest.raises(InputError, match=r"config key models\.theirs\.adapter: .* is no adapter of this base"):
        load_given_adapter(load_policy(folders / "base", **POLICY)[0], of_deep, "models.theirs.adapter")

    recorded = trained(folders / "base", tmp_path / "recorded")
    write_json(recorded / "trained_on.json", {"sha256": "0" * 64})
    with pytest.raises(InputError, match="was trained on another base"):
        load_given_adapter(load_policy(folders / "base", **POLICY)[0], recorded, "models.theirs.adapter")


def test_an_adapter_with_another_tokenizer_is_refused(folders: Path, tmp_path: Path) -> None:
    mine = trained(folders / "base", tmp_path / "mine")
    tokenizer_of("chatml").save_pretrained(mine)
    assert problems(mine, folders / "base") == ""
    tokenizer = tokenizer_of("chatml")
    tokenizer.add_tokens(["བོད་ཡིག"])
    tokenizer.save_pretrained(mine)
    assert "of which 1 are not in both at the same number; merge it" in problems(mine, folders / "base")


def test_kl_of_a_whole_model_needs_a_common_vocabulary(folders: Path, tmp_path: Path) -> None:
    base, of_base = load_policy(folders / "base", **POLICY)
    foreign, of_foreign = load_policy(folders / "foreign", **POLICY)
    assert "KL needs a common vocabulary" in str(without_kl(foreign, of_foreign, base, of_base))
    tall, of_tall = load_policy(policy(tmp_path / "tall", tokenizer_of("chatml"), rows=330), **POLICY)
    assert "the model predicts 330 rows and the base 320" in str(without_kl(tall, of_tall, base, of_base))
    assert without_kl(base, of_base, base, of_base) is None


def test_kl_to_a_reference_is_that_of_the_merged_adapter(folders: Path) -> None:
    """The same model as an adapter on the base and merged into a whole: two ways to one KL."""
    adapted, tokenizer = load_measured(folders / "base", folders / "adapter", POLICY, "models.theirs.adapter")
    expected, _ = token_statistics(adapted, tokenizer, TEXTS, **BOUNDS)
    whole = load_measured(folders / "base", folders / "adapter", POLICY, "models.theirs.adapter")[0].merge_and_unload()
    base, _ = load_policy(folders / "base", **POLICY)
    found, _ = token_statistics(whole, tokenizer, TEXTS, reference=base, **BOUNDS)
    np.testing.assert_allclose(found["kl"], expected["kl"], rtol=1e-3, atol=1e-7)
    assert expected["kl"].max() > 1e-5
