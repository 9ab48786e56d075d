"""Token NLL and KL against a naive float64 computation."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semalign.config.training import Lora
from semalign.policy.likelihood import nll_and_kl, noise_floor, summary, token_statistics
from semalign.policy.models import load_policy, new_adapter
from tests.unit.policies import stirred

TEXTS = ["老师看书。", "妈妈做饭。孩子喝水。", "学", "", "དགེ་རྒན་གྱིས་དཔེ་ཆ་བལྟས།", "学生写信。"]
HOW: dict[str, Any] = {"max_tokens": 64, "batch_size": 4, "chunk_tokens": 1024}


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def reference(adapted: np.ndarray, base: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p, q = log_softmax(adapted), log_softmax(base)
    return -p[np.arange(len(targets)), targets], (np.exp(p) * (p - q)).sum(axis=-1)


@pytest.fixture(scope="module")
def adapted(tiny_policy: Path) -> tuple[Any, Any]:
    base, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    return stirred(new_adapter(base, Lora(rank=4, alpha=8, dropout=0.0), seed=0), only="lora_B"), tokenizer


def naive(model: Any, tokenizer: Any, max_tokens: int) -> tuple[list[float], list[float], list[int]]:
    """One text at a time, all logits at once, in float64."""
    nll, kl, passage = [], [], []
    for place, text in enumerate(TEXTS):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"][:max_tokens]
        if len(ids) < 2:
            continue
        tokens = torch.tensor([ids])
        with torch.no_grad():
            with_adapter = model(tokens).logits[0, :-1].numpy()
            with model.disable_adapter():
                without = model(tokens).logits[0, :-1].numpy()
        one, two = reference(with_adapter, without, np.array(ids[1:]))
        nll += list(one)
        kl += list(two)
        passage += [place] * len(one)
    return nll, kl, passage


@pytest.mark.parametrize(("batch_size", "chunk_tokens"), [(1, 1024), (4, 7), (6, 1)])
def test_equals_the_naive_computation(adapted: tuple[Any, Any], batch_size: int, chunk_tokens: int) -> None:
    model, tokenizer = adapted
    how = HOW | {"batch_size": batch_size, "chunk_tokens": chunk_tokens, "max_tokens": 20}
    arrays, cut = token_statistics(model, tokenizer, TEXTS, **how)
    nll, kl, passage = naive(model, tokenizer, 20)
    assert arrays["nll"] == pytest.approx(nll, abs=1e-6)
    assert arrays["kl"] == pytest.approx(kl, abs=1e-6)
    assert list(arrays["passage"]) == passage
    assert arrays["kl"].min() > 0
    lengths = [len(row) for row in tokenizer(TEXTS, add_special_tokens=False)["input_ids"]]
    assert cut == sum(length > 20 for length in lengths) > 0


@pytest.mark.parametrize("scale", [1e-4, 1.0, 30.0])
def test_on_given_logits(scale: float) -> None:
    rng = np.random.default_rng(0)
    base = (30 * rng.standard_normal((5, 20000))).astype(np.float32)
    adapted = (base + scale * rng.standard_normal(base.shape)).astype(np.float32)
    targets = rng.integers(0, 20000, 5)
    nll, kl = nll_and_kl(torch.tensor(adapted), torch.tensor(base), torch.tensor(targets))
    expected_nll, expected_kl = reference(adapted, base, targets)
    assert nll.numpy() == pytest.approx(expected_nll, abs=1e-6)
    assert kl.numpy() == pytest.approx(expected_kl, abs=1e-6)


def test_by_hand_and_an_impossible_token() -> None:
    adapted = torch.log(torch.tensor([[0.5, 0.5, 0.0]]))
    base = torch.log(torch.tensor([[0.25, 0.75, 0.0]]))
    nll, kl = nll_and_kl(adapted, base, torch.tensor([0]))
    assert nll.item() == pytest.approx(np.log(2))
    assert kl.item() == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(0.5 / 0.75))


def test_the_head_never_sees_more_than_a_chunk(adapted: tuple[Any, Any]) -> None:
    model, tokenizer = adapted
    seen: list[int] = []
    hook = model.get_output_embeddings().register_forward_hook(lambda module, args, out: seen.append(len(args[0])))
    token_statistics(model, tokenizer, TEXTS, **HOW | {"chunk_tokens": 5})
    hook.remove()
    assert max(seen) == 5


def test_the_base_has_no_kl_but_rounding(tiny_policy: Path) -> None:
    model, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    arrays, _ = token_statistics(model, tokenizer, TEXTS, **HOW)
    assert np.abs(arrays["kl"]).max() == 0
    noise = noise_floor(model, tokenizer, TEXTS, **HOW)
    assert noise.shape == arrays["kl"].shape
    assert np.abs(noise).max() < 1e-9


def test_summary_by_hand() -> None:
    values = np.arange(11, dtype=np.float32)
    assert summary(values) == {"mean": 5.0, "median": 5.0, "p10": 1.0, "p90": 9.0}
    assert summary(np.array([1, 2], dtype=np.float32))["p10"] == pytest.approx(1.1)
