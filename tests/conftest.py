"""Tiny models and texts that several tests share."""

from pathlib import Path

import pytest

from semalign.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent

PAIRS = [
    {"id": str(i), "group": str(i), "source": source, "target": target}
    for i, (source, target) in enumerate(
        [
            ("老师看书。", "དགེ་རྒན་གྱིས་དཔེ་ཆ་བལྟས།"),
            ("妈妈做饭。", "ཨ་མས་ཁ་ལག་བཟོས།"),
            ("孩子喝水。", "ཕྲུ་གུས་ཆུ་བཏུང་།"),
            ("学生写信。", "སློབ་མས་ཡི་གེ་བྲིས།"),
        ]
        * 4
    )
]


@pytest.fixture(scope="session")
def tiny_policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random Qwen3 with a byte-level BPE tokenizer and a chat template."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    from semalign.config.models import Tokenizer
    from semalign.tokenizer import build_tokenizer

    folder = tmp_path_factory.mktemp("policy")
    texts = [row[side] for row in PAIRS for side in ("source", "target")]
    tokenizer = build_tokenizer(Tokenizer(lexicon=None, vocab_size=300), texts)
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        initializer_range=0.1,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A job's workspace that saves nothing before an hour has passed."""
    folder = tmp_path / "work"
    folder.mkdir()
    return Workspace(folder, checkpoint_seconds=3600)
