"""What the tests of a device run on it, and once more on the CPU: tiny trainings and readings of tiny random models.

Each returns plain figures and arrays, so that another process can run it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from peft import PeftModel

from semalign.config.models import Encoder
from semalign.config.training import Grpo, Lora, Sft
from semalign.encoder.model import embed, load_encoder
from semalign.encoder.training import train_encoder
from semalign.generation.answers import generate
from semalign.policy.grpo import train_grpo
from semalign.policy.likelihood import noise_floor, token_statistics
from semalign.policy.models import load_adapter, load_policy, new_adapter, save_adapter
from semalign.policy.sft import train_sft
from semalign.policy.trl_private import RolloutTrainer
from semalign.rewards.builtin import Reward, length_reward, similarity_reward
from semalign.runtime.files import read_jsonl, sha256
from semalign.runtime.workspace import Workspace
from semalign.text.prompts import fill, prompt_ids
from tests.conftest import PAIRS

PROMPT = "翻译：{source}"
# Of unlike length, and the longest of several hundred tokens: padding and more than one block of attention take part.
ROWS = [row | {"id": str(i), "target": row["target"] * (1, 2, 5, 9)[i % 4]} for i, row in enumerate(PAIRS)]
TEXTS = [row["source"] + row["target"] for row in ROWS[:8]]
RATES: dict[str, Any] = {"learning_rate": 1e-3, "warmup_ratio": 0.0, "schedule": "constant"}
SFT = Sft.model_validate(RATES | {"epochs": 1, "batch_size": 4, "micro_batch_size": 2, "max_tokens": 1024})
GRPO = Grpo.model_validate(
    RATES
    | {"epochs": 0.5, "batch_size": 16, "micro_batch_size": 8, "num_generations": 8, "max_new_tokens": 12}
    | {"temperature": 1.0, "top_p": 1.0, "rewards": {"similarity": 1.0}}
)

# What generates here does so by CUDA graphs, beside the CPU's plain loop; 0: by the plain loop.
GRAPHS = os.environ.get("SEMALIGN_CUDA_GRAPHS", "1") != "0"


def start(policy: Path, dtype: str, folder: Path, dropout: float = 0.0) -> Path:
    """An adapter both of whose matrices have values, the same ones whatever the precision of the base."""
    base, _ = load_policy(policy, dtype, "cpu")
    model = new_adapter(base, Lora(rank=8, alpha=16, dropout=dropout), seed=0)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.1 if "lora_A" in name else 0.05)
    save_adapter(model, folder)
    return folder


def adapted(policy: Path, adapter: Path, device: str, dtype: str, trainable: bool = False) -> tuple[PeftModel, Any]:
    base, tokenizer = load_policy(policy, dtype, device, cuda_graphs=GRAPHS)
    return load_adapter(base, adapter, trainable=trainable), tokenizer


def weights(model: PeftModel) -> np.ndarray:
    """All of the adapter's weights in a row, on the CPU."""
    kept = [p for name, p in model.named_parameters() if "lora_" in name and ".ref." not in name]
    return torch.cat([p.detach().cpu().flatten() for p in kept]).numpy()


def made(folder: Path, seconds: float = 3600) -> Workspace:
    folder.mkdir(parents=True, exist_ok=True)
    return Workspace(folder, seconds)


def sft(
    policy: Path, adapter: Path, device: str, dtype: str, workspace: Workspace, settings: Sft = SFT
) -> dict[str, Any]:
    """Losses, the weights before and after, the hash of the adapter's files and the report of a short SFT."""
    model, tokenizer = adapted(policy, adapter, device, dtype, trainable=True)
    before = weights(model)
    report, log = train_sft(
        model, tokenizer, ROWS, PROMPT, settings, dtype=dtype, device=device, seed=0, workspace=workspace
    )
    return _ended(model, before, report, log, workspace) | {"losses": [row["loss"] for row in log if "loss" in row]}


def grpo(
    policy: Path,
    adapter: Path,
    device: str,
    dtype: str,
    workspace: Workspace,
    settings: Grpo = GRPO,
    encoder: Path | None = None,
    replayed: list[Any] | None = None,
) -> dict[str, Any]:
    """The same of a short GRPO, with its rollouts and the tokens that it sampled.

    The reward is the similarity by `encoder`, or where there is none the length. `replayed`: the samples of another
    training, to be taken instead of own ones.
    """
    model, tokenizer = adapted(policy, adapter, device, dtype, trainable=True)
    before = weights(model)
    reward = similarity_reward(partial(embed, load_encoder(encoder, device)), -1.0) if encoder else length_reward
    rewards: dict[str, Reward] = dict.fromkeys(settings.rewards, reward)
    to: dict[str, Any] = {"dtype": dtype, "device": device, "seed": 0, "workspace": workspace}
    with _samples(replayed) as samples:
        report, log = train_grpo(model, tokenizer, ROWS, PROMPT, rewards, settings, **to)
    rollouts = list(read_jsonl(workspace.folder / "rollouts.jsonl"))
    return _ended(model, before, report, log, workspace) | {"rollouts": rollouts, "samples": samples}


def _ended(model: PeftModel, before: np.ndarray, report: Any, log: Any, workspace: Workspace) -> dict[str, Any]:
    folder = workspace.folder / "adapter"
    save_adapter(model, folder)
    found = {"report": report, "log": log, "before": before, "after": weights(model)}
    return found | {"adapter": folder, "sha256": sha256(folder)}


@contextmanager
def _samples(replayed: list[Any] | None) -> Iterator[list[Any]]:
    """Within the block every sample of GRPO is kept in the list; or, where some are given, taken from them."""
    own, kept = RolloutTrainer._generate_single_turn, []
    waiting = iter(replayed or [])

    def sampled(self: RolloutTrainer, *args: Any, **kwargs: Any) -> Any:
        kept.append(next(waiting) if replayed else own(self, *args, **kwargs))
        return kept[-1]

    with patch.object(RolloutTrainer, "_generate_single_turn", sampled):
        yield kept


def log_probability(policy: Path, adapter: Path, device: str, dtype: str, rollouts: list[dict[str, Any]]) -> float:
    """Mean log-probability of the tokens of recorded completions after their prompts, in nats."""
    model, tokenizer = adapted(policy, adapter, device, dtype)
    sources = {row["id"]: row["source"] for row in ROWS}
    asked = prompt_ids(tokenizer, [fill(PROMPT, source=sources[row["id"]]) for row in rollouts])
    found = []
    for row, prompt in zip(rollouts, asked, strict=True):
        answer = tokenizer(row["completion"], add_special_tokens=False)["input_ids"]
        ids = torch.tensor([prompt + answer], device=device)
        with torch.inference_mode():
            table = model(input_ids=ids).logits[0, len(prompt) - 1 : -1].float().log_softmax(-1)
        found += [float(table[place, token]) for place, token in enumerate(answer)]
    return float(np.mean(found))


def rewards(encoder: Path, device: str, rollouts: list[dict[str, Any]]) -> np.ndarray:
    """What the similarity reward gives to recorded completions."""
    targets = {row["id"]: row["target"] for row in ROWS}
    reward = similarity_reward(partial(embed, load_encoder(encoder, device)), -1.0)
    texts, references = [row["completion"] for row in rollouts], [targets[row["id"]] for row in rollouts]
    return np.array(reward(texts, references, references))


def answers(policy: Path, adapter: Path, device: str, dtype: str, folder: Path) -> list[tuple[str, int]]:
    """Greedy answers and their lengths in tokens."""
    model, tokenizer = adapted(policy, adapter, device, dtype)
    texts = [fill(PROMPT, source=text) for text in TEXTS]
    how: dict[str, Any] = {"max_new_tokens": 24, "batch_size": 4, "workspace": made(folder), "name": "answers"}
    return [(one.text, one.tokens) for one in generate(model, tokenizer, texts, **how)]


def likelihood(policy: Path, adapter: Path, device: str, dtype: str) -> dict[str, np.ndarray]:
    """NLL, KL to the base, and the noise floor of the KL, by token."""
    model, tokenizer = adapted(policy, adapter, device, dtype)
    how: dict[str, Any] = {"max_tokens": 512, "batch_size": 4, "chunk_tokens": 256}
    statistics, _ = token_statistics(model, tokenizer, TEXTS, **how)
    return statistics | {"floor": noise_floor(model, tokenizer, TEXTS, **how)}


def encoder(output: Path, device: str, workspace: Workspace, dropout: float = 0.0) -> dict[str, Any]:
    """A few steps of contrastive training: losses, the files' hash, and embeddings of texts by the trained encoder."""
    shape = {"architecture": "xlm-roberta", "hidden_size": 32, "intermediate_size": 64, "layers": 2, "heads": 2}
    raw = {
        "shape": shape | {"dropout": dropout},
        "tokenizer": {"vocab_size": 300},
        "train": [{"format": "jsonl", "path": "unused"}],
        "epochs": 2,
        "batch_size": 4,
        "learning_rate": 1e-3,
        "max_tokens": 128,
    }
    rows = [{"anchor": str(i) + row["source"], "positive": str(i) + row["target"]} for i, row in enumerate(ROWS)]
    report = train_encoder(Encoder.model_validate(raw), rows, output, workspace, device)
    return {
        "losses": [row["loss"] for row in report["loss"]],
        "sha256": sha256(output),
        "embeddings": embedded(output, device),
    }


def embedded(path: Path, device: str) -> np.ndarray:
    return embed(load_encoder(path, device), TEXTS)
