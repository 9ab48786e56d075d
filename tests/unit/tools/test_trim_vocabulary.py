"""A smaller copy of a policy reads a config's texts as the whole one does."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Backend
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from semalign.policy.models import load_policy
from semalign.policy.policy_tokenizer import load_tokenizer
from semalign.runtime.errors import InputError
from tests.conftest import ROOT
from tests.unit.policies import policy, tokenizer_of
from tools.trim_vocabulary import Texts, kept_ids, main, trim

TEXTS = Texts(turns=[("老师看书。", "དགེ་རྒན།"), ("a <|im_end|> b", "7")], plain=["老师 and 书", "no\n\nway"])
BARE = (ROOT / "config" / "bare.jinja").read_text()


def test_the_copy_has_the_same_tokens_and_logits(tmp_path: Path) -> None:
    whole = policy(tmp_path / "whole", tokenizer_of("chatml"))
    said = trim(whole, tmp_path / "small", TEXTS)
    (before, one), (after, two) = (load_policy(folder, "float32", "cpu") for folder in (whole, tmp_path / "small"))
    assert len(two) < len(one)
    assert after.get_input_embeddings().num_embeddings == after.config.vocab_size == len(two)
    assert f"{len(two)} rows" in said
    with torch.inference_mode():
        for old, new in zip(TEXTS.ids(one), TEXTS.ids(two), strict=True):
            assert one.convert_ids_to_tokens(old) == two.convert_ids_to_tokens(new)
            names = two.convert_ids_to_tokens(list(range(len(two))))
            kept = before(torch.tensor([old])).logits[..., one.convert_tokens_to_ids(names)]
            torch.testing.assert_close(after(torch.tensor([new])).logits, kept)
    assert two.convert_ids_to_tokens(after.generation_config.eos_token_id) == one.convert_ids_to_tokens(
        before.generation_config.eos_token_id
    )
    unseen = "Ελλάδα 🙂 <|im_start|>"
    assert two.decode(two(unseen, split_special_tokens=True)["input_ids"]) == unseen  # from smaller pieces


def gemma_like(folder: Path) -> Path:
    """A base model with Gemma's kind of tokenizer: pieces of UTF-8 text, bytes, line breaks and unused control tokens
    among its added tokens, `<bos>` before a text."""
    control = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<unused{n}>" for n in range(20)), "\n", "\n\n"]
    words = ["a", "b", "c", "▁", "ab", "abc", "bc", "▁a", "ख", "ा", "खा"]
    vocab = [*control, *(f"<0x{n:02X}>" for n in range(256)), *words]
    merges = [("a", "b"), ("ab", "c"), ("b", "c"), ("▁", "a"), ("ख", "ा")]
    model = models.BPE(
        {t: i for i, t in enumerate(vocab)}, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True
    )
    backend: Any = Backend(model)
    backend.normalizer = normalizers.Replace(" ", "▁")
    backend.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    backend.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    tokenizer: Any = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", unk_token="<unk>"
    )
    tokenizer.add_tokens([AddedToken(t, special=t.startswith("<"), normalized=False) for t in control])
    return policy(folder, tokenizer, rows=len(vocab) + 4, tie_word_embeddings=True)


def test_a_base_model_with_bytes_line_breaks_and_unused_control_tokens(tmp_path: Path) -> None:
    whole = gemma_like(tmp_path / "whole")
    texts = Texts(turns=[("abc", "खा")], plain=["bc b"])
    trim(whole, tmp_path / "small", texts, BARE)
    one, two = (load_tokenizer(folder, BARE) for folder in (whole, tmp_path / "small"))
    # bos, abc, line break, खा, eos; bc, ▁, b are the pieces of "bc b"
    read = [two.convert_ids_to_tokens(row) for row in texts.ids(two)]
    assert read == [one.convert_ids_to_tokens(row) for row in texts.ids(one)]
    assert read[0] == ["<bos>", "abc", "\n", "खा", "<eos>"]
    names = set(two.get_vocab())
    assert {"ab", "<0xFF>", "\n", "<pad>", "<unk>"} <= names
    assert not {"▁a", "<unused3>", "\n\n"} & names
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "small")
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert model.config.bos_token_id == two.convert_tokens_to_ids("<bos>")


def test_what_merges_into_a_token_that_is_kept_is_kept() -> None:
    vocab = {token: i for i, token in enumerate(["x", "y", "z", "xy", "xyz", "zz", "<unk>"])}
    content = {
        "model": {"vocab": vocab, "merges": ["x y", ["xy", "z"], ["z", "z"]], "unk_token": "<unk>"},
        "added_tokens": [{"id": 7, "content": "<s>"}, {"id": 8, "content": "<t>"}],
    }
    assert kept_ids(content, {4, 7}) == [0, 1, 2, 3, 4, 6, 7]


def test_what_cannot_be_trimmed_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = policy(tmp_path / "whole", tokenizer_of("chatml"))
    with pytest.raises(InputError, match="is there already; delete it"):
        trim(whole, whole, TEXTS)
    with pytest.raises(InputError, match="no text is given"):
        trim(whole, tmp_path / "small", Texts())
    path = whole / "tokenizer.json"
    content = json.loads(path.read_text())
    content["model"] = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0]], "byte_fallback": False}
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"Unigram; only a BPE tokenizer can be trimmed|cannot be loaded"):
        trim(whole, tmp_path / "small", TEXTS)
    assert not (tmp_path / "small").exists()
    with pytest.raises(SystemExit, match=r"config key policy\.path: names no folder"):
        main([str(whole), "config/one_seed.yaml"])
