"""A shape is accepted exactly where transformers builds the model and runs it."""

from itertools import product
from typing import Any

import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from pydantic import ValidationError
from transformers import AutoModel

from semalign.config.models import EncoderShape, PolicyShape, Tokenizer
from semalign.encoder.training import shape_config
from semalign.policy.lora_targets import lora_targets
from semalign.policy.pretraining import new_policy
from semalign.preflight.consistency import BUILT_MODULES
from semalign.text.tokenizer import build_encoder_tokenizer, build_tokenizer
from tests.unit.shipped import at, said

WIDTHS, HEADS = (2, 3, 4, 6, 8, 15, 96), (1, 2, 3, 4, 5, 96)
SHAPES: list[dict[str, Any]] = [
    {"hidden_size": width, "heads": heads, "intermediate_size": inner, "layers": layers}
    for width, heads in product(WIDTHS, HEADS)
    for inner, layers in ([(1, 1), (3, 2)] if width < 9 else [(7, 1)])
]


@pytest.fixture(scope="module")
def tokenizers() -> tuple[Any, Any]:
    return build_tokenizer(Tokenizer(vocab_size=259), ["a"]), build_encoder_tokenizer(
        Tokenizer(vocab_size=260), ["a"], 3
    )


def runs(model: Any, tokens: int) -> bool:
    try:
        model(input_ids=torch.full((2, tokens), 5))
    except (RuntimeError, ValueError, IndexError):
        return False
    return True


def accepted(kind: type[Any], **shape: Any) -> bool:
    try:
        kind(**shape)
    except ValidationError:
        return False
    return True


def test_of_a_policy(tokenizers: tuple[Any, Any]) -> None:
    for shape in SHAPES:
        unchecked = PolicyShape.model_construct(**shape, initializer_range=0.02)
        try:
            model = new_policy(unchecked, tokenizers[0], 4)
        except (ValueError, RuntimeError, ZeroDivisionError, StrictDataclassError):
            model = None
        # The parts must make up the width. A head of one dimension runs, since its rotation is broadcast to two.
        sound = shape["hidden_size"] % shape["heads"] == 0 and shape["hidden_size"] != shape["heads"]
        built = model is not None and sound and runs(model, 4)
        assert accepted(PolicyShape, **shape) == built, shape


@pytest.mark.parametrize("architecture", ["bert", "xlm-roberta"])
def test_of_an_encoder(architecture: Any, tokenizers: tuple[Any, Any]) -> None:
    for shape in SHAPES:
        unchecked = EncoderShape.model_construct(
            **shape, architecture=architecture, initializer_range=0.02, dropout=0.0
        )
        try:
            model = AutoModel.from_config(shape_config(unchecked, tokenizers[1], 3))
        except (ValueError, RuntimeError):
            model = None
        built = model is not None and runs(model, 3)
        assert accepted(EncoderShape, **shape, architecture=architecture) == built, shape


@pytest.mark.parametrize(
    ("kind", "width", "heads", "widths"),
    [
        (PolicyShape, 96, 5, (95, 100)),
        (PolicyShape, 15, 5, (10, 20)),
        (EncoderShape, 3, 4, (4,)),
        (PolicyShape, 4, 8, (8,)),
    ],
)
def test_a_width_that_would_do_is_named(kind: type[Any], width: int, heads: int, widths: tuple[int, ...]) -> None:
    more = {"architecture": "bert"} if kind is EncoderShape else {}
    with pytest.raises(ValidationError) as caught:
        kind(hidden_size=width, heads=heads, intermediate_size=8, layers=1, **more)
    assert " or ".join(f"hidden_size: {size}" for size in widths) + " would do" in str(caught.value)


def test_a_vocabulary_holds_the_bytes_and_special_tokens(tokenizers: tuple[Any, Any]) -> None:
    assert [len(tokenizer) for tokenizer in tokenizers] == [259, 260]
    for size, special in ((258, 3), (259, 4)):
        with pytest.raises(
            ValueError, match=f"tokenizer.vocab_size: {size} cannot hold 256 bytes and {special} special"
        ):
            Tokenizer(vocab_size=size).check_size(special)


def test_lora_names_modules_of_the_policy_that_is_made(tokenizers: tuple[Any, Any]) -> None:
    model = new_policy(PolicyShape(hidden_size=8, heads=2, intermediate_size=8, layers=1), tokenizers[0], 8)
    assert set(lora_targets(model, None)) == set(BUILT_MODULES)
    assert said(at("lora.target_modules", ["self_attn.q_proj", "down_proj"])) == ""
    assert "lora.target_modules: c_attn matches no module" in said(at("lora.target_modules", ["q_proj", "c_attn"]))
    assert said({"lora": {"target_modules": ["c_attn"]}, "policy": {"path": "a", "pretraining": None}}) == ""
