"""Training a small policy from scratch."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from semalign.config.models import Pretraining, Tokenizer
from semalign.policy.pretraining import IGNORED, encoded, train_base
from semalign.runtime.errors import InputError
from semalign.runtime.workspace import Workspace
from semalign.text.prompts import prompt_text
from semalign.text.tokenizer import build_tokenizer

WORDS = [*"天地人你我他一二三四五", "问："]
DOCUMENTS = [{"prompt": f"问：{word}", "completion": word} for word in WORDS[:-1]] * 6 + [{"text": "天地人"}] * 6


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    path = tmp_path_factory.mktemp("lexicon") / "lexicon.txt"
    path.write_text("\n".join(WORDS), encoding="utf-8")
    return build_tokenizer(Tokenizer(lexicon=path), [])


def _settings(**changes: Any) -> Pretraining:
    raw = {
        "corpus": [{"kind": "text", "source": {"format": "lines", "path": "unused"}}],
        "tokenizer": {"vocab_size": 300},
        "shape": {"hidden_size": 32, "intermediate_size": 64, "layers": 1, "heads": 2, "initializer_range": 0.1},
        "steps": 80,
        "batch_size": 8,
        "learning_rate": 0.01,
    }
    return Pretraining.model_validate(raw | changes)


def test_the_answer_is_learnt_and_the_prompt_given(tokenizer: PreTrainedTokenizerFast) -> None:
    rows, cut = encoded(tokenizer, [{"prompt": "问：天", "completion": "天"}, {"text": "天地"}], 64)
    given, learnt = (
        [
            tokenizer.decode([i for i, label in pairs if (label == IGNORED) == ignored])
            for pairs in [list(zip(row["input_ids"], row["labels"], strict=True)) for row in rows]
        ]
        for ignored in (True, False)
    )
    assert given == ["<|im_start|>user\n问：天<|im_end|>\n<|im_start|>assistant\n", ""]
    assert learnt == ["天<|im_end|>\n", "天地<|im_end|>"]
    assert cut == 0


def test_a_base_learns_and_loads(tokenizer: PreTrainedTokenizerFast, tmp_path: Path, workspace: Workspace) -> None:
    report, history = train_base(_settings(), DOCUMENTS, tokenizer, tmp_path / "base", workspace)
    assert report["documents"] == 72
    assert report["cut_documents"] == report["unknown_tokens"] == 0
    assert history[-1]["loss"] < 0.2 < history[0]["loss"]

    model = AutoModelForCausalLM.from_pretrained(tmp_path / "base").eval()
    loaded = AutoTokenizer.from_pretrained(tmp_path / "base")
    assert model.num_parameters() == report["parameters"]
    assert list((tmp_path / "base").glob("*.safetensors"))
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    batch = loaded([prompt_text(loaded, f"问：{word}") for word in "天五"], return_tensors="pt", padding=True)
    with torch.no_grad():
        output = model.generate(**batch, max_new_tokens=5)
    answers = loaded.batch_decode(output[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
    assert answers == ["天", "五"]  # and stops by itself


def test_what_is_cut_or_unknown_is_counted(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path, workspace: Workspace
) -> None:
    documents = [{"text": "天" * 20}, {"text": "地x"}] * 4 + [{"prompt": "天" * 20, "completion": "天"}]
    report, _ = train_base(
        _settings(steps=1, warmup_ratio=0, max_tokens=10), documents, tokenizer, tmp_path / "base", workspace
    )
    assert (report["documents"], report["cut_documents"], report["dropped_documents"]) == (8, 5, 1)
    assert report["unknown_tokens"] == 4
    assert report["tokens"] == 4 * 10 + 4 * 3


def test_too_few_documents_are_named(tokenizer: PreTrainedTokenizerFast, tmp_path: Path, workspace: Workspace) -> None:
    with pytest.raises(InputError, match=r"policy\.pretraining\.corpus: 2 documents do not fill a batch of 8"):
        train_base(_settings(), DOCUMENTS[:2], tokenizer, tmp_path / "base", workspace)
