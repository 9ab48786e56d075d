"""The methods' trainings on a random model: the adapter moves, the base does not, a kill changes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from semalign.config.training import Lora, Sft
from semalign.methods import grpo_kl
from semalign.methods.base import TrainingInputs
from semalign.policy.models import digest, load_adapter, load_policy, new_adapter, save_adapter
from semalign.policy.sft import kl_sum, train_sft
from semalign.policy.trl_private import RolloutTrainer
from semalign.preflight.methods import method
from semalign.rewards.builtin import Reward, length_reward, repetition_reward
from semalign.runtime.files import sha256
from semalign.runtime.workspace import Workspace
from tests.conftest import PAIRS, work
from tests.unit.methods.test_methods import given_adapter
from tests.unit.resume.test_checkpoints import BATCHES, HERE, killed_at

SFT = BATCHES | {"epochs": 2, "max_tokens": 128}
RL = BATCHES | {"epochs": 1, "num_generations": 2, "max_new_tokens": 6, "rewards": {"length": 1.0}}
LORA = {"rank": 4, "alpha": 8, "dropout": 0.1}
TEXTS = [{"text": row["source"]} for row in PAIRS] + [{"prompt": "问", "completion": "答"}]
REWARDS: dict[str, Reward] = {"length": length_reward, "repetition": repetition_reward}
OF_RL = {"rewards": REWARDS, "weights": {"length": 1.0}, "recipes": {"rl": RL}}
OF_SFT = {"recipes": {"lora": LORA, "strong_sft": SFT}}
LEARNT = [row | {"reward": float(len(row["source"]) + place)} for row in PAIRS for place in range(3)]
CANDIDATES = [
    {"id": row["id"], "source": row["source"], "completion": "ཀ" * (n % 3 + 1), "reward": float(n % 3)}
    for n, row in enumerate(LEARNT)
]

UNUSED = {"kind": "text", "source": {"format": "lines", "path": "unused"}}

# Settings of a method, a strength, what it is given, whether it begins with an adapter, and steps to be killed in.
TRAININGS: dict[str, tuple[dict[str, Any], float, dict[str, Any], bool, list[int]]] = {
    "dpo": ({"method": "dpo", **BATCHES, "epochs": 2}, 12, {"candidates": CANDIDATES}, True, [2, 4]),
    "best_of_n": ({"method": "best_of_n", **SFT}, 8, {"candidates": CANDIDATES}, True, [2]),
    "replay": (
        {"method": "replay", "share": 0.5, "language": "zh", "texts": [UNUSED]},
        8,
        OF_SFT | {"replay": TEXTS},
        False,
        [2, 5],
    ),
    "kl_sft": ({"method": "kl_sft", "weight": 0.5}, 8, OF_SFT, False, [3]),
    "grpo_kl, to the cold start": ({"method": "grpo_kl", "reference": "cold_start"}, 0.5, OF_RL, True, [3]),
    "grpo_kl, to the base": ({"method": "grpo_kl", "reference": "base"}, 0.5, OF_RL, True, [2, 5]),
    "grpo_guard": (
        {"method": "grpo_guard", "guard": {"repetition": 0.5}},
        8,
        OF_RL | {"weights": {"length": 1.0, "repetition": 0.5}},
        True,
        [2],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def cold(tiny_policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that has learnt a little."""
    folder = tmp_path_factory.mktemp("cold")
    base, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    model = new_adapter(base, Lora.model_validate(LORA), seed=0)
    train_sft(model, tokenizer, PAIRS, "{source}", Sft.model_validate(SFT), **HERE, workspace=work(folder))
    save_adapter(model, folder / "adapter")
    return folder / "adapter"


def trained(name: str, policy: Path, cold: Path, workspace: Workspace) -> tuple[Any, dict[str, Any], Any]:
    raw, strength, more, continues, _ = TRAININGS[name]
    given: TrainingInputs = given_adapter(policy, cold if continues else None, workspace, **more)
    module = method(raw["method"])
    found: tuple[Any, dict[str, Any], Any] = module.train(
        module.Settings.model_validate(raw | {"strengths": [strength]}), strength, given
    )
    return found


@pytest.mark.parametrize("name", TRAININGS)
def test_the_adapter_moves_and_the_base_does_not_and_a_killed_training_ends_as_it_would_have(
    name: str, tiny_policy: Path, cold: Path, tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, _ = load_policy(tiny_policy, "float32", "cpu")
    before = load_adapter(base, cold, trainable=False)
    model, *whole = trained(name, tiny_policy, cold, workspace)
    report, history = whole
    assert report["adapter_sha256"] == digest(model, adapter=True) != digest(before, adapter=True)
    assert report["base_sha256"] == digest(model, adapter=False) == digest(before, adapter=False)
    assert report["steps"] == len(history) > 1
    save_adapter(model, tmp_path / "whole")
    killed = work(tmp_path / "killed", 0)
    for step in TRAININGS[name][-1]:
        with monkeypatch.context() as patch:
            killed_at(step, patch)
            with pytest.raises(KeyboardInterrupt):
                trained(name, tiny_policy, cold, killed)
    model, *again = trained(name, tiny_policy, cold, killed)
    save_adapter(model, tmp_path / "again")
    assert json.dumps(again) == json.dumps(whole)
    assert sha256(tmp_path / "again") == sha256(tmp_path / "whole")


def test_dpo_begins_at_its_reference_and_learns_what_is_preferred(
    tiny_policy: Path, cold: Path, workspace: Workspace
) -> None:
    _, report, history = trained("dpo", tiny_policy, cold, workspace)
    assert history[0]["loss"] == pytest.approx(
        0.693147, abs=1e-4
    )  # ln 2: no margin yet, the cold start is the reference
    assert history[-1]["rewards/margins"] > 0
    assert (report["examples"], report["without_preference"]) == (12, 0)


def test_the_kl_of_grpo_is_to_what_the_config_says(
    tiny_policy: Path, cold: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampled: list[tuple[list[int], list[int]]] = []
    sampling = RolloutTrainer._generate_single_turn

    def noted(self: Any, prompts: Any, *args: Any, **kwargs: Any) -> Any:
        found = sampling(self, prompts, *args, **kwargs)
        sampled.extend(zip(prompts, found[0], strict=True))
        return found

    monkeypatch.setattr(RolloutTrainer, "_generate_single_turn", noted)
    kl = {}
    for reference in ("cold_start", "base"):
        sampled.clear()
        given = given_adapter(tiny_policy, cold, work(tmp_path / reference), **OF_RL)
        settings = grpo_kl.Settings(method="grpo_kl", reference=reference, strengths=(0.5,))
        _, _, history = grpo_kl.train(settings, 0.5, given)
        kl[reference] = history[0]["kl"]
    assert kl["cold_start"] == pytest.approx(0, abs=1e-7)
    assert kl["base"] == pytest.approx(estimated_kl(tiny_policy, cold, sampled[:4]), rel=1e-3)


def estimated_kl(policy: Path, adapter: Path, sampled: list[tuple[list[int], list[int]]]) -> float:
    """Shao's estimator of the KL from the adapted model to the base at RL's temperature, mean over the tokens of each
    micro-batch, then of these."""
    model = load_adapter(load_policy(policy, "float32", "cpu")[0], adapter, trainable=False)
    means = []
    for start in range(0, len(sampled), 2):
        values = []
        for given, answer in sampled[start : start + 2]:
            ids, last = torch.tensor([given + answer]), slice(len(given) - 1, -1)
            with torch.no_grad():
                ours = (model(ids).logits[0, last] / 0.8).log_softmax(-1)
                with model.disable_adapter():
                    theirs = (model(ids).logits[0, last] / 0.8).log_softmax(-1)
            ratio = (theirs - ours).gather(1, torch.tensor(answer)[:, None])[:, 0]
            values += (ratio.exp() - ratio - 1).tolist()
        means.append(sum(values) / len(values))
    return sum(means) / len(means)


def test_the_kl_of_sft_is_exact_and_in_the_loss(tiny_policy: Path, cold: Path, workspace: Workspace) -> None:
    """From the cold start the first step's loss is the cross-entropy and the weighted KL, each worked out apart."""
    base, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    settings = Sft.model_validate(SFT | {"batch_size": 16, "micro_batch_size": 8})
    figures = []
    for weight in (0.0, 0.5):
        model = load_adapter(load_policy(tiny_policy, "float32", "cpu")[0], cold, trainable=True)
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        own = work(workspace.folder / str(weight))
        _, history = train_sft(model, tokenizer, PAIRS, "{source}", settings, **HERE, workspace=own, kl_weight=weight)
        figures.append(history[0])
    expected = exact_kl(load_adapter(base, cold, trainable=False), tokenizer)
    assert figures[1]["loss"] - figures[0]["loss"] == pytest.approx(0.5 * expected, rel=1e-3)
    assert figures[1]["kl"] == pytest.approx(expected, rel=1e-2)  # a mean of micro-batches


def exact_kl(model: Any, tokenizer: Any) -> float:
    """KL(model ‖ base), mean over the answers' tokens, their end included."""
    total, count = 0.0, 0
    for row in PAIRS:
        turns = [{"role": "user", "content": row["source"]}]
        kwargs = {"enable_thinking": False, "return_dict": False}
        given = tokenizer.apply_chat_template(turns, add_generation_prompt=True, **kwargs)
        answered = [*turns, {"role": "assistant", "content": row["target"]}]
        ids = torch.tensor([tokenizer.apply_chat_template(answered, **kwargs)])
        with torch.no_grad():
            ours = model(ids).logits[0, len(given) - 1 : -1].double().log_softmax(-1)
            with model.disable_adapter():
                theirs = model(ids).logits[0, len(given) - 1 : -1].double().log_softmax(-1)
        total += float((ours.exp() * (ours - theirs)).sum())
        count += len(ours)
    return total / count


def test_kl_in_chunks_is_the_same_with_its_gradient() -> None:
    torch.manual_seed(0)
    head = torch.nn.Linear(4, 11, bias=False)
    reference = torch.randn(7, 4)
    found = []
    for chunk in (100, 3):
        hidden = torch.randn(7, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
        value = kl_sum(head, hidden, reference, chunk)
        value.backward()
        assert hidden.grad is not None
        found.append((value.detach(), hidden.grad))
    assert torch.allclose(found[0][0], found[1][0])
    assert torch.allclose(found[0][1], found[1][1], atol=1e-6)
    p, q = ((head(states)).softmax(-1) for states in (hidden, reference))
    assert torch.allclose(found[0][0], (p * (p / q).log()).sum(), atol=1e-4)


def test_replay_is_learnt_and_counted(tiny_policy: Path, cold: Path, workspace: Workspace) -> None:
    _, report, history = trained("replay", tiny_policy, cold, workspace)
    assert (report["examples"], report["replayed"], report["replayed_cut"]) == (16, 8, 0)
    assert len(history) == 2 * 16 // 4


def test_pairs_among_replay_are_learnt_as_without(tiny_policy: Path, workspace: Workspace) -> None:
    """The same tokens and the same loss: with nothing but pairs as replay, and with pairs alone."""
    _, tokenizer = load_policy(tiny_policy, "float32", "cpu")
    settings = Sft.model_validate(SFT | {"batch_size": 16, "micro_batch_size": 16})
    half, rest = PAIRS[:8], [{"prompt": row["source"], "completion": row["target"]} for row in PAIRS[8:]]
    found = []
    for rows, replayed in ((PAIRS, []), (half, rest)):
        model = new_adapter(load_policy(tiny_policy, "float32", "cpu")[0], Lora.model_validate(LORA), seed=0)
        own = work(workspace.folder / str(len(rows)))
        report, history = train_sft(
            model, tokenizer, rows, "{source}", settings, **HERE, workspace=own, replayed=replayed
        )
        found.append((report["tokens"], history[0]["num_tokens"], history[0]["loss"]))
    assert found[0] == pytest.approx(found[1], rel=1e-5)
